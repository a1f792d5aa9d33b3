"""Two at once on one ticket: who comes second sees what became of it."""

from __future__ import annotations

from dispatch.events import Actor
from dispatch.parties import tickets
from dispatch.parties.tickets import TicketClosed, TicketIn
from dispatch.services import Services
from tests.organisations import add_organisation
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
