"""Two at once on one ticket: who comes second sees what became of it."""

from __future__ import annotations

from dispatch.events import Actor
from dispatch.parties import members, organisation_desk, organisations, tickets
from dispatch.parties.members import By
from dispatch.parties.tickets import TicketClosed, TicketIn
from dispatch.services import Services
from tests.organisations import add_organisation
from tests.parties import add_account, add_membership
from tests.turns import one_after_the_other

STAFF = Actor("admin")


async def test_what_is_closed_meanwhile_stays_closed(services: Services) -> None:
    home = await add_organisation(services)
    async with services.transaction() as tx:
        opened = await tickets.open(tx, home.by, TicketIn("Late", "service", "Nobody came."))
    _, refused = await one_after_the_other(
        services, lambda tx: tickets.close(tx, home.by, opened.id),
        lambda tx: tickets.answer(tx, STAFF, opened.id, "On the way.", status="resolved"),
    )  # fmt: skip
    assert isinstance(refused, TicketClosed)
    async with services.read() as conn:
        ticket, replies = await tickets.get(conn, home.by, opened.id)
    assert (ticket.status, replies) == ("closed", [])


async def whom(services: Services, number: str) -> list[str]:
    told = "SELECT recipient FROM outbox WHERE template = 'ticket_reply' AND body LIKE '%' || $1 || '%' ORDER BY id"
    async with services.read() as conn:
        return [row["recipient"] for row in await conn.fetch(told, number)]


async def test_an_answer_reaches_the_organisation_where_nobody_waits_for_it(services: Services) -> None:
    """Whoever opened it is gone, or it was one of its systems."""
    home = await add_organisation(services)
    member_id = await home.member("coordinator")
    theirs = By(home.id, Actor("organisation", "x"), "partner_coordinator", member_id=member_id)
    key = By(home.id, Actor("organisation", "key"), "key")
    async with services.transaction() as tx:
        opened = [await tickets.open(tx, by, TicketIn("Late", "service", "Nobody came.")) for by in (theirs, key)]
        address = (await members.get(tx.conn, home.by, member_id)).email
        registered = (await organisations.get(tx.conn, home.id)).registered_email
        await tickets.answer(tx, STAFF, opened[0].id, "We ask.")
        await members.set_status(tx, home.by, member_id, "removed")
    for one in opened:
        async with services.transaction() as tx:
            await tickets.answer(tx, STAFF, one.id, "On the way.")
    assert [await whom(services, one.number) for one in opened] == [[address, registered], [registered]]


async def test_who_has_left_the_house_reads_no_ticket_any_more(services: Services) -> None:
    home = await add_organisation(services)
    left, stays = [await add_account(services, f"{name}@staff.example") for name in ("left", "stays")]
    for account_id in (left, stays):
        await add_membership(services, account_id, "admin", "support")
    async with services.transaction() as tx:
        await organisation_desk.set_account_manager(tx, home.id, left)
        opened = await tickets.open(tx, home.by, TicketIn("Late", "service", "Nobody came."))
        await tickets.reply(tx, home.by, opened.id, "Still nobody.", [])
        await tx.conn.execute("UPDATE memberships SET status = 'removed' WHERE account_id = $1", left)
        await organisation_desk.set_account_manager(tx, home.id, stays)
    async with services.transaction() as tx:
        await tickets.reply(tx, home.by, opened.id, "Now?", [])
    assert await whom(services, opened.number) == ["left@staff.example", "stays@staff.example"]
