"""Offers: one at a time to the best technician, answered or expired, three to a round, then a person decides."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dispatch import bus
from dispatch.amounts import amounts_of
from dispatch.engine import candidates, explain, facts, lifecycle, slots
from dispatch.engine.matching import Judged
from dispatch.errors import Conflict, Missing
from dispatch.events import SYSTEM, Actor
from dispatch.services import Tx
from dispatch.shares import earning_minor
from storage import bookings as booking_rows
from storage import offers as rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.database.errors import StorageError, is_deadlock, is_unique
from storage.offers import Offer

if TYPE_CHECKING:
    from dispatch.services import Services

log = logging.getLogger(__name__)

#: Automatic attempts in a round (R93).
ATTEMPTS = 3
#: A transaction that lost a deadlock or a serialisation race is repeated so often.
RETRIES = 3


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
    for attempt in range(RETRIES):
        try:
            async with services.transaction() as tx:
                booking = await lock(tx, booking_id)
                if booking.status == "pending" and booking.next_action == "dispatch":
                    await search(tx, booking)
                    booking = await lock(tx, booking_id)
                return booking
        except StorageError as e:
            if not is_deadlock(e) or attempt == RETRIES - 1:
                raise
    raise AssertionError("unreachable")


async def search(tx: Tx, booking: Booking) -> Offer | None:
    """Offers a pending booking to the best technician, or queues it. The caller holds the booking's lock."""
    if not booking.auto_assign:
        await queue(tx, booking, "manual")
        return None
    if booking.attempt >= ATTEMPTS:
        await queue(tx, booking, "attempts_exhausted")
        return None
    if booking.starts_at <= tx.now:
        await queue(tx, booking, "start_passed")
        return None
    judged, policy = await candidates.judge(tx.conn, tx.services, booking, tx.now)
    offer = None
    verdicts: list[Judged] = []
    for one in judged:
        if offer is None and one.reason is None:
            offer, late_reason = await _try(tx, booking, one, attempt=booking.attempt + 1, made_by=None)
            one = one if offer else Judged(one.candidate, late_reason, one.score, one.parts)
        verdicts.append(one)
    await explain.store(tx, booking, policy, verdicts, offer)
    if offer is None:
        await queue(tx, booking, "no_candidate")
    return offer


async def _try(
    tx: Tx, booking: Booking, one: Judged, *, attempt: int | None, made_by: str | None
) -> tuple[Offer | None, str]:
    """Claims the technician's time and opens the offer; None with a reason when somebody was faster."""
    person = tx.services.roster.find(one.candidate.id)
    if person is None:
        return None, "not_verified"
    live = candidates.is_live(tx.services, booking.starts_at, tx.now)
    found = candidates.reach(tx.services, person, candidates.place_of(booking), live)
    share_pct = tx.services.settings.billing.technician_share_pct
    try:
        async with tx.savepoint():
            if not await slots.claim(tx, booking, found, "offered"):
                return None, "busy_then"
            expires_at = tx.now + window(tx.services, booking, tx.now)
            offer = await rows.make(
                tx.conn, booking_id=booking.id, technician_id=person.id, round=booking.round, attempt=attempt,
                score=one.score, distance_m=None if found.distance_m is None else int(found.distance_m),
                earning_minor=earning_minor(booking.grand_total_minor, share_pct), currency=booking.currency,
                expires_at=expires_at, made_by=made_by,
            )  # fmt: skip
    except StorageError as e:
        # The savepoint gave back what it held: whoever we waited for goes on, and we ask somebody else.
        if not (is_unique(e) or is_deadlock(e)):
            raise
        return None, "offer_open"
    assert offer is not None
    step = lifecycle.BOOKING["offer"]
    await booking_rows.offer_made(
        tx.conn, booking_id=booking.id, attempts=0 if attempt is None else 1, expires_at=offer.expires_at,
        target=step.target, sources=list(step.sources),
    )  # fmt: skip
    tx.hint(bus.TIMER_SET, {"at": offer.expires_at.timestamp()})
    await booking_rows.resolve_alerts(tx.conn, booking_id=booking.id, kinds=["queued"])
    facts.tell_party(tx, person.id, "offer.made", offer_view(booking, offer))
    await facts.record(
        tx, booking.id, "partner.assigned", Actor("admin", made_by) if made_by else SYSTEM,
        {
            "offer_id": str(offer.id), "technician_id": str(person.id), "technician_name": person.name,
            "round": offer.round, "attempt": offer.attempt, "expires_at": offer.expires_at.isoformat(),
        },
    )  # fmt: skip
    return offer, ""


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
    """What the technician is told of a job before accepting it: where and when, what to take at the door, not whom."""
    amounts = amounts_of(booking)
    return {
        "offer_id": str(offer.id),
        "booking_id": str(booking.id),
        "booking_number": booking.number,
        "starts_at": booking.starts_at.isoformat(),
        "ends_at": booking.ends_at.isoformat(),
        "categories": booking.categories,
        "city": booking.address.get("city"),
        "pincode": booking.address.get("pincode"),
        "lat": booking.lat,
        "lng": booking.lng,
        "distance_m": offer.distance_m,
        "payment_method": booking.payment_method,
        "grand_total_minor": booking.grand_total_minor,
        "wallet_minor": amounts.wallet_minor,
        "outstanding_fee_minor": amounts.outstanding_fee_minor,
        "amount_to_collect_minor": amounts.to_collect_minor,
        "earning_minor": offer.earning_minor,
        "currency": offer.currency,
        "expires_at": offer.expires_at.isoformat(),
    }


async def queue(tx: Tx, booking: Booking, reason: str) -> None:
    """Hands the booking to people: the manual queue, an alert, a fact. The held interval stays its own."""
    if await booking_rows.queue(tx.conn, booking_id=booking.id, reason=reason):
        await slots_back_to_held(tx, booking.id)
        await booking_rows.raise_alert(
            tx.conn, kind="queued", booking_id=booking.id, technician_id=None,
            message=f"Booking {booking.number} waits for a technician: {reason.replace('_', ' ')}.",
        )  # fmt: skip
        tx.hint(bus.ALERT_RAISED, {"kind": "queued", "booking_id": str(booking.id)})
        await facts.record(tx, booking.id, "booking.queued", SYSTEM, {"reason": reason})


async def slots_back_to_held(tx: Tx, booking_id: UUID) -> None:
    await slot_rows.set_state(tx.conn, booking_id=booking_id, state="held")


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
    """The technician's own offer, named by itself or by its booking. Raises Missing: another's does not exist."""
    if offer_id is not None:
        offer = await rows.get(tx.conn, offer_id=offer_id)
    else:
        offer = await rows.latest_for(tx.conn, booking_id=booking_id, technician_id=technician_id)
    if offer is None or offer.technician_id != technician_id:
        raise Missing("offer")
    return offer


async def accept(tx: Tx, technician_id: UUID, offer: Offer) -> Booking:
    """First accept wins. The winner gets the same answer when repeating it; the others get the reason."""
    booking = await lock(tx, offer.booking_id)
    step = lifecycle.OFFER["accept"]
    won = await rows.accept(
        tx.conn, offer_id=offer.id, technician_id=technician_id, target=step.target, sources=list(step.sources)
    )
    if won is None:
        return await _why_not(tx, technician_id, offer.id, booking)
    services = tx.services
    person = services.roster.find(technician_id)
    payee = (person.provider_id if person else None) or technician_id
    assignment_id = await rows.assign(
        tx.conn, booking_id=booking.id, offer_id=won.id, technician_id=technician_id, payee_id=payee,
        technician_share_pct=services.settings.billing.technician_share_pct, earning_minor=won.earning_minor,
    )  # fmt: skip
    await slot_rows.set_state(tx.conn, booking_id=booking.id, state="accepted")
    row = lifecycle.BOOKING["accept"]
    watch_at = max(tx.now, booking.starts_at - timedelta(seconds=services.settings.dispatch.watch.ahead_s))
    moved = await booking_rows.confirm(
        tx.conn, booking_id=booking.id, technician_id=technician_id, watch_at=watch_at,
        target=row.target, sources=list(row.sources),
    )  # fmt: skip
    if not moved:
        raise lifecycle.wrong_state("booking", booking.status, "accept")
    tx.hint(bus.TIMER_SET, {"at": watch_at.timestamp()})
    await booking_rows.count_accepted(tx.conn, technician_id=technician_id)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    who = Actor("technician", str(technician_id))
    data = {"offer_id": str(won.id), "assignment_id": str(assignment_id), "technician_id": str(technician_id)}
    await _closed(tx, won, "accepted", booking)
    await facts.record(tx, booking.id, "partner.accepted", who, data)
    await facts.record(tx, booking.id, "booking.confirmed", who, data)
    facts.tell_party(
        tx, technician_id, "job.updated", {"booking_id": str(booking.id), "state": "accepted", **data}
    )
    return await lock(tx, booking.id)


async def _why_not(tx: Tx, technician_id: UUID, offer_id: UUID, booking: Booking) -> Booking:
    offer = await rows.get(tx.conn, offer_id=offer_id)
    if offer is None or offer.technician_id != technician_id:
        raise Missing("offer")
    if offer.state == "accepted":
        if booking.technician_id != technician_id:
            raise OfferAnswered("You accepted this offer, and the job is no longer yours.")
        return booking
    if offer.state == "withdrawn":
        raise OfferWithdrawn(details={"reason": offer.reason} if offer.reason else None)
    if offer.state == "rejected":
        raise OfferAnswered("You rejected this offer.")
    raise OfferExpired(details={"expired_at": offer.expires_at.isoformat()})


async def reject(tx: Tx, technician_id: UUID, offer: Offer, reason: str | None) -> Booking:
    """Declines, and the next technician is asked at once. Repeating it gives the same answer."""
    booking = await lock(tx, offer.booking_id)
    offer = await offer_of(tx, technician_id, offer_id=offer.id)
    if offer.state == "rejected":
        return booking
    if offer.state != "open" or offer.expires_at <= tx.now:
        if offer.state in ("open", "expired"):
            raise OfferExpired(details={"expired_at": offer.expires_at.isoformat()})
        raise OfferWithdrawn() if offer.state == "withdrawn" else OfferAnswered("You accepted this offer.")
    await _end(tx, booking, offer, "reject", reason, Actor("technician", str(technician_id)), "partner.rejected")
    await search(tx, await lock(tx, booking.id))
    return await lock(tx, booking.id)


async def expire(tx: Tx, booking: Booking) -> None:
    """The open offer's time is over: close it and go on. The caller holds the lock of a booking whose timer is due."""
    offer = await rows.open_of_booking(tx.conn, booking_id=booking.id)
    assert offer is not None, "a booking with an offer to expire has an open offer"
    await _end(tx, booking, offer, "expire", "no answer in time", SYSTEM, "partner.expired")
    await search(tx, await lock(tx, booking.id))


async def withdraw(tx: Tx, booking: Booking, reason: str, actor: Actor) -> None:
    """Takes the open offer back, if there is one, and leaves the booking pending and due for dispatch."""
    offer = await rows.open_of_booking(tx.conn, booking_id=booking.id)
    if offer is not None:
        await _end(tx, booking, offer, "withdraw", reason, actor, "partner.withdrawn")


async def _end(tx: Tx, booking: Booking, offer: Offer, step: str, reason: str | None, actor: Actor, fact: str) -> None:
    row = lifecycle.OFFER[step]
    await rows.close(tx.conn, offer_id=offer.id, target=row.target, sources=list(row.sources), reason=reason)
    back = lifecycle.BOOKING["fall_back"]
    await booking_rows.wait_for(
        tx.conn, booking_id=booking.id, action="dispatch", at=tx.now, target=back.target, sources=list(back.sources)
    )
    await slots_back_to_held(tx, booking.id)
    await _closed(tx, offer, row.target, booking)
    data = {"offer_id": str(offer.id), "technician_id": str(offer.technician_id), "reason": reason}
    await facts.record(tx, booking.id, fact, actor, data)


async def _closed(tx: Tx, offer: Offer, state: str, booking: Booking) -> None:
    facts.tell_party(
        tx, offer.technician_id, "offer.closed",
        {"offer_id": str(offer.id), "booking_id": str(booking.id), "booking_number": booking.number, "state": state},
    )  # fmt: skip


# ---------------------------------------------------------------- staff


async def assign(tx: Tx, booking_id: UUID, actor: Actor, *, force: bool) -> Offer | None:
    """Staff or a service asks for the automatic search (R97). `force` takes an open offer back and opens a new round.

    None: nobody can, the booking is queued (the caller raises NoCandidate once that is committed).
    Raises AlreadyAssigned, WrongState.
    """
    booking = await lock(tx, booking_id)
    await _ready_for_search(tx, booking, actor, force)
    return await search(tx, await _forced_auto(tx, booking_id))


async def _ready_for_search(tx: Tx, booking: Booking, actor: Actor, force: bool) -> None:
    if booking.status == "partner_assigned":
        if not force:
            raise AlreadyAssigned("An offer of this booking is open.")
        await withdraw(tx, booking, "a new search was ordered", actor)
    elif booking.status != "pending":
        if booking.technician_id is not None:
            raise AlreadyAssigned()
        raise lifecycle.wrong_state("booking", booking.status, "offer")
    elif booking.next_action == "release_unpaid":
        raise Conflict("This booking waits for its payment.")
    await booking_rows.new_round(tx.conn, booking_id=booking.id)
    await booking_rows.audit(
        tx.conn, realm=actor.kind, actor_id=actor.id, action="assign_booking", resource_type="booking",
        resource_id=str(booking.id),
        changes={"force": force, "round": {"old": booking.round, "new": booking.round + 1}},
    )  # fmt: skip


async def _forced_auto(tx: Tx, booking_id: UUID) -> Booking:
    """An ordered search runs even where bookings wait for people by themselves."""
    booking = await lock(tx, booking_id)
    if not booking.auto_assign:
        await booking_rows.set_priority(tx.conn, booking_id=booking_id, priority=booking.priority, auto_assign=True)
        booking = await lock(tx, booking_id)
    return booking


async def assign_to(tx: Tx, booking_id: UUID, technician_id: UUID, actor: Actor, *, force: bool) -> Offer:
    """Staff names the technician: outside rounds, audited. `force` overrides the filters, never an overlapping job."""
    booking = await lock(tx, booking_id)
    person = tx.services.roster.find(technician_id)
    if person is None:
        raise Missing("technician")
    await _ready_for_search(tx, booking, actor, force)
    booking = await lock(tx, booking_id)
    judged, policy = await candidates.judge_one(tx.conn, tx.services, booking, person, tx.now)
    if judged.reason is not None and not force:
        raise NoCandidate(
            f"{person.name} cannot take this booking: {judged.reason.replace('_', ' ')}.",
            details={"reason": judged.reason},
        )
    offer, late = await _try(tx, booking, judged, attempt=None, made_by=actor.id or actor.kind)
    if offer is None:
        raise NoCandidate(
            f"{person.name} cannot take this booking: {late.replace('_', ' ')}.", details={"reason": late}
        )
    await explain.store(tx, booking, policy, [judged], offer)
    return offer
