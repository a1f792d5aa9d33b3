"""Offers: accepted by one, rejected, expired, withdrawn. How they are made stands in the search."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING
from uuid import UUID

from dispatch import bus
from dispatch.engine import facts, lifecycle, queue, search, tracked
from dispatch.errors import Conflict, Missing
from dispatch.events import SYSTEM, Actor
from dispatch.live.counts import ANSWERED, ASSIGNED
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import offers as rows
from storage.bookings import Booking
from storage.offers import Offer

if TYPE_CHECKING:
    from dispatch.services import Services

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


async def dispatch_now(services: Services, booking_id: UUID) -> Booking:
    """Searches at once for a booking that waits to be dispatched; a no-op in every other state.

    What fails here is not lost: the booking's timer is due and the sweep does it again.
    """

    async def work(tx: Tx) -> Booking:
        booking = await lock(tx, booking_id)
        if booking.status == "pending" and booking.next_action == "dispatch":
            booking, _ = await search.search(tx, booking)
        return booking

    return await services.retrying(work)


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


async def accept(tx: Tx, technician_id: UUID, offer: Offer, *, on_behalf: Actor | None = None) -> Booking:
    """First accept wins. The winner gets the same answer when repeating it; the others get the reason.

    `on_behalf`: staff say it for the technician, and it is told as theirs. The caller holds the booking's lock
    (`offer_of`).
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
    told = facts.to_count(tx, offer.booking_id, len(ACCEPT_FACTS))
    booking = await booking_rows.confirm(
        tx.conn, booking_id=offer.booking_id, technician_id=technician_id,
        ahead_s=services.settings.dispatch.watch.ahead_s, target=row.target, sources=list(row.sources), facts=told,
    )  # fmt: skip
    if booking is None or booking.next_action_at is None:
        raise lifecycle.wrong_state("booking", (await lock(tx, offer.booking_id)).status, "accept")
    facts.count(tx, booking, told)
    tx.hint(bus.TIMER_SET, {"at": booking.next_action_at.timestamp()})
    tx.known[booking.id] = booking
    tracked.moved(tx, booking, assignment_id, technician_id, "accepted")
    await booking_rows.count_accepted(tx.conn, technician_id=technician_id)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    who = on_behalf or Actor("technician", str(technician_id))
    data = {"offer_id": str(offer.id), "assignment_id": str(assignment_id), "technician_id": str(technician_id)}
    await _closed(tx, offer, "accepted", booking)
    waited_s = max(0.0, (tx.now - booking.created_at).total_seconds())
    tx.after_commit(lambda: ASSIGNED.observe(waited_s))
    for fact in ACCEPT_FACTS:
        await facts.record(tx, booking.id, fact, who, data)
    facts.tell_party(tx, technician_id, "job.updated", {"booking_id": str(booking.id), "state": "accepted", **data})
    return booking


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
    raise OfferExpired(details={"expired_at": offer.expires_at})


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
        raise OfferExpired(details={"expired_at": offer.expires_at})
    booking, _ = await search.search(tx, booking)
    return booking


async def expire(tx: Tx, booking: Booking) -> None:
    """The open offer's time is over: close it and go on. The caller holds the lock of a booking whose timer is due."""
    offer = await rows.open_of_booking(tx.conn, booking_id=booking.id)
    assert offer is not None, "a booking with an offer to expire has an open offer"
    pending = await _end(tx, offer, "expire", "no answer in time", SYSTEM, "partner.expired")
    assert pending is not None, "the lock is held"
    await search.search(tx, pending)


async def withdraw(tx: Tx, booking: Booking, reason: str, actor: Actor, *, gives_attempt_back: bool = False) -> Booking:
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


async def take_back(tx: Tx, booking: Booking, technician_ids: Collection[UUID], reason: str) -> None:
    """Withdraws the open offer if it is one of these technicians', and somebody else is asked. The caller holds the
    lock."""
    offer = await rows.open_of_booking(tx.conn, booking_id=booking.id)
    if offer is not None and offer.technician_id in technician_ids:
        await withdraw(tx, booking, reason, SYSTEM, gives_attempt_back=True)
        tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})


async def close_with_booking(tx: Tx, booking: Booking, reason: str, actor: Actor) -> None:
    """Takes the open offer back, if there is one, of a booking that ends in this very moment. Its lock is held."""
    if booking.status != "partner_assigned":
        return
    offer = await rows.open_of_booking(tx.conn, booking_id=booking.id)
    assert offer is not None, "a booking that is offered has an open offer"
    assert await _close(tx, offer, "withdraw", reason), "the lock is held"
    await _tell(tx, booking, offer, "withdraw", reason, actor, "partner.withdrawn")


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
    if not await _close(tx, offer, step, reason, keeps_attempt=keeps_attempt, is_due=is_due):
        return None
    back = lifecycle.BOOKING["fall_back"]
    pending = await booking_rows.fall_back(
        tx.conn, booking_id=offer.booking_id, target=back.target, sources=list(back.sources)
    )
    assert pending is not None, "a booking with an open offer is offered"
    tx.known[pending.id] = pending
    await _tell(tx, pending, offer, step, reason, actor, fact)
    return pending


async def _close(
    tx: Tx, offer: Offer, step: str, reason: str | None, *, keeps_attempt: bool = True, is_due: bool = True
) -> bool:
    row = lifecycle.OFFER[step]
    return bool(await rows.close(
        tx.conn, offer_id=offer.id, target=row.target, sources=list(row.sources), reason=reason,
        keeps_attempt=keeps_attempt, is_due=is_due,
    ))  # fmt: skip


async def _tell(tx: Tx, booking: Booking, offer: Offer, step: str, reason: str | None, actor: Actor, fact: str) -> None:
    await _closed(tx, offer, lifecycle.OFFER[step].target, booking)
    data = {"offer_id": str(offer.id), "technician_id": str(offer.technician_id), "reason": reason}
    await facts.record(tx, booking.id, fact, actor, data)


async def _closed(tx: Tx, offer: Offer, state: str, booking: Booking) -> None:
    queue.freed(tx, offer.technician_id)
    open_s = max(0.0, (tx.now - offer.made_at).total_seconds())
    tx.after_commit(lambda: ANSWERED.labels(state).observe(open_s))
    facts.tell_party(
        tx, offer.technician_id, "offer.closed",
        {"offer_id": str(offer.id), "booking_id": str(booking.id), "booking_number": booking.number, "state": state},
    )  # fmt: skip
