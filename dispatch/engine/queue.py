"""The queue: bookings that nobody has taken. They wait for somebody, and look again by themselves, or for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from dispatch import bus
from dispatch.engine import alerts, candidates, facts
from dispatch.engine.matching import Judged
from dispatch.events import SYSTEM
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import facts as fact_rows
from storage.bookings import Booking

#: A booking that waits looks again after so many seconds, then after twice as long, up to the longest.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 15.0, 900.0
#: The longest pause of one that starts within the live horizon: then people come and go.
LONGEST_LIVE_PAUSE_S = 60.0

#: Why people decide, beside three attempts in vain.
MANUAL, START_PASSED, RETURNED = "manual", "start_passed", "payment_returned"
#: What an alert says of each reason.
WORDS = {
    "no_candidate": "nobody can come yet", "attempts_exhausted": "three technicians were asked in vain",
    MANUAL: "it is to be assigned by hand", START_PASSED: "its time has come and nobody has it",
    RETURNED: "its payment went back and people decide",
}  # fmt: skip


async def wait(tx: Tx, booking: Booking, verdicts: Sequence[Judged], began: float) -> Booking:
    """A look that began at `began` (monotonic) found nobody: the booking waits, and people see it meanwhile.

    It looks again when somebody becomes free, comes near or changes; where nothing but transient reasons refuses
    somebody also by a timer, until its start comes too near. At its start it is given to people.
    """
    coming = [one for one in verdicts if one.may_come]
    waits_for = [code for code, _ in Counter(one.reason or "offer_open" for one in coming).most_common()]
    pause_s = pause_of(tx.services, booking, coming, tx.now) if coming else None
    tx.after_commit(lambda: tx.services.freed.looked(booking.id, began))
    return await _enter(tx, booking, "no_candidate", looks_again=True, waits_for=waits_for, pause_s=pause_s)


def pause_of(services: Services, booking: Booking, coming: Sequence[Judged], now: datetime) -> float | None:
    """How long until the first open offer in the way ends, at the most a pause that doubles with every look in vain.

    Never beyond the last sensible moment, which leaves time for one offer. None: that is over.
    """
    settings = services.settings.dispatch
    last = booking.starts_at - timedelta(seconds=settings.offer_window_min_s)
    if now >= last:
        return None
    is_live = candidates.is_live(services, booking.starts_at, now)
    pause_s = min(FIRST_PAUSE_S * 2.0 ** min(booking.looks, 16), LONGEST_LIVE_PAUSE_S if is_live else LONGEST_PAUSE_S)
    ends = [one.candidate.offer_ends_at for one in coming if one.reason == "offer_open"]
    first = min([last, *(at for at in ends if at is not None and at > now)])
    return min(pause_s, (first - now).total_seconds())


async def hand_over(tx: Tx, booking: Booking, reason: str) -> Booking:
    """People decide: nothing happens by itself any more, but that its start is noticed."""
    return await _enter(tx, booking, reason, looks_again=False, waits_for=[], pause_s=None)


async def _enter(
    tx: Tx, booking: Booking, reason: str, *, looks_again: bool, waits_for: list[str], pause_s: float | None
) -> Booking:
    """The entry in the queue, with alert and fact when it is new or says something new."""
    queued = await booking_rows.queue(
        tx.conn, booking_id=booking.id, reason=reason, looks_again=looks_again, waits_for=waits_for, pause_s=pause_s
    )
    if queued is None:
        return booking
    if queued.next_action_at is not None:
        tx.hint(bus.TIMER_SET, {"at": queued.next_action_at.timestamp()})
    stood_there = booking.looks > 0 or booking.next_action == "start"
    if stood_there and booking.queue_reason == reason:
        return queued
    was_there = booking.queued_at is not None
    if was_there and booking.queue_reason != reason:
        await alerts.resolve(tx, ["queued"], booking_id=booking.id)
    await alerts.raise_alert(
        tx, "queued", f"Booking {booking.number} waits for a technician: {WORDS[reason]}.", booking_id=booking.id
    )
    data = {"reason": reason, "waits_for": waits_for, "again": await _was_said(tx, booking, reason)}
    await facts.record(tx, booking.id, "booking.queued", SYSTEM, data)
    return queued


async def _was_said(tx: Tx, booking: Booking, reason: str) -> bool:
    """Whether its customer knows it already: that it waits, or that its start has passed. They are told of each once,
    however many rounds people order."""
    is_over = reason == START_PASSED
    if booking.queued_at is not None and not is_over:
        return True
    return booking.round > 1 and bool(
        await fact_rows.was_queued(tx.conn, booking_id=booking.id, is_over=is_over)
    )


# ---------------------------------------------------------------- waking


def freed(tx: Tx, technician_id: UUID | None) -> None:
    """This technician has a place or an interval free once the transaction has committed: who waits may look."""
    if technician_id is not None:
        tx.hint(bus.TECHNICIAN_FREED, freed_hint(technician_id))


def freed_hint(technician_id: UUID) -> bus.Hint:
    """What says so."""
    return {"technician_id": str(technician_id)}
