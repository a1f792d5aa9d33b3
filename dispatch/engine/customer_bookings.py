"""A customer's own bookings: another's does not exist."""

from __future__ import annotations

from datetime import date, time
from typing import Any
from uuid import UUID

from dispatch.engine import facts, free_times, rescheduling, slots
from dispatch.engine.free_times import SlotTaken
from dispatch.errors import Missing, Throttled
from dispatch.events import Actor
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import customer_bookings as rows
from storage import facts as fact_rows
from storage import quotas
from storage.bookings import Booking
from storage.customer_bookings import BookingView
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.facts import BookingEvent

HOUR_S = 3600.0


class TooManyMoves(Throttled):
    """You have moved this booking as often as one can in an hour; try again later."""


#: A customer's bookings, as a list.
LIST = rows.of_account


async def page(conn: Conn, account_id: UUID, wanted: Wanted) -> Slice[BookingView]:
    """One page, the newest first unless another order is wanted."""
    return await rows.of_account.page(conn, wanted, account_id=account_id)


async def latest(conn: Conn, account_id: UUID, limit: int) -> list[BookingView]:
    """The last ones that were made."""
    return await rows.of_account.first(conn, Wanted(limit=limit), account_id=account_id)


async def get(conn: Conn, account_id: UUID, booking_id: UUID) -> BookingView:
    """Raises Missing."""
    found = await rows.get(conn, account_id=account_id, booking_id=booking_id)
    if found is None:
        raise Missing("booking")
    return found


async def timeline(conn: Conn, account_id: UUID, booking_id: UUID) -> list[BookingEvent]:
    """What happened, in order. Raises Missing."""
    await get(conn, account_id, booking_id)
    return await fact_rows.timeline(conn, booking_id=booking_id)


def shown(event: BookingEvent, reader: str = "customer") -> dict[str, Any]:
    """The part of a fact's data that is the business of whoever booked, as their socket is told it."""
    told = facts.view(event.type, reader, event.data, actor_kind=event.actor_kind)
    return {key: value for key, value in told.items() if value is not None}


def phone_of(services: Services, booking: BookingView) -> str | None:
    """The technician's number, while the two have to do with each other."""
    hours = services.settings.privacy.contact_hours
    stage = facts.stage_of(booking.assignment_state, booking.completed_at, services.clock.now(), hours)
    return booking.technician_phone if facts.KNOWN[stage].phone else None


async def reschedule(
    services: Services, account_id: UUID, booking_id: UUID, day: date, at: time, *, actor: Actor | None = None
) -> Booking:
    """Moves a booking to another local date and time. Raises Missing, Invalid, WrongState, TooManyMoves, SlotTaken
    with free times.
    """
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=booking_id)
    if booking is None or booking.account_id != account_id:
        raise Missing("booking")
    return await move(
        services, booking, actor or Actor("customer", str(account_id)), day, at,
        at_most=services.settings.limits.booking_moves_per_hour,
    )  # fmt: skip


async def move(
    services: Services, booking: Booking, actor: Actor, day: date, at: time, *, at_most: int | None = None
) -> Booking:
    """Whoever may, moves a booking; those whom `at_most` moves in an hour are enough for are held to it, because each
    of them is told to somebody. Raises Invalid, WrongState, TooManyMoves, SlotTaken with free times.
    """
    need = slots.need_of(booking)
    starts_at = free_times.check_start(services, need, day, at)

    async def moved(tx: Tx) -> Booking:
        # What is rolled back was not counted.
        is_counted = at_most is not None and starts_at != booking.starts_at
        key = f"booking_moves:{booking.id}"
        if is_counted and (wait_s := await quotas.take(tx.conn, key, at_most or 0, HOUR_S)):
            raise TooManyMoves(retry_after_s=wait_s)
        return await rescheduling.reschedule(tx, booking.id, actor, starts_at)

    try:
        return await services.retrying(moved)
    except SlotTaken:
        async with services.read() as conn:
            found = await free_times.times(conn, services, need, day)
        raise free_times.taken(found, need.timezone, starts_at) from None
