"""Enrolling two at once, and what erasing an account leaves of a member."""

from __future__ import annotations

import asyncio
from uuid import UUID

from dispatch.access import passwords, signing
from dispatch.events import Actor
from dispatch.parties import erp_customers, members
from dispatch.parties.members import AlreadyMember, NewMember, TooManyMembers
from dispatch.services import Services
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage import accounts as account_rows
from storage import erasure
from tests.organisations import Home, add_organisation
from tests.parties import PASSWORD


async def enrol(home: Home, n: int, email: str | None = None) -> object:
    new = NewMember("P", str(n), email or f"p{n}@race.example", employee_no=f"E{n}")
    async with home.services.transaction() as tx:
        return await members.enrol(tx, home.by, new, "Org")


async def test_two_enrolments_never_pass_the_tier_together(services: Services) -> None:
    home = await add_organisation(services, expected_users=5)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE organisations SET member_count = 47 WHERE id = $1", home.id)
    made = await asyncio.gather(*(enrol(home, n) for n in range(8)), return_exceptions=True)
    assert sum(isinstance(m, TooManyMembers) for m in made) == 5
    async with services.read() as conn:
        assert await conn.fetchval("SELECT member_count FROM organisations WHERE id = $1", home.id) == 50


async def test_one_address_is_one_member_and_one_account(services: Services) -> None:
    home = await add_organisation(services)
    made = await asyncio.gather(*(enrol(home, n, "same@race.example") for n in range(4)), return_exceptions=True)
    assert sum(isinstance(m, AlreadyMember) for m in made) == 3
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM accounts WHERE email = 'same@race.example'") == 1


async def test_a_password_that_somebody_else_chose_makes_nobody_a_member(services: Services) -> None:
    """The customer was made by the ERP, which knows the password: pending until the link of the mailbox is used."""
    home, address = await add_organisation(services), "made@race.example"
    new = await erp_customers.new_account(
        services, name="A", last_name=None, email=address, password=PASSWORD, phone=None
    )
    async with services.transaction() as tx:
        await erp_customers.make(tx, new)
    member_id = await enrol(home, 1, address)
    async with services.transaction() as tx:
        assert isinstance(member_id, UUID)
        assert (await members.get(tx.conn, home.by, member_id)).status == "pending"
        assert await account_rows.credentials(tx.conn, email=address) is None
        account_id = await home.account_of(member_id)
        link = await passwords.make_link(tx, account_id)
    await signing.use_link(services, link, "of their own choice")
    async with services.read() as conn:
        assert (await members.get(conn, home.by, member_id)).status == "active"


async def test_each_members_events_leave_in_an_order_of_their_own(services: Services) -> None:
    home = await add_organisation(services)
    async with services.transaction() as tx:
        owner, events = Owner("organisation", home.id), ("user.enrolled", "user.suspended")
        await endpoints.create(tx, owner, Actor("admin", None), url="https://hooks.example.com/in", events=events)
    first, second = [await enrol(home, n) for n in (1, 2)]
    assert isinstance(first, UUID)
    async with services.transaction() as tx:
        await members.apply_status(tx, home.id, first, "suspended", "Left")
    async with services.read() as conn:
        told = await conn.fetch("SELECT type, data ->> 'member_id' AS who, stream FROM webhook_deliveries ORDER BY no")
    assert [(t["type"], t["who"]) for t in told] == [
        ("user.enrolled", str(first)), ("user.enrolled", str(second)), ("user.suspended", str(first)),
    ]  # fmt: skip
    assert told[0]["stream"] == told[2]["stream"] != told[1]["stream"]


async def test_an_erased_account_leaves_no_name(services: Services) -> None:
    home = await add_organisation(services)
    member_id = await home.member(phone="+919876500001", employee_no="E-CANARY", segment="CANARY")
    account_id = await home.account_of(member_id)
    async with services.transaction() as tx:
        await erasure.end_memberships(tx.conn, account_id=account_id)
        await erasure.erase_members(tx.conn, account_id=account_id)
    async with services.read() as conn:
        kept = await conn.fetchval("SELECT m::text FROM members m WHERE id = $1", member_id)
        count = await conn.fetchval("SELECT member_count FROM organisations WHERE id = $1", home.id)
    assert "CANARY" not in kept and "9876500001" not in kept and "Former" in kept
    assert count == 1
