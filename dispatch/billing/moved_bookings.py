"""A booking in the name of an organisation is moved to another day: what it takes is taken of that day's month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from dispatch.billing import member_approvals, member_bookings
from dispatch.billing.member_bookings import MayNotBook
from dispatch.errors import Missing, NotAllowed
from dispatch.events import Fact
from dispatch.localtime import local
from dispatch.parties import budgets, programs
from dispatch.services import Reactions, Tx
from storage import bookings as booking_rows
from storage import budgets as budget_rows
from storage import programs as program_rows
from storage.bookings import Booking
from storage.budgets import Hold
from storage.members import Member

#: Who moves their own visit, and is held to their own limits. Staff move it because nobody can come.
_BOOKERS = ("customer", "integration")


class OverLimit(NotAllowed):
    """What you may book in that month is used up: choose a day of the same month, or ask your organisation."""

    code = "over_limit"


class ApprovalNeeded(NotAllowed):
    """In that month your organisation approves such a visit first: choose a day of the same month, or book anew."""

    code = "approval_needed"


@dataclass(frozen=True, slots=True)
class Moved:
    """A booking as it is now, and the day on which it was to be. `by_booker`: whose it is moved it."""

    booking: Booking
    old: date
    by_booker: bool


async def on_moved(tx: Tx, fact: Fact) -> None:
    """As if it had been booked for its new day in the first place; where that may not be, it is not moved.

    What members share is locked last, as when they book: not while somebody is searched for. Raises then OverLimit,
    ApprovalNeeded, MayNotBook, ServiceNotAllowed, BudgetForOthers, BudgetExceeded, and what programs.use raises.
    """
    booking = tx.known.get(fact.booking_id) or await booking_rows.get(tx.conn, booking_id=fact.booking_id)
    if booking is None or booking.organisation_id is None:
        return
    old = local(datetime.fromisoformat(fact.data["from"]), booking.timezone).date()
    if old != booking.local_date:
        tx.late(_take, Moved(booking, old, fact.actor.kind in _BOOKERS))


async def _take(tx: Tx, several: list[Moved]) -> None:
    for moved in several:
        booking = moved.booking
        used = await program_rows.used(tx.conn, booking_id=booking.id) if moved.by_booker else None
        if used is not None:
            member = await _booker(tx, used.organisation_id, used.member_id, booking.categories)
            today = local(tx.now, booking.timezone).date()
            await programs.use_anew(tx, used, member, booking.id, booking.categories, booking.local_date, today)
            continue
        month = budgets.month_of(booking.local_date)
        if month != budgets.month_of(moved.old) and (held := await budget_rows.held(tx.conn, booking_id=booking.id)):
            await _shift(tx, moved, held, month)


async def _booker(tx: Tx, organisation_id: UUID, member_id: UUID, categories: Sequence[str]) -> Member:
    """Whose it is, who may still book. Raises MayNotBook, ServiceNotAllowed."""
    try:
        return await member_bookings.lock_booker(tx, organisation_id, member_id, categories)
    except Missing as gone:
        raise MayNotBook from gone


async def _shift(tx: Tx, moved: Moved, held: Hold, month: date) -> None:
    booking = moved.booking
    if moved.by_booker and held.member_id is not None:
        member = await _booker(tx, held.organisation_id, held.member_id, booking.categories)
        # What was approved, or waits for it, is the organisation's own decision.
        if not await member_approvals.words_of(tx.conn, booking.id):
            # It is of that month already.
            if await member_bookings.is_over_limit(tx.conn, member, {month: 0}):
                raise OverLimit
            before = replace(booking, local_date=moved.old)
            whose = held.organisation_id, member.department_id
            if await member_bookings.is_large(tx, *whose, booking) and not await member_bookings.is_large(
                tx, *whose, before
            ):
                raise ApprovalNeeded
    await budgets.shift(tx, held, month, booking.categories)
    await budget_rows.hold_in(tx.conn, booking_id=booking.id, month=month)


def register(reactions: Reactions) -> None:
    """Hears how bookings are moved."""
    reactions.on("booking.rescheduled", on_moved)
