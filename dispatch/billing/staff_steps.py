"""What staff do when they say where a booking stands: the step that leads there, and only where it is a legal one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from dispatch import bus
from dispatch.billing import cancellation, refunds
from dispatch.engine import assigning, audit, bookings, jobs, lifecycle, offers
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.services import Tx
from storage import offers as offer_rows
from storage.bookings import Booking
from storage.offers import Assignment

#: The states of a job up to its end, in the order in which it goes through them.
_ON_THE_WAY = ("accepted", "in_transit", "arrived", "in_progress")


@dataclass(frozen=True, slots=True)
class Change:
    """What is wanted of a locked booking, by whom."""

    tx: Tx
    booking: Booking
    actor: Actor
    notes: str | None


async def set_status(tx: Tx, booking_id: UUID, actor: Actor, status: str, notes: str | None = None) -> Booking:
    """Takes a booking to `status` by the step that leads there from where it stands. Raises Missing, WrongState (no
    step does), and what that step raises.

    Cancelling gives all back, a refund all that is left of what was paid. Back to pending a booking is searched for
    anew, so that it may be offered again at once; one that is to be offered may find nobody and stay pending.
    """
    booking = await offers.lock(tx, booking_id)
    await _STEPS[status](Change(tx, booking, actor, notes))
    after = await offers.lock(tx, booking_id)
    changes = {"status": {"old": booking.status, "new": after.status}, "asked_for": status, "notes": notes}
    await audit.record(tx, actor, "change_booking_status", "booking", booking_id, changes)
    return after


async def _offer(change: Change) -> None:
    if change.booking.status != "pending":
        raise lifecycle.wrong_state("booking", change.booking.status, "offer")
    await assigning.assign(change.tx, change.booking.id, change.actor, force=False)


async def _back(change: Change) -> None:
    tx, booking = change.tx, change.booking
    reason = change.notes or "staff took it back"
    if booking.status == "partner_assigned":
        await offers.withdraw(tx, booking, reason, change.actor)
        tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})
        return
    lifecycle.move("booking", booking.status, "reopen")
    await bookings.reopen(tx, booking, await _assignment(change), change.actor, reason)


async def _accept(change: Change) -> None:
    lifecycle.move("booking", change.booking.status, "accept")
    offer = await offer_rows.open_of_booking(change.tx.conn, booking_id=change.booking.id)
    if offer is None:
        raise Missing("offer")
    await offers.accept(change.tx, offer.technician_id, offer, on_behalf=change.actor)


async def _begin(change: Change) -> None:
    lifecycle.move("booking", change.booking.status, "start")
    await _walk(change, "in_progress")


async def _complete(change: Change) -> None:
    lifecycle.move("booking", change.booking.status, "complete")
    assignment = await _walk(change, "in_progress")
    await jobs.complete(change.tx, change.booking.id, assignment.technician_id, on_behalf=change.actor)


async def _cancel(change: Change) -> None:
    reason = change.notes or "cancelled by the support"
    await cancellation.cancel_by_staff(change.tx, change.booking.id, change.actor, reason)


async def _refund(change: Change) -> None:
    lifecycle.move("booking", change.booking.status, "refund")
    left = await refunds.refundable(change.tx.conn, change.booking.id)
    if not left:
        raise refunds.NotPaid
    await refunds.request_for_booking(
        change.tx, change.booking.id, left, reason=change.notes or "refunded by the support",
        requested_by=f"admin:{change.actor.id}", notes=change.notes,
    )  # fmt: skip


async def _walk(change: Change, to: str) -> Assignment:
    """Takes the job through its steps for a technician who cannot, so that each of them is told."""
    assignment = await _assignment(change)
    begun = _ON_THE_WAY.index(assignment.state)
    for step in _ON_THE_WAY[begun + 1 : _ON_THE_WAY.index(to) + 1]:
        await jobs.advance(change.tx, change.booking.id, assignment.technician_id, step, on_behalf=change.actor)
    return assignment


async def _assignment(change: Change) -> Assignment:
    assignment = await offer_rows.assignment(change.tx.conn, booking_id=change.booking.id)
    assert assignment is not None, "a confirmed booking has its assignment"
    return assignment


_STEPS: Mapping[str, Callable[[Change], Awaitable[None]]] = {
    "pending": _back, "partner_assigned": _offer, "confirmed": _accept, "in_progress": _begin,
    "completed": _complete, "cancelled": _cancel, "refunded": _refund,
}  # fmt: skip
assert _STEPS.keys() == set(lifecycle.BOOKING_STATES)
