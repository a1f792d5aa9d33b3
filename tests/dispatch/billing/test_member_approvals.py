"""Members' own bookings that wait for an approval: who is asked, what is held meanwhile, and how it ends."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.billing import member_approvals
from dispatch.billing.bulk_approvals import NotApprover
from dispatch.billing.confirm import Confirmed
from dispatch.billing.member_approvals import NeedsApproval
from dispatch.engine import assigning, rescheduling
from dispatch.engine.lifecycle import WrongState
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.parties import budgets, departments, members, organisations
from dispatch.parties.departments import DepartmentIn
from dispatch.parties.members import Access, By
from dispatch.parties.organisations import NotVerified
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage import accounts as account_rows
from tests.organisations import Home, add_organisation, books
from tests.world import World

STAFF = Actor("admin", "x")
TOTAL = 188_800


async def access(home: Home, member: UUID, department_id: UUID | None, **more: Any) -> None:
    values = {
        "access_level": "standard", "department_id": department_id, "can_book": True, "require_approval": False,
        "monthly_limit_minor": None, "allowed_services": (), **more,
    }  # fmt: skip
    async with home.services.transaction() as tx:
        await members.set_access(tx, home.by, member, Access(**values))


def as_(home: Home, member_id: UUID, role: str, within: UUID | None = None) -> By:
    return By(home.id, Actor("organisation", str(member_id)), role, within, member_id)


async def reserved(home: Home, month: date) -> int:
    async with home.services.read() as conn:
        return (await budgets.standing(conn, home.id, month))[None].reserved_minor


async def waiting(world: World, made: Confirmed) -> bool:
    assert made.waits_for_approval is ((await world.booking(made.id)).next_action == "release_unapproved")
    return made.waits_for_approval and await world.open_offer(made.id) is None


async def test_above_a_limit_it_waits_and_the_last_word_sends_somebody(world: World) -> None:
    technician = await world.technician()
    home = await add_organisation(world.services)
    place = await home.department("Sales", code="SAL")
    first, second, admin = (
        await home.member("manager", department_id=place.id), await home.member("manager", department_id=place.id),
        await home.member("admin"),
    )  # fmt: skip
    async with world.services.transaction() as tx:
        changed = DepartmentIn("Sales", "SAL", approvers=(first, second))
        await departments.change(tx, home.id, place.id, changed, today=world.now.date(), set_by="a test")
    member = await home.member(department_id=place.id)
    account_id = await home.account_of(member)
    await access(home, member, place.id, monthly_limit_minor=TOTAL)
    assert not await waiting(world, await books(world, home, account_id, hour=11))
    made = await books(world, home, account_id, hour=15)
    assert await waiting(world, made)
    month = budgets.month_of((await world.booking(made.id)).local_date)
    assert await reserved(home, month) == 2 * TOTAL
    told = await world.fetch("SELECT recipient, body FROM outbox WHERE template = 'approval_wanted' ORDER BY recipient")
    assert len(told) == 2 and all(made.number in row["body"] for row in told)
    # Staff do not go past it, nor does the time by which it would be searched for otherwise.
    async with world.services.transaction() as tx:
        with pytest.raises(Conflict, match="approval"):
            await assigning.assign(tx, made.id, STAFF, force=True)
    await world.advance(minutes=5)
    await world.sweep()
    assert await waiting(world, made)

    async def says(by: By, what: str = "approve") -> None:
        async with world.services.transaction() as tx:
            await getattr(member_approvals, what)(tx, by, made.id, None)

    other = await add_organisation(world.services)
    with pytest.raises(Missing):
        await says(other.by)
    for by in (home.by, as_(home, admin, "partner_admin"), as_(home, member, "partner_owner")):
        with pytest.raises(NotApprover):
            await says(by)
    await says(as_(home, first, "partner_manager", place.id))
    with pytest.raises(WrongState, match="already"):
        await says(as_(home, first, "partner_manager", place.id), "reject")
    assert (await world.booking(made.id)).next_action == "release_unapproved"
    await says(as_(home, second, "partner_manager", place.id))
    await world.sweep()
    assert (await world.open_offer(made.id))["technician_id"] == technician
    assert "booking.approved" in await world.facts(made.id)
    with pytest.raises(WrongState):
        await says(as_(home, second, "partner_manager", place.id))


async def test_a_no_or_no_word_at_all_ends_it_and_frees_the_budget(world: World) -> None:
    for km in (1, 2):
        await world.technician(km_north=km)
    home = await add_organisation(world.services)
    member = await home.member()
    account_id = await home.account_of(member)
    await access(home, member, None, require_approval=True)
    refused, unanswered = [await books(world, home, account_id, hour=hour) for hour in (11, 15)]
    month = budgets.month_of((await world.booking(refused.id)).local_date)
    # Nobody is named: the owner decides for the whole.
    async with world.services.transaction() as tx:
        await member_approvals.reject(tx, home.by, refused.id, "too dear")
    assert (await world.booking(refused.id)).status == "cancelled"
    assert await world.value("SELECT cancellation_reason FROM bookings WHERE id = $1", refused.id) == "too dear"
    assert await reserved(home, month) == TOTAL
    # Moved, it still waits, until the new time.
    booking = await world.booking(unanswered.id)
    async with world.services.transaction() as tx:
        await rescheduling.reschedule(tx, booking.id, Actor("customer", "x"), booking.starts_at + timedelta(days=1))
    await world.advance(seconds=(booking.starts_at - world.now).total_seconds())
    await world.sweep()
    assert (await world.booking(booking.id)).next_action == "release_unapproved"
    await world.advance(days=1)
    await world.sweep()
    assert (await world.booking(booking.id)).status == "cancelled"
    assert await reserved(home, month) == 0


async def test_an_approval_is_told_to_the_organisations_systems(world: World) -> None:
    """And to no others: only organisations can choose it, and a no is told as a cancelled booking."""
    await world.technician()
    home = await add_organisation(world.services)
    owner, events = Owner("organisation", home.id), ("booking.approved", "booking.cancelled")
    async with world.services.transaction() as tx:
        await endpoints.create(tx, owner, STAFF, url="https://hooks.example.com/in", events=events)
        other = Owner("integration", uuid4())
        with pytest.raises(Invalid, match=r"booking\.approved"):
            await endpoints.create(tx, other, STAFF, url="https://hooks.example.com/in", events=events)
    member = await home.member()
    await access(home, member, None, require_approval=True)
    account_id = await home.account_of(member)
    agreed, refused = [await books(world, home, account_id, hour=hour) for hour in (11, 15)]
    async with world.services.transaction() as tx:
        await member_approvals.approve(tx, home.by, agreed.id)
    async with world.services.transaction() as tx:
        await member_approvals.reject(tx, home.by, refused.id)
    told = await world.fetch("SELECT type, booking_id FROM webhook_deliveries ORDER BY no")
    assert [tuple(row) for row in told] == [("booking.approved", agreed.id), ("booking.cancelled", refused.id)]


async def test_where_nobody_else_decides_nothing_is_booked(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    rules = budgets.Rules(approval_above_minor=TOTAL - 1)
    async with world.services.transaction() as tx:
        await budgets.allocate(tx, home.id, None, world.now.date(), 10 * TOTAL, rules=rules, set_by="a test")
    with pytest.raises(NeedsApproval):
        await books(world, home, await home.account_of(home.owner_id))
    assert await world.value("SELECT count(*) FROM bookings") == 0


async def test_somebody_stands_in_for_those_who_are_gone(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    place = await home.department("Sales", code="SAL")
    gone = await home.member("manager", department_id=place.id)
    async with world.services.transaction() as tx:
        changed = DepartmentIn("Sales", "SAL", approvers=(gone,), approval_required=True)
        await departments.change(tx, home.id, place.id, changed, today=world.now.date(), set_by="a test")
    asking = await home.member(department_id=place.id)
    made = await books(world, home, await home.account_of(asking))
    async with world.services.transaction() as tx:
        with pytest.raises(NotApprover):
            await member_approvals.approve(tx, home.by, made.id)
        await members.apply_status(tx, home.id, gone, "suspended", None)
        with pytest.raises(NotApprover):
            # Whoever decides for the whole by now does not for what they asked for.
            await member_approvals.approve(tx, as_(home, asking, "partner_admin"), made.id)
    # While the organisation is suspended nobody is sent in its name.
    for status, refused in (("suspended", True), ("active", False)):
        async with world.services.transaction() as tx:
            await organisations.set_status(tx, home.id, status, None, STAFF)
            if refused:
                with pytest.raises(NotVerified):
                    await member_approvals.approve(tx, home.by, made.id)
    async with world.services.transaction() as tx:
        await member_approvals.approve(tx, home.by, made.id)
    assert (await world.booking(made.id)).next_action == "dispatch"


async def test_whoever_has_proved_the_phone_books_as_the_member(world: World) -> None:
    """By the customer's checkout, with an account of their own: the member's limit and the budget are what counts."""
    await world.technician()
    home = await add_organisation(world.services)
    member = await home.member(phone="+919812300001")
    await access(home, member, None, monthly_limit_minor=TOTAL)
    async with world.services.transaction() as tx:
        account = await account_rows.sign_in(tx.conn, phone="+919812300001")
    assert account is not None and account.id != await home.account_of(member)
    made = await books(world, home, account.id, hour=11)
    booking = await world.booking(made.id)
    assert (booking.account_id, booking.organisation_id) == (account.id, home.id) and not made.waits_for_approval
    assert await world.value("SELECT member_id FROM bookings WHERE id = $1", made.id) == member
    assert (await books(world, home, account.id, hour=15)).waits_for_approval
