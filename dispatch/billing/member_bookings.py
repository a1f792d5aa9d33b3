"""Bookings that members make in the name of their organisation: who may, within which limits, out of which budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from dispatch.billing import cancellation, member_approvals
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing, NotAllowed
from dispatch.localtime import local
from dispatch.parties import budgets, departments, organisations, programs
from dispatch.parties.members import By
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import bulk_bookings as rows
from storage import members as member_rows
from storage.bookings import Booking
from storage.database.pool import Conn
from storage.departments import Department
from storage.members import Member


class MayNotBook(NotAllowed):
    """You may not book in the name of your organisation: ask an administrator of it."""

    code = "may_not_book"


class ServiceNotAllowed(NotAllowed):
    """This department may not book services of this kind."""

    code = "service_not_allowed"


class Changed(Conflict):
    """Your limit was used up while you booked: confirm again, and your organisation is asked to approve it."""

    code = "approval_required"


async def check(conn: Conn, account_id: UUID, organisation_id: UUID, program_id: UUID | None) -> None:
    """Looked at before anything is priced. Raises Missing (not a member, no such program), MayNotBook, NotVerified."""
    await _member(conn, account_id, organisation_id)
    await organisations.active(conn, organisation_id)
    if program_id is not None:
        await programs.get(conn, organisation_id, program_id)


async def begin(tx: Tx, booking: Booking, organisation_id: UUID, program_id: UUID | None) -> bool:
    """Before anybody is searched for: whether it has to be approved first. A program's is marked, for the search.

    Raises Missing, MayNotBook, NotVerified.
    """
    await organisations.active(tx.conn, organisation_id)
    member = await _member(tx.conn, booking.account_id, organisation_id)
    if program_id is None:
        return await _is_to_approve(tx, booking, member, await _department(tx, member))
    program = await programs.get(tx.conn, organisation_id, program_id)
    await programs.mark(tx, program, booking.id)
    return False


async def take(tx: Tx, booking: Booking, organisation_id: UUID, program_id: UUID | None, *, waits: bool) -> None:
    """A new booking takes what it needs: of a program its credit, else of the budgets. One that `waits` asks for it.

    Raises Missing, MayNotBook, ServiceNotAllowed, NeedsApproval, Changed, BudgetForOthers, BudgetExceeded, and what
    programs.use raises; then nothing is booked.
    """
    found = await _member(tx.conn, booking.account_id, organisation_id)
    member = await lock_booker(tx, organisation_id, found.id, booking.categories)
    department = await _department(tx, member)
    if department is not None and not departments.allows(department.allowed_services, booking.categories):
        raise ServiceNotAllowed
    if program_id is not None:
        program = await programs.get(tx.conn, organisation_id, program_id)
        today = local(tx.now, booking.timezone).date()
        await programs.use(
            tx, program, member, booking.id, booking.categories, booking.local_date, today,
            booking.grand_total_minor,
        )  # fmt: skip
    else:
        if waits:
            await member_approvals.ask(tx, booking, member, department)
        elif await _is_to_approve(tx, booking, member, department):
            raise Changed
        month = budgets.month_of(booking.local_date)
        amount = {month: booking.grand_total_minor}
        await budgets.reserve(tx, organisation_id, member.department_id, amount, booking.categories)
        await budgets.hold_for(tx, booking.id, organisation_id, member.department_id, month, booking.grand_total_minor)
    await rows.bind(
        tx.conn, booking_id=booking.id, department_id=member.department_id, member_id=member.id, budget_code=None,
        requirements=[],
    )  # fmt: skip


async def cancel(tx: Tx, by: By, booking_id: UUID, reason: str | None) -> None:
    """The organisation calls off what a member has booked in its name, at what that costs by then: also what somebody
    has booked who is gone since.

    Raises Missing, OutOfReach, WrongState once the job has begun or the booking is over.
    """
    found, _ = await member_approvals.get(tx.conn, by, booking_id)
    by.check_reach(found.department_id)
    booking = await booking_rows.get(tx.conn, booking_id=booking_id)
    assert booking is not None, "bookings stay"
    await cancellation.cancel(tx, booking_id, booking.account_id, reason, actor=by.actor)
    await audit.record(tx, by.actor, "booking.cancel", "booking", booking_id)


async def lock_booker(tx: Tx, organisation_id: UUID, member_id: UUID, categories: Sequence[str]) -> Member:
    """A member who may book these, locked: whoever books twice at once waits, so that limits see what was before.

    Raises Missing, MayNotBook, ServiceNotAllowed.
    """
    member = await member_rows.lock(tx.conn, id=member_id, organisation_id=organisation_id)
    if member is None:
        raise Missing("user")
    if member.status != "active" or not member.can_book:
        raise MayNotBook
    if not departments.allows(member.allowed_services, categories):
        raise ServiceNotAllowed("You may not book services of this kind in the name of your organisation.")
    return member


async def is_over_limit(conn: Conn, member: Member, months: Mapping[date, int]) -> bool:
    """Whether a month's bookings, with those that are only planned, would come to more than a member's limit.

    `months`: what is to be added in each, by its first day.
    """
    if member.monthly_limit_minor is None:
        return False
    for month, amount_minor in months.items():
        spent = await rows.spent_in_month(conn, member_id=member.id, month=month) or 0
        if spent + amount_minor > member.monthly_limit_minor:
            return True
    return False


async def _member(conn: Conn, account_id: UUID, organisation_id: UUID) -> Member:
    member = await member_rows.of_account(conn, account_id=account_id, organisation_id=organisation_id)
    if member is None:
        raise Missing("organization")
    if member.status != "active" or not member.can_book:
        raise MayNotBook
    return member


async def _department(tx: Tx, member: Member) -> Department | None:
    if member.department_id is None:
        return None
    return await departments.get(tx.conn, member.organisation_id, member.department_id)


async def _is_to_approve(tx: Tx, booking: Booking, member: Member, department: Department | None) -> bool:
    """Where the member or the department asks for it, or it is above the budget's line or the member's own limit."""
    if member.require_approval or (department is not None and department.approval_required):
        return True
    if await is_large(tx, member.organisation_id, member.department_id, booking):
        return True
    return await is_over_limit(tx.conn, member, {budgets.month_of(booking.local_date): booking.grand_total_minor})


async def is_large(tx: Tx, organisation_id: UUID, department_id: UUID | None, booking: Booking) -> bool:
    """Whether it is above the line from which the budget of its month asks for an approval."""
    line = await budgets.approval_line(tx.conn, organisation_id, department_id, [booking.local_date])
    return line is not None and booking.grand_total_minor > line
