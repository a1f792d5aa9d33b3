"""A booking in the name of an organisation is moved to another day: what it takes is taken of that day's month."""

from __future__ import annotations

from datetime import date, datetime

from dispatch.billing import member_bookings
from dispatch.errors import NotAllowed
from dispatch.events import Fact
from dispatch.localtime import local
from dispatch.parties import budgets, programs
from dispatch.services import Reactions, Tx
from storage import bookings as booking_rows
from storage import budgets as budget_rows
from storage import members as member_rows
from storage.bookings import Booking
from storage.budgets import Hold

#: Who moves their own visit, and is held to their own limits. Staff move it because nobody can come.
_BOOKERS = ("customer", "integration")


class OverLimit(NotAllowed):
    """What you may book in that month is used up: choose a day of the same month, or ask your organisation."""

    code = "over_limit"


async def on_moved(tx: Tx, fact: Fact) -> None:
    """As if it had been booked for its new day in the first place; where that may not be, it is not moved.

    Raises OverLimit, BudgetForOthers, BudgetExceeded, and what programs.use raises.
    """
    booking = tx.known.get(fact.booking_id) or await booking_rows.get(tx.conn, booking_id=fact.booking_id)
    if booking is None or booking.organisation_id is None:
        return
    old = local(datetime.fromisoformat(fact.data["from"]), booking.timezone).date()
    if old == booking.local_date:
        return
    is_their_own = fact.actor.kind in _BOOKERS
    if is_their_own and await programs.use_anew(
        tx, booking.id, booking.categories, booking.local_date, local(tx.now, booking.timezone).date()
    ):
        return
    month = budgets.month_of(booking.local_date)
    if month != budgets.month_of(old) and (held := await budget_rows.held(tx.conn, booking_id=booking.id)):
        await _move(tx, booking, held, month, is_their_own)


async def _move(tx: Tx, booking: Booking, held: Hold, month: date, is_their_own: bool) -> None:
    if is_their_own and held.member_id is not None:
        member = await member_rows.lock(tx.conn, id=held.member_id, organisation_id=held.organisation_id)
        # It is of that month already.
        if member is not None and await member_bookings.is_over_limit(tx.conn, member, {month: 0}):
            raise OverLimit
    await budgets.shift(tx, held, month, booking.categories)
    await budget_rows.hold_in(tx.conn, booking_id=booking.id, month=month)


def register(reactions: Reactions) -> None:
    """Hears how bookings are moved."""
    reactions.on("booking.rescheduled", on_moved)
