"""A booking is moved to another time: who accepted it keeps it when free then, else it is offered anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from dispatch import bus
from dispatch.engine import (
    alerts,
    audit,
    bookings,
    candidates,
    facts,
    free_times,
    lifecycle,
    offers,
    queue,
    search,
    slots,
)
from dispatch.errors import Invalid
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.services import Tx
from storage import bookings as rows
from storage import days_off as day_rows
from storage import offers as offer_rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.offers import Assignment


async def reschedule(tx: Tx, booking_id: UUID, actor: Actor, starts_at: datetime) -> Booking:
    """Moves a booking that nobody is on the way to. The accepted technician keeps it when free then; else it is
    offered anew, in a new round: who was asked for the old time may be asked for the new one. That of staff is audited.

    Raises Invalid (outside the time that can be booked), SlotTaken, WrongState.
    """
    booking = await offers.lock(tx, booking_id)
    assignment = await offer_rows.assignment(tx.conn, booking_id=booking_id)
    _check_movable(booking, assignment)
    if starts_at == booking.starts_at:
        return booking
    if not free_times.is_start(tx.services, slots.need_of(booking), starts_at):
        raise Invalid({"booking_time": "This time cannot be booked."})
    await offers.withdraw(tx, booking, "the booking was moved", actor)
    shown = local(starts_at, booking.timezone)
    moved = await rows.reschedule(
        tx.conn, booking_id=booking_id, starts_at=starts_at, ends_at=starts_at + (booking.ends_at - booking.starts_at),
        local_date=shown.date(), local_time=shown.time(),
    )  # fmt: skip
    assert moved is not None, "its lock is held"
    tx.known[booking_id] = moved
    keeps = assignment is not None and await _keeps(tx, moved, assignment)
    old, new = booking.starts_at.isoformat(), starts_at.isoformat()
    # Who keeps it is told of the new time, who does not of the end of it.
    kept_by = str(assignment.technician_id) if assignment is not None and keeps else None
    await facts.record(tx, booking_id, "booking.rescheduled", actor, {"from": old, "to": new, "technician_id": kept_by})
    if actor.kind == "admin":
        await audit.record(
            tx, actor, "reschedule_booking", "booking", booking_id, {"starts_at": {"old": old, "new": new}}
        )
    if assignment is not None:
        if not keeps:
            queue.freed(tx, await slot_rows.drop_booking(tx.conn, booking_id=booking_id))
            await slots.hold_booking(tx, moved)
            why = "the booking was moved to a time the technician is not free"
            await bookings.reopen(tx, moved, assignment, actor, why)
        return await offers.lock(tx, booking_id)
    queue.freed(tx, await slot_rows.drop_booking(tx.conn, booking_id=booking_id))
    await slots.hold_booking(tx, moved)
    if moved.next_action == "release_unapproved":
        await bookings.await_approval(tx, moved)
    elif moved.next_action == "release_unpaid":
        await _release_by_start(tx, moved)
    else:
        if moved.auto_assign:
            begun = await rows.new_round(tx.conn, booking_id=booking_id, is_ordered=False)
            assert begun is not None, "its lock is held, and it is pending"
            moved = begun
            # Why it waited was of its old time.
            await alerts.resolve(tx, ["queued"], booking_id=booking_id)
        await search.search(tx, moved)
    return await offers.lock(tx, booking_id)


async def _release_by_start(tx: Tx, booking: Booking) -> None:
    """An unpaid booking that was moved ends with its new start at the latest."""
    assert booking.next_action_at is not None, "it is to be released"
    if booking.starts_at < booking.next_action_at:
        await rows.wait_for(
            tx.conn, booking_id=booking.id, action="release_unpaid", at=booking.starts_at, target="pending",
            sources=["pending"],
        )  # fmt: skip
        tx.hint(bus.TIMER_SET, {"at": booking.starts_at.timestamp()})


def _check_movable(booking: Booking, assignment: Assignment | None) -> None:
    open_states = lifecycle.BOOKING["cancel"].sources
    if booking.status not in open_states:
        raise lifecycle.WrongState(
            f"A booking that is {booking.status} cannot be moved.",
            details={"state": booking.status, "step": "reschedule", "allowed_from": list(open_states)},
        )
    if assignment is not None and assignment.state != "accepted":
        raise lifecycle.WrongState(
            "The technician is on the way: the booking can no longer be moved.",
            details={"state": assignment.state, "step": "reschedule", "allowed_from": ["accepted"]},
        )


async def _keeps(tx: Tx, booking: Booking, assignment: Assignment) -> bool:
    """Whether the accepted technician works at the booking's new time and is free then; their interval moves along."""
    person = tx.services.roster.find(assignment.technician_id)
    if person is None or not candidates.works_then(person, booking):
        return False
    found = candidates.reach(tx.services, person, candidates.place_of(tx.services, booking), False)
    if not await slots.claim(tx, booking, found, "accepted"):
        return False
    days = candidates.days_of(person, booking)
    if await day_rows.any_of(tx.conn, technician_id=person.id, days=days):
        return False
    watch_at = max(tx.now, booking.starts_at - timedelta(seconds=tx.services.settings.dispatch.watch.ahead_s))
    await rows.watch(tx.conn, booking_id=booking.id, watch=None, next_at=watch_at)
    await alerts.resolve(tx, bookings.WATCH_ALERTS, booking_id=booking.id)
    facts.tell_party(
        tx, person.id, "job.updated",
        {"booking_id": str(booking.id), "state": assignment.state, "starts_at": booking.starts_at.isoformat()},
    )  # fmt: skip
    return True
