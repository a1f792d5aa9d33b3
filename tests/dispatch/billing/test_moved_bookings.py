"""A member moves a visit to another month: the budgets, the limit and the credit of that month are what counts."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import pytest

from dispatch.billing.member_bookings import MayNotBook
from dispatch.billing.moved_bookings import ApprovalNeeded, OverLimit
from dispatch.engine import bookings, rescheduling
from dispatch.events import Actor
from dispatch.localtime import to_utc
from dispatch.parties import budgets, programs
from dispatch.parties.budgets import BudgetExceeded
from dispatch.parties.programs import CreditUsedUp, NewProgram, ProgramClosed
from storage.bookings import Booking
from tests.dispatch.billing.test_member_approvals import STAFF, TOTAL, access
from tests.organisations import Home, add_organisation, books
from tests.world import World

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
MEMBER = Actor("customer", "somebody")


async def moved(world: World, booking: Booking, day: date, actor: Actor = MEMBER) -> Booking:
    to: datetime = to_utc(day, booking.local_time, booking.timezone)
    async with world.services.transaction() as tx:
        return await rescheduling.reschedule(tx, booking.id, actor, to)


async def reserved(home: Home) -> tuple[int, int]:
    """Of January's and of February's budget."""
    async with home.services.read() as conn:
        found = [(await budgets.standing(conn, home.id, month)).get(None) for month in (JANUARY, FEBRUARY)]
    january, february = (one.reserved_minor if one else 0 for one in found)
    return january, february


async def booked(world: World, home: Home, account_id: UUID, day: date, program: UUID | None = None) -> Booking:
    days = (day - world.now.date()).days
    return await world.booking((await books(world, home, account_id, days=days, program=program)).id)


async def test_what_it_holds_goes_to_the_month_of_its_new_day(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    account_id = await home.account_of(await home.member())
    booking = await booked(world, home, account_id, date(2026, 1, 30))
    await moved(world, booking, date(2026, 1, 29))
    assert await reserved(home) == (TOTAL, 0)
    await moved(world, booking, date(2026, 2, 2))
    assert await reserved(home) == (0, TOTAL)
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, MEMBER, None)
    assert await reserved(home) == (0, 0)


async def test_a_month_without_a_budget_for_it_is_not_moved_into(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    member = await home.member()
    account_id = await home.account_of(member)
    async with world.services.transaction() as tx:
        for month, amount in ((JANUARY, 2 * TOTAL), (FEBRUARY, TOTAL - 1)):
            rules = budgets.Rules(allow_overspend=False)
            await budgets.allocate(tx, home.id, None, month, amount, rules=rules, set_by="a test")
    booking = await booked(world, home, account_id, date(2026, 1, 30))
    for actor in (MEMBER, STAFF):
        with pytest.raises(BudgetExceeded):
            await moved(world, booking, date(2026, 2, 2), actor)
    assert (await world.booking(booking.id)).starts_at == booking.starts_at
    assert await reserved(home) == (TOTAL, 0)


async def test_a_limit_of_the_month_is_not_got_round_by_moving(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    member = await home.member()
    account_id = await home.account_of(member)
    await access(home, member, None, monthly_limit_minor=TOTAL)
    january = await booked(world, home, account_id, date(2026, 1, 29))
    february = await booked(world, home, account_id, date(2026, 2, 2))
    with pytest.raises(OverLimit):
        await moved(world, february, date(2026, 1, 30))
    # Staff move it because nobody can come: it is not the member's doing.
    assert (await moved(world, february, date(2026, 1, 30), STAFF)).local_date == date(2026, 1, 30)
    assert await reserved(home) == (2 * TOTAL, 0)
    assert (await moved(world, january, date(2026, 2, 2))).local_date == date(2026, 2, 2)


async def test_under_a_program_a_new_day_takes_the_credit_of_its_period(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    account_id = await home.account_of(await home.member())
    new = NewProgram(
        "employee_benefit", "Benefit", JANUARY, date(2026, 2, 2), credit_minor=TOTAL, frequency="monthly",
        allowed_services=("Facial",),
    )  # fmt: skip
    async with world.services.transaction() as tx:
        program = await programs.create(tx, home.by, new)
    january = await booked(world, home, account_id, date(2026, 1, 29), program.id)
    february = await booked(world, home, account_id, date(2026, 2, 2), program.id)
    for day, error in ((date(2026, 2, 1), CreditUsedUp), (date(2026, 2, 3), ProgramClosed)):
        with pytest.raises(error):
            await moved(world, january, day)
    assert (await moved(world, january, date(2026, 1, 30))).local_date == date(2026, 1, 30)
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, february.id, MEMBER, None)
    assert (await moved(world, january, date(2026, 2, 2))).local_date == date(2026, 2, 2)
    # January's is there again.
    assert await booked(world, home, account_id, date(2026, 1, 30), program.id)
    assert await world.value("SELECT used_minor FROM programs WHERE id = $1", program.id) == 2 * TOTAL


async def test_who_may_not_book_any_more_moves_nothing_into_another_month(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    member = await home.member()
    account_id = await home.account_of(member)
    new = NewProgram(
        "employee_benefit", "Benefit", JANUARY, date(2026, 3, 1), credit_minor=3 * TOTAL, frequency="monthly",
        allowed_services=("Facial",),
    )  # fmt: skip
    async with world.services.transaction() as tx:
        program = await programs.create(tx, home.by, new)
    plain = await booked(world, home, account_id, date(2026, 1, 29))
    under = await booked(world, home, account_id, date(2026, 1, 30), program.id)
    await world.execute("UPDATE members SET can_book = false WHERE id = $1", member)
    for booking in (plain, under):
        with pytest.raises(MayNotBook):
            await moved(world, booking, date(2026, 2, 2))
    await world.execute("UPDATE members SET can_book = true, removed_at = app_now() WHERE id = $1", member)
    for booking in (plain, under):
        with pytest.raises(MayNotBook):
            await moved(world, booking, date(2026, 2, 2))
    assert await reserved(home) == (TOTAL, 0)
    assert await world.value("SELECT used_minor FROM programs WHERE id = $1", program.id) == TOTAL
    # Staff move it: whose it is has no say in it.
    await moved(world, plain, date(2026, 2, 2), STAFF)
    assert await reserved(home) == (0, TOTAL)


async def test_the_line_of_a_month_from_which_it_is_approved_is_not_got_round_by_moving(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    account_id = await home.account_of(await home.member())
    async with world.services.transaction() as tx:
        rules = budgets.Rules(approval_above_minor=TOTAL - 1)
        await budgets.allocate(tx, home.id, None, FEBRUARY, 9 * TOTAL, rules=rules, set_by="a test")
    booking = await booked(world, home, account_id, date(2026, 1, 30))
    with pytest.raises(ApprovalNeeded):
        await moved(world, booking, date(2026, 2, 2))
    assert (await moved(world, booking, date(2026, 2, 2), STAFF)).local_date == date(2026, 2, 2)
    assert (await moved(world, booking, date(2026, 2, 3))).local_date == date(2026, 2, 3)


async def test_what_was_approved_above_a_limit_may_change_its_month(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    member = await home.member()
    account_id = await home.account_of(member)
    await access(home, member, None, monthly_limit_minor=TOTAL - 1)
    booking = await booked(world, home, account_id, date(2026, 1, 30))
    assert booking.next_action == "release_unapproved"
    await moved(world, booking, date(2026, 2, 2))
    assert await reserved(home) == (0, TOTAL)
