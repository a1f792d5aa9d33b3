"""Out of what a bulk booking is paid: a program's budget, else the budgets of its department and organisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from dispatch.parties import budgets, programs
from dispatch.services import Tx
from storage.bookings import Booking
from storage.bulk_bookings import Bulk


async def reserve(
    tx: Tx, organisation_id: UUID, department_id: UUID | None, program_id: UUID | None, months: Mapping[date, int],
    categories: Sequence[str],
) -> None:  # fmt: skip
    """Raises BudgetForOthers, BudgetExceeded, and of a program ProgramUsedUp."""
    if program_id is not None:
        await programs.take_budget(tx, program_id, sum(months.values()))
    else:
        await budgets.reserve(tx, organisation_id, department_id, months, categories)


async def release(tx: Tx, bulk: Bulk, months: Mapping[date, int]) -> None:
    """Visits that will not be give back what was reserved for them."""
    if bulk.program_id is not None:
        await programs.give_back(tx, bulk.program_id, sum(months.values()))
    else:
        await budgets.release(tx, bulk.organisation_id, bulk.department_id, months)


async def hold_for(tx: Tx, bulk: Bulk, booking: Booking) -> None:
    """A visit that became a booking holds what is reserved already, to be spent or given back with it."""
    month = budgets.month_of(booking.local_date)
    if bulk.program_id is not None:
        await programs.serve(tx, bulk.program_id, booking.id, booking.local_date, booking.grand_total_minor)
        return
    await budgets.hold_for(tx, booking.id, bulk.organisation_id, bulk.department_id, month, booking.grand_total_minor)
