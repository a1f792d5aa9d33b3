"""Offers: one at a time to the best technician, answered or expired, three to a round, then people decide."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dispatch import bus
from dispatch.engine import alerts, candidates, explain, facts, lifecycle, queue, slots
from dispatch.engine.amounts import amounts_of
from dispatch.engine.candidates import Reachable
from dispatch.engine.matching import Judged
from dispatch.errors import Conflict, Missing
from dispatch.events import SYSTEM, Actor
from dispatch.services import Tx
from dispatch.shares import earning_minor
from storage import bookings as booking_rows
from storage import offers as rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.database.errors import StorageError, constraint_of, is_deadlock, is_unique
from storage.offers import Offer

if TYPE_CHECKING:
    from dispatch.services import Services

#: Automatic attempts in a round (R93).
ATTEMPTS = 3
#: What an acceptance says in the booking's timeline.
ACCEPT_FACTS = ("partner.accepted", "booking.confirmed")


class OfferExpired(Conflict):
    """This offer's time is over."""

    code = "offer_expired"


class OfferWithdrawn(Conflict):
    """This offer was withdrawn."""

    code = "offer_withdrawn"


class OfferAnswered(Conflict):
    """This offer was already answered."""

    code = "offer_answered"


class AlreadyAssigned(Conflict):
    """This booking already has a technician."""

    code = "already_assigned"


class NoCandidate(Conflict):
    """No technician can take this booking now; it waits in the manual queue."""

    code = "no_candidate"


# ---------------------------------------------------------------- searching


async def dispatch_now(services: Services, booking_id: UUID) -> Booking:
    """Searches at once for a booking that waits to be dispatched; a no-op in every other state.

    What fails here is not lost: the booking's timer is due and the sweep does it again.
    """

    async def work(tx: Tx) -> Booking:
        booking = await lock(tx, booking_id)
        if booking.status == "pending" and booking.next_action == "dispatch":
            booking, _ = await search(tx, booking)
        return booking

    return await services.retrying(work)


async def search(tx: Tx, booking: Booking) -> tuple[Booking, Offer | None]:
    """Offers a pending booking to the best technician, or lets it wait. The caller holds the booking's lock.

    A look that finds nobody is no attempt. Returns the booking as it is then.
    """
    reason = None
    if not booking.auto_assign:
        reason = "manual"
    elif booking.attempt >= ATTEMPTS:
        reason = "attempts_exhausted"
    elif booking.starts_at <= tx.now:
        reason = "start_passed"
    if reason is not None:
        return await queue.hand_over(tx, booking, reason), None
    began = time.monotonic()
    judged, policy = await candidates.judge(tx.conn, tx.services, booking, tx.now)
    made: Made | None = None
    verdicts: list[Judged] = []
    for one in judged:
        if made is None and one.reason is None:
            made, late_reason = await make(tx, booking, one, attempt=booking.attempt + 1, made_by=None)
            one = one if made else Judged(one.candidate, late_reason, one.score, one.parts, may_come=True)
        verdicts.append(one)
    await explain.store(tx, booking, policy, verdicts, made.offer if made else None)
    if made is None:
        return await queue.wait(tx, booking, verdicts, began), None
    return made.booking, made.offer


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
) -> tuple[Made | None, str]:
    """Claims the technician's time and a place, and opens the offer; None with a reason when somebody was faster.

    A forced one may take any place, and sends away or ends whatever is merely held in its way.
    """
    person = tx.services.roster.find(one.candidate.id)
    if person is None:
        return None, "not_verified"
    live = candidates.is_live(tx.services, booking.starts_at, tx.now)
    found = candidates.reach(tx.services, person, candidates.place_of(booking), live)
    offer, reason = None, "offer_open"
    # Who loses a place to somebody who takes it at the same time takes the next one.
    for _ in range(places := candidates.open_offers(tx.services, live and not is_forced)):
        offer, reason = await _claim(tx, booking, found, one.score, places, attempt, made_by, is_forced)
        if offer is not None or reason != "place_lost":
            break
    if offer is None:
        return None, "offer_open" if reason == "place_lost" else reason
    step = lifecycle.BOOKING["offer"]
    offered = await booking_rows.offer_made(
        tx.conn, booking_id=booking.id, attempts=0 if attempt is None else 1, expires_at=offer.expires_at,
        target=step.target, sources=list(step.sources),
    )  # fmt: skip
    assert offered is not None, "the lock is held and the state was looked at"
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
        "booking_id": booking.id, "technician_id": found.technician.id, "places": places, "round": booking.round,
        "attempt": attempt, "score": score, "distance_m": None if found.distance_m is None else int(found.distance_m),
        "earning_minor": earning_minor(booking.grand_total_minor, share_pct), "currency": booking.currency,
        "expires_at": tx.now + window(tx.services, booking, tx.now), "made_by": made_by,
    }  # fmt: skip
    if booking.id in tx.opened and await slots.take(tx, booking, found, "offered"):
        # A booking that was opened just now has nothing to give back: no savepoint is needed.
        offer = await rows.make_if_free(tx.conn, **new)
        if offer is None:
            await slot_rows.drop_booking(tx.conn, booking_id=booking.id)
        return offer, "offer_open"
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


def window(services: Services, booking: Booking, now: datetime) -> timedelta:
    """How long the technician may think: the setting (shorter ones by lead time), never longer than the time left
    shared among the attempts left, at least the minimum (60 s)."""
    s = services.settings.dispatch
    lead_s = (booking.starts_at - now).total_seconds()
    by_lead = [w.window_s for w in sorted(s.offer_windows, key=lambda w: w.lead_below_s) if lead_s < w.lead_below_s]
    wanted = by_lead[0] if by_lead else s.offer_window_s
    share = lead_s / max(1, ATTEMPTS - booking.attempt)
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


# ---------------------------------------------------------------- answering


async def lock(tx: Tx, booking_id: UUID) -> Booking:
    """The booking's row, locked before anything else. Raises Missing."""
    booking = await booking_rows.lock(tx.conn, booking_id=booking_id)
    if booking is None:
        raise Missing("booking")
    return booking


async def offer_of(
    tx: Tx, technician_id: UUID, *, offer_id: UUID | None = None, booking_id: UUID | None = None
) -> Offer:
    """The technician's own offer, named by itself or by its booking, whose row is locked: what answering begins with.

    Raises Missing: another's does not exist.
    """
    offer = await rows.lock_named(tx.conn, technician_id=technician_id, offer_id=offer_id, booking_id=booking_id)
    if offer is None:
        raise Missing("offer")
    return offer


async def accept(tx: Tx, technician_id: UUID, offer: Offer) -> Booking:
    """First accept wins. The winner gets the same answer when repeating it; the others get the reason.

    The caller holds the booking's lock (`offer_of`).
    """
    services = tx.services
    person = services.roster.find(technician_id)
    step, row = lifecycle.OFFER["accept"], lifecycle.BOOKING["accept"]
    assignment_id = await rows.accept(
        tx.conn, offer_id=offer.id, technician_id=technician_id,
        payee_id=(person.provider_id if person else None) or technician_id,
        technician_share_pct=services.settings.billing.technician_share_pct, target=step.target,
        sources=list(step.sources),
    )  # fmt: skip
    if assignment_id is None:
        return await _why_not(tx, technician_id, offer.id)
    booking = await booking_rows.confirm(
        tx.conn, booking_id=offer.booking_id, technician_id=technician_id,
        ahead_s=services.settings.dispatch.watch.ahead_s, target=row.target, sources=list(row.sources),
    )  # fmt: skip
    if booking is None or booking.next_action_at is None:
        raise lifecycle.wrong_state("booking", (await lock(tx, offer.booking_id)).status, "accept")
    tx.hint(bus.TIMER_SET, {"at": booking.next_action_at.timestamp()})
    tx.opened[booking.id] = booking
    await booking_rows.count_accepted(tx.conn, technician_id=technician_id)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    who = Actor("technician", str(technician_id))
    data = {"offer_id": str(offer.id), "assignment_id": str(assignment_id), "technician_id": str(technician_id)}
    await _closed(tx, offer, "accepted", booking)
    for fact in ACCEPT_FACTS:
        await facts.record(tx, booking.id, fact, who, data)
    facts.tell_party(
        tx, technician_id, "job.updated", {"booking_id": str(booking.id), "state": "accepted", **data}
    )
    return replace(booking, event_seq=booking.event_seq + len(ACCEPT_FACTS))


async def _why_not(tx: Tx, technician_id: UUID, offer_id: UUID) -> Booking:
    """The booking for whoever repeats what they have done; else what became of the offer meanwhile, raised."""
    offer = await rows.get(tx.conn, offer_id=offer_id)
    if offer is None or offer.technician_id != technician_id:
        raise Missing("offer")
    if offer.state == "accepted":
        booking = await lock(tx, offer.booking_id)
        if booking.technician_id != technician_id:
            raise OfferAnswered("You accepted this offer, and the job is no longer yours.")
        return booking
    if offer.state == "withdrawn":
        raise OfferWithdrawn(details={"reason": offer.reason} if offer.reason else None)
    if offer.state == "rejected":
        raise OfferAnswered("You rejected this offer.")
    raise OfferExpired(details={"expired_at": offer.expires_at.isoformat()})


async def reject(tx: Tx, technician_id: UUID, offer: Offer, reason: str | None) -> Booking:
    """Declines, and the next technician is asked at once. Repeating it gives the same answer.

    The caller holds the booking's lock (`offer_of`).
    """
    actor = Actor("technician", str(technician_id))
    booking = await _end(tx, offer, "reject", reason, actor, "partner.rejected", is_due=False)
    if booking is None:
        ended = await rows.get(tx.conn, offer_id=offer.id)
        if ended is not None and ended.state == "rejected":
            return await lock(tx, offer.booking_id)
        if ended is not None and ended.state == "withdrawn":
            raise OfferWithdrawn()
        if ended is not None and ended.state == "accepted":
            raise OfferAnswered("You accepted this offer.")
        raise OfferExpired(details={"expired_at": offer.expires_at.isoformat()})
    booking, _ = await search(tx, booking)
    return booking


async def expire(tx: Tx, booking: Booking) -> None:
    """The open offer's time is over: close it and go on. The caller holds the lock of a booking whose timer is due."""
    offer = await rows.open_of_booking(tx.conn, booking_id=booking.id)
    assert offer is not None, "a booking with an offer to expire has an open offer"
    pending = await _end(tx, offer, "expire", "no answer in time", SYSTEM, "partner.expired")
    assert pending is not None, "the lock is held"
    await search(tx, pending)


async def withdraw(
    tx: Tx, booking: Booking, reason: str, actor: Actor, *, gives_attempt_back: bool = False
) -> Booking:
    """Takes the open offer back, if there is one, and leaves the booking pending and due for dispatch.

    `gives_attempt_back`: the round goes on, and this offer was none of its attempts. The caller holds the lock.
    """
    if booking.status != "partner_assigned":
        return booking
    offer = await rows.open_of_booking(tx.conn, booking_id=booking.id)
    assert offer is not None, "a booking that is offered has an open offer"
    pending = await _end(
        tx, offer, "withdraw", reason, actor, "partner.withdrawn", keeps_attempt=not gives_attempt_back
    )
    assert pending is not None, "the lock is held"
    if gives_attempt_back and offer.attempt is not None:
        return await booking_rows.give_attempt_back(tx.conn, booking_id=booking.id) or pending
    return pending


async def _end(
    tx: Tx,
    offer: Offer,
    step: str,
    reason: str | None,
    actor: Actor,
    fact: str,
    *,
    keeps_attempt: bool = True,
    is_due: bool = True,
) -> Booking | None:
    """Closes an offer and gives the booking back, pending; None: it is not open any more, or (not `is_due`) over."""
    row = lifecycle.OFFER[step]
    if not await rows.close(
        tx.conn, offer_id=offer.id, target=row.target, sources=list(row.sources), reason=reason,
        keeps_attempt=keeps_attempt, is_due=is_due,
    ):  # fmt: skip
        return None
    back = lifecycle.BOOKING["fall_back"]
    pending = await booking_rows.fall_back(
        tx.conn, booking_id=offer.booking_id, target=back.target, sources=list(back.sources)
    )
    assert pending is not None, "a booking with an open offer is offered"
    await _closed(tx, offer, row.target, pending)
    data = {"offer_id": str(offer.id), "technician_id": str(offer.technician_id), "reason": reason}
    await facts.record(tx, pending.id, fact, actor, data)
    return pending


async def _closed(tx: Tx, offer: Offer, state: str, booking: Booking) -> None:
    queue.freed(tx, offer.technician_id)
    facts.tell_party(
        tx, offer.technician_id, "offer.closed",
        {"offer_id": str(offer.id), "booking_id": str(booking.id), "booking_number": booking.number, "state": state},
    )  # fmt: skip
