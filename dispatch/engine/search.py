"""The search for a technician: the best of those who may come is made an offer; else the booking waits."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from dispatch import bus
from dispatch.engine import alerts, candidates, explain, facts, lifecycle, queue, slots
from dispatch.engine.amounts import amounts_of
from dispatch.engine.candidates import Reachable
from dispatch.engine.matching import Judged, Policy
from dispatch.events import SYSTEM, Actor
from dispatch.logs import get_logger
from dispatch.services import Tx
from dispatch.shares import earning_minor
from storage import bookings as booking_rows
from storage import offers as rows
from storage import payments as payment_rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.database.errors import StorageError, constraint_of, is_deadlock, is_unique
from storage.offers import Offer
from storage.queue import Asked

if TYPE_CHECKING:
    from dispatch.services import Services

log = get_logger("dispatch.search")

#: Automatic attempts in a round (R93).
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: everyone worth a word, the best first, by which policy, and when it began (monotonic).

    `until`: how long the best may think about an offer; None: nobody will do.
    """

    judged: list[Judged]
    policy: Policy
    began: float
    until: datetime | None = None


async def look(tx: Tx, asked: Asked) -> Look:
    """Looks for somebody before the booking's row is written, which then says from the start that they are asked."""
    began = time.monotonic()
    judged, policy = await candidates.judge(tx.conn, tx.services, asked, tx.now)
    may_ask = bool(judged) and judged[0].reason is None
    return Look(judged, policy, began, tx.now + window(tx.services, asked.starts_at, 0, tx.now) if may_ask else None)


async def search(tx: Tx, booking: Booking, looked: Look | None = None) -> tuple[Booking, Offer | None]:
    """Offers a pending booking to the best technician, or lets it wait. The caller holds the booking's lock.

    `looked`: what was seen before this very transaction opened the booking, until which moment it was opened as asked.
    A look that finds nobody is no attempt. Returns the booking as it is then.
    """
    opened = None
    if looked is None:
        if (reason := await why_not(tx, booking)) is not None:
            return await queue.hand_over(tx, booking, reason), None
        began = time.monotonic()
        judged, policy = await candidates.judge(tx.conn, tx.services, booking, tx.now)
        looked = Look(judged, policy, began)
    elif looked.until is not None:
        # What its row says already comes true now, or is taken back.
        opened, booking = booking, replace(booking, status="pending", attempt=0, event_seq=0)
    made: Made | None = None
    verdicts: list[Judged] = []
    for one in looked.judged:
        if made is None and one.reason is None:
            made, late_reason = await make(
                tx, booking, one, attempt=booking.attempt + 1, made_by=None, opened=opened
            )  # fmt: skip
            if made is None and opened is not None:
                await booking_rows.not_asked(tx.conn, booking_id=booking.id, at=tx.now)
                opened = None
            one = one if made else Judged(one.candidate, late_reason, one.score, one.parts, may_come=True)
        verdicts.append(one)
    offer = made.offer if made else None
    await explain.store(tx, booking, looked.policy, verdicts, offer)
    tx.after_commit(partial(_told, booking, verdicts, offer, time.monotonic() - looked.began))
    if made is None:
        return await queue.wait(tx, booking, verdicts, looked.began), None
    return made.booking, made.offer


async def why_not(tx: Tx, booking: Booking) -> str | None:
    """Why nobody is looked for and people decide; None: somebody is."""
    if await _has_begun(tx, booking):
        return queue.START_PASSED
    if not booking.auto_assign:
        return queue.RETURNED if await _went_back(tx, booking) else queue.MANUAL
    return "attempts_exhausted" if booking.attempt >= ATTEMPTS else None


async def _has_begun(tx: Tx, booking: Booking) -> bool:
    """Whether its start is over. The database says so where it seems near: a clock that jumps gives nobody up."""
    seems_so = booking.starts_at <= tx.now or booking.next_action == "start"
    return seems_so and bool(await booking_rows.has_begun(tx.conn, booking_id=booking.id))


async def _went_back(tx: Tx, booking: Booking) -> bool:
    """Whether all that was paid for it is back or on its way, and nothing is to be taken at the door."""
    paid = await payment_rows.settled_of_booking(tx.conn, booking_id=booking.id)
    own_minor = paid.captured_minor - paid.dues_minor if paid else 0
    return paid is not None and 0 < own_minor <= paid.refunded_minor and not booking.to_collect_minor


def _told(booking: Booking, verdicts: list[Judged], offer: Offer | None, took_s: float) -> None:
    """The line of a decision: who was asked, and what stood against the others."""
    log.info(
        "search", booking=str(booking.id), round=booking.round, offer_id=str(offer.id) if offer else None,
        technician_id=str(offer.technician_id) if offer else None, candidates=len(verdicts),
        reasons=dict(Counter(v.reason for v in verdicts if v.reason is not None)), ms=round(took_s * 1000, 1),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """An offer that was opened, and its booking as it is then."""

    booking: Booking
    offer: Offer


async def make(
    tx: Tx,
    booking: Booking,
    one: Judged,
    *,
    attempt: int | None,
    made_by: str | None,
    is_forced: bool = False,
    opened: Booking | None = None,
) -> tuple[Made | None, str]:
    """Claims the technician's time and a place, and opens the offer; None with a reason when somebody was faster.

    `opened`: the booking as this transaction has opened it, offered already. A forced one may take any place, and sends
    away or ends whatever is merely held in its way.
    """
    person = tx.services.roster.find(one.candidate.id)
    if person is None:
        return None, "not_verified"
    live = candidates.is_live(tx.services, booking.starts_at, tx.now)
    found = candidates.reach(tx.services, person, candidates.place_of(tx.services, booking), live)
    offer, reason = None, "offer_open"
    # Who loses a place to somebody who takes it at the same time takes the next one.
    for _ in range(places := candidates.open_offers(tx.services, live and not is_forced)):
        offer, reason = await _claim(tx, booking, found, one.score, places, attempt, made_by, is_forced)
        if offer is not None or reason != "place_lost":
            break
    if offer is None:
        return None, "offer_open" if reason == "place_lost" else reason
    offered = opened or await _offered(tx, booking, offer)
    tx.hint(bus.TIMER_SET, {"at": offer.expires_at.timestamp()})
    if booking.queued_at is not None or booking.round > 1:
        # People were told that it waits, in this round or before it.
        await alerts.resolve(tx, ["queued"], booking_id=booking.id)
    facts.tell_party(tx, person.id, "offer.made", offer_view(offered, offer))
    await facts.record(
        tx, booking.id, "partner.assigned", Actor("admin", made_by) if made_by else SYSTEM,
        {
            "offer_id": str(offer.id), "technician_id": str(person.id), "technician_name": person.name,
            "round": offer.round, "attempt": offer.attempt, "expires_at": offer.expires_at.isoformat(),
        },
    )  # fmt: skip
    return Made(offered, offer), ""


async def _offered(tx: Tx, booking: Booking, offer: Offer) -> Booking:
    """The booking, whose row says now that somebody is asked."""
    step = lifecycle.BOOKING["offer"]
    told = facts.to_count(tx, booking.id, 1)
    offered = await booking_rows.offer_made(
        tx.conn, booking_id=booking.id, attempts=0 if offer.attempt is None else 1, expires_at=offer.expires_at,
        target=step.target, sources=list(step.sources), facts=told,
    )  # fmt: skip
    assert offered is not None, "the lock is held and the state was looked at"
    facts.count(tx, offered, told)
    return offered


class _NoPlace(Exception):
    """The technician's places were all taken meanwhile; what the savepoint claimed goes back."""


async def _claim(
    tx: Tx,
    booking: Booking,
    found: Reachable,
    score: float | None,
    places: int,
    attempt: int | None,
    made_by: str | None,
    is_forced: bool,
) -> tuple[Offer | None, str]:
    share_pct = tx.services.settings.billing.technician_share_pct
    new = {
        "booking_id": booking.id, "technician_id": found.technician.id, "places": list(range(1, places + 1)),
        "most": candidates.open_offers(tx.services, False),
        "round": booking.round, "attempt": attempt, "score": score,
        "distance_m": None if found.distance_m is None else int(found.distance_m),
        "earning_minor": earning_minor(booking.grand_total_minor, share_pct), "technician_share_pct": share_pct,
        "currency": booking.currency,
        "expires_at": tx.now + window(tx.services, booking.starts_at, booking.attempt, tx.now),
        "made_by": made_by,
        # What a node knows of days off may be a moment old. Staff who insist may ask on any.
        "days": [] if is_forced else candidates.days_of(found.technician, booking),
    }  # fmt: skip
    if not is_forced:
        # Whose time is free needs no savepoint: one statement takes it, and one gives it back. A booking that is opened
        # just now, whose facts wait for the commit, has no interval yet.
        is_new = booking.event_seq == 0
        if await (slots.take if is_new else slots.move)(tx, booking, found, "offered"):
            offer = await rows.make_if_free(tx.conn, **new)
            if offer is None and is_new:
                await slot_rows.drop_booking(tx.conn, booking_id=booking.id)
            elif offer is None:
                await slot_rows.set_state(tx.conn, booking_id=booking.id, state="held")
            return offer, "place_lost"
    try:
        async with tx.savepoint():
            if not await slots.claim(tx, booking, found, "offered", is_forced=is_forced):
                return None, "busy_then"
            offer = await rows.make(tx.conn, **new)
            if offer is None:
                raise _NoPlace
            return offer, ""
    except _NoPlace:
        return None, "offer_open"
    except StorageError as e:
        # The savepoint gave back what it held: whoever we waited for goes on, and we ask somebody else.
        if not (is_unique(e) or is_deadlock(e)):
            raise
        return None, "place_lost" if constraint_of(e) == "offers_one_open_per_place" else "offer_open"


def window(services: Services, starts_at: datetime, attempt: int, now: datetime) -> timedelta:
    """How long the technician may think: the setting (shorter ones by lead time), never longer than the time left
    shared among the attempts left, at least the minimum (60 s)."""
    s = services.settings.dispatch
    lead_s = (starts_at - now).total_seconds()
    by_lead = [w.window_s for w in sorted(s.offer_windows, key=lambda w: w.lead_below_s) if lead_s < w.lead_below_s]
    wanted = by_lead[0] if by_lead else s.offer_window_s
    share = lead_s / max(1, ATTEMPTS - attempt)
    return timedelta(seconds=max(s.offer_window_min_s, min(wanted, share)))


def offer_view(booking: Booking, offer: Offer) -> dict[str, Any]:
    """What the technician is told of a job before accepting it: roughly where, when, what to take at the door, not
    whom."""
    amounts = amounts_of(booking)
    place = facts.door(facts.Stage.OFFERED, booking.address, booking.lat, booking.lng, booking.contact)
    return {
        "offer_id": str(offer.id),
        "booking_id": str(booking.id),
        "booking_number": booking.number,
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "categories": booking.categories,
        "city": booking.address.get("city"),
        "pincode": booking.address.get("pincode"),
        "lat": place.lat,
        "lng": place.lng,
        "distance_m": facts.rough_m(offer.distance_m),
        "payment_method": booking.payment_method,
        "grand_total_minor": booking.grand_total_minor,
        "wallet_minor": amounts.wallet_minor,
        "outstanding_fee_minor": amounts.outstanding_fee_minor,
        "amount_to_collect_minor": amounts.to_collect_minor,
        "earning_minor": offer.earning_minor,
        "currency": offer.currency,
        "expires_at": offer.expires_at.isoformat(),
    }
