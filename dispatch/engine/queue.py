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
from dispatch.live.freed import MOST_WOKEN
from dispatch.services import Services, Tx
from geo.geodesy import bounding_boxes
from storage import bookings as booking_rows
from storage import queue as rows
from storage.bookings import Booking

#: A booking that waits looks again after so many seconds, then after twice as long, up to the longest.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 15.0, 900.0
#: The longest pause of one that starts within the live horizon: then people come and go.
LONGEST_LIVE_PAUSE_S = 60.0
#: A changed rule is committed and known to every node after so many real seconds.
KNOWN_S = 5.0


async def wait(tx: Tx, booking: Booking, verdicts: Sequence[Judged], began: float) -> Booking:
    """A look that began at `began` (monotonic) found nobody: the booking waits, and people see it meanwhile.

    It looks again when somebody becomes free or changes; where nothing but transient reasons refuses somebody also by
    a timer, until its start comes too near.
    """
    coming = [one for one in verdicts if one.may_come]
    waits_for = [code for code, _ in Counter(one.reason or "offer_open" for one in coming).most_common()]
    next_look_at = next_look(tx.services, booking, coming, tx.now) if coming else None
    if coming:
        ids = [one.candidate.id for one in coming]
        unseen = [one.candidate.id for one in coming if one.reason in ("stale_fix", "no_position")]
        tx.after_commit(lambda: tx.services.freed.looked(ids, unseen, began))
    return await _enter(tx, booking, "no_candidate", looks_again=True, waits_for=waits_for, next_look_at=next_look_at)


def next_look(services: Services, booking: Booking, coming: Sequence[Judged], now: datetime) -> datetime | None:
    """When the first open offer in the way ends, at the latest after a pause that doubles with every look in vain.

    Never later than the last sensible moment, which leaves time for one offer. None: that is over.
    """
    settings = services.settings.dispatch
    last = booking.starts_at - timedelta(seconds=settings.offer_window_min_s)
    if now >= last:
        return None
    is_live = candidates.is_live(services, booking.starts_at, now)
    pause_s = min(FIRST_PAUSE_S * 2.0 ** min(booking.looks, 16), LONGEST_LIVE_PAUSE_S if is_live else LONGEST_PAUSE_S)
    ends = [one.candidate.offer_ends_at for one in coming if one.reason == "offer_open"]
    return min(now + timedelta(seconds=pause_s), last, *(at for at in ends if at is not None and at > now))


async def hand_over(tx: Tx, booking: Booking, reason: str) -> Booking:
    """People decide: nothing happens by itself any more."""
    return await _enter(tx, booking, reason, looks_again=False, waits_for=[], next_look_at=None)


async def _enter(
    tx: Tx, booking: Booking, reason: str, *, looks_again: bool, waits_for: list[str], next_look_at: datetime | None
) -> Booking:
    """The entry in the queue, with alert and fact when it is new or says something new; the customer is told once."""
    queued = await booking_rows.queue(
        tx.conn, booking_id=booking.id, reason=reason, looks_again=looks_again, waits_for=waits_for,
        next_look_at=next_look_at,
    )  # fmt: skip
    if queued is None:
        return booking
    if next_look_at is not None:
        tx.hint(bus.TIMER_SET, {"at": next_look_at.timestamp()})
    if booking.looks and booking.queue_reason == reason:
        return queued
    was_there = booking.queued_at is not None
    if was_there and booking.queue_reason != reason:
        await alerts.resolve(tx, ["queued"], booking_id=booking.id)
    await alerts.raise_alert(
        tx, "queued", f"Booking {booking.number} waits for a technician: {reason.replace('_', ' ')}.",
        booking_id=booking.id,
    )  # fmt: skip
    data = {"reason": reason, "waits_for": waits_for, "again": was_there}
    await facts.record(tx, booking.id, "booking.queued", SYSTEM, data)
    return queued


# ---------------------------------------------------------------- waking


def freed(tx: Tx, technician_id: UUID | None) -> None:
    """This technician has a place or an interval free once the transaction has committed: who waits may look."""
    if technician_id is not None:
        tx.hint(bus.TECHNICIAN_FREED, {"technician_id": str(technician_id)})


async def wake(services: Services) -> int:
    """Lets bookings look again that wait around those who have become free; returns how many.

    As many at once as a technician has places, so that a place is not what fifty run for; whoever is left is told of
    with the next call, until nobody fits or MOST_WOKEN have been told.
    """
    count, now_s = 0, services.clock.timestamp()

    def is_fresh(technician_id: UUID) -> bool:
        seen, fresh_s = services.tracker.find_by_id(technician_id), services.settings.dispatch.fresh_fix_s
        return seen is not None and seen.is_dispatchable and now_s - seen.fix_at_s <= fresh_s

    services.freed.put_seen(is_fresh)
    for technician_id, told in services.freed.take().items():
        woken = await _wake_for(services, technician_id, told)
        count += len(woken)
        if len(woken) == candidates.open_offers(services, False) and len(told) + len(woken) < MOST_WOKEN:
            services.freed.put(technician_id, {*told, *woken})
    return count


async def _wake_for(services: Services, technician_id: UUID, told: set[UUID]) -> list[UUID]:
    person = services.roster.find(technician_id)
    if person is None or not (person.is_active and person.is_verified):
        return []
    seen = services.tracker.find(person.no)
    places = [person.base] if person.base is not None else []
    places += [(seen.lat, seen.lng)] if seen is not None else []
    radius_m = min(person.radius_m, services.settings.dispatch.radius_m)
    boxes = [box for lat, lng in places for box in bounding_boxes(lat, lng, radius_m)]
    if not boxes:
        # Nobody waits around somebody who is nowhere: their first position says where to look.
        services.freed.wait_for_position([technician_id])
        return []
    most = candidates.open_offers(services, False)
    async with services.transaction() as tx:
        woken = await rows.wake(
            tx.conn, technician_id=technician_id, categories=sorted(person.categories),
            tiers=sorted(person.tiers), wests=[b.west for b in boxes], souths=[b.south for b in boxes],
            easts=[b.east for b in boxes], norths=[b.north for b in boxes], but=list(told), places=most, most=most,
        )  # fmt: skip
        if woken:
            tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})
    return [one.id for one in woken]


async def wake_all(services: Services) -> int:
    """A node starts: what changed while it was away is looked for once by everybody who waits."""
    async with services.transaction() as tx:
        return await rows.wake_all(tx.conn, organisation_id=None, from_at=tx.now)


async def rules_changed(tx: Tx, organisation_id: UUID | None = None) -> int:
    """Who was refused by a rule may be let in now: those who wait look again, of one organisation or all of them.

    Within a minute, beginning when every node goes by the new rule.
    """
    known_at = tx.now + timedelta(seconds=KNOWN_S * tx.services.clock.speed)
    return await rows.wake_all(tx.conn, organisation_id=organisation_id, from_at=known_at)
