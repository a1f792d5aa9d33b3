"""What people order: a search beyond the rounds, or an offer to somebody whom they name, by force if need be."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from dispatch import bus
from dispatch.engine import audit, candidates, explain, lifecycle, offers, search
from dispatch.engine.offers import AlreadyAssigned, NoCandidate
from dispatch.errors import Conflict, Missing
from dispatch.events import Actor
from dispatch.live.roster import Technician
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import offers as rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.offers import Offer


async def assign(tx: Tx, booking_id: UUID, actor: Actor, *, force: bool) -> Offer | None:
    """Staff or a service asks for the automatic search (R97). `force` takes an open offer back and opens a new round.

    None: nobody can, the booking is queued (the caller raises NoCandidate once that is committed).
    Raises AlreadyAssigned, WrongState.
    """
    booking = await offers.lock(tx, booking_id)
    # An ordered search runs even where bookings wait for people by themselves.
    booking = await _new_round(tx, booking, actor, force, is_ordered=True)
    _, offer = await search.search(tx, booking)
    return offer


async def _new_round(
    tx: Tx, booking: Booking, actor: Actor, force: bool, *, is_ordered: bool = False, **changes: object
) -> Booking:
    if booking.status == "partner_assigned":
        if not force:
            raise AlreadyAssigned("An offer of this booking is open.")
        await offers.withdraw(tx, booking, "a new search was ordered", actor)
    elif booking.status != "pending":
        if booking.technician_id is not None:
            raise AlreadyAssigned()
        raise lifecycle.wrong_state("booking", booking.status, "offer")
    elif booking.next_action == "release_unpaid":
        raise Conflict("This booking waits for its payment.")
    elif booking.next_action == "release_unapproved":
        raise Conflict("This booking waits for an approval of its organisation.")
    begun = await booking_rows.new_round(tx.conn, booking_id=booking.id, is_ordered=is_ordered)
    assert begun is not None, "its lock is held, and it is pending"
    changes = {"force": force, "round": {"old": booking.round, "new": begun.round}, **changes}
    await audit.record(tx, actor, "assign_booking", "booking", booking.id, changes)
    return begun


async def assign_to(tx: Tx, booking_id: UUID, technician_id: UUID, actor: Actor, *, force: bool) -> Offer:
    """Staff names the technician: outside rounds, audited.

    `force` goes past every filter: open offers in the way are withdrawn, held intervals move. It never goes past an
    accepted job that overlaps (NoCandidate, which names it), a block, a deactivation or a missing verification.
    """
    others: dict[UUID, Booking] = {}
    if force:
        others = await _lock_with_offers_of(tx, booking_id, technician_id)
    booking = others.pop(booking_id, None) or await offers.lock(tx, booking_id)
    if force:
        await rows.lock_people(tx.conn, technician_id=technician_id, booking_id=booking_id)
    person = tx.services.roster.find(technician_id)
    standing = await rows.standing(tx.conn, technician_id=technician_id, account_id=booking.account_id)
    if person is None or standing is None:
        raise Missing("technician")
    booking = await _new_round(tx, booking, actor, force, technician_id=str(technician_id))
    judged, policy = await candidates.judge_one(tx.conn, tx.services, booking, person, tx.now)
    if not standing.is_verified:
        raise _refused(person, "not_verified")
    if standing.is_blocked or not standing.is_active:
        raise _refused(person, "blocked")
    if force:
        await _make_way(tx, booking, person, others, actor)
    elif judged.reason is not None:
        raise _refused(person, judged.reason)
    made, late = await search.make(tx, booking, judged, attempt=None, made_by=actor.id or actor.kind, is_forced=force)
    if made is None:
        raise _refused(person, late)
    await explain.store(tx, booking, policy, [judged], made.offer)
    return made.offer


def _refused(person: Technician, reason: str) -> NoCandidate:
    return NoCandidate(
        f"{person.name} cannot take this booking: {reason.replace('_', ' ')}.", details={"reason": reason}
    )


async def _lock_with_offers_of(tx: Tx, booking_id: UUID, technician_id: UUID) -> dict[UUID, Booking]:
    """The booking and those of the technician's open offers, locked in the order of their ids."""
    theirs = await rows.open_of(tx.conn, technician_id=technician_id)
    return {one: await offers.lock(tx, one) for one in sorted({booking_id, *(o.booking_id for o in theirs)})}


async def _make_way(tx: Tx, booking: Booking, person: Technician, others: dict[UUID, Booking], actor: Actor) -> None:
    """Withdraws the technician's open offers whose time overlaps and, where no place is left, the newest ones too.

    Their bookings go on with their rounds as if this offer had never been. Raises NoCandidate for an accepted job.
    """
    live = candidates.is_live(tx.services, booking.starts_at, tx.now)
    found = candidates.reach(tx.services, person, candidates.place_of(tx.services, booking), live)
    from_at = booking.starts_at - timedelta(seconds=found.travel_s)
    job = await slot_rows.accepted_then(
        tx.conn, technician_id=person.id, booking_id=booking.id, from_at=from_at, to_at=booking.ends_at
    )
    if job is not None:
        raise NoCandidate(
            f"{person.name} has accepted booking {job.number}, which overlaps: move one of the two first.",
            details={
                "reason": "busy_then", "booking_id": str(job.booking_id), "booking_number": job.number,
                "starts_at": job.starts_at, "ends_at": job.ends_at,
            },
        )  # fmt: skip
    taken = await slot_rows.busy(tx.conn, ids=[person.id], from_at=from_at, to_at=booking.ends_at)
    in_the_way = {slot.booking_id for slot in taken}
    still_open = [
        offer
        for offer in await rows.open_of(tx.conn, technician_id=person.id)
        if offer.booking_id in others and others[offer.booking_id].status == "partner_assigned"
    ]
    for offer in still_open:
        if offer.booking_id in in_the_way:
            await _take_back(tx, others[offer.booking_id], actor)
    kept = [offer for offer in still_open if offer.booking_id not in in_the_way]
    # More than one where fewer may be held than when they were made.
    for offer in kept[: max(0, len(kept) + 1 - candidates.open_offers(tx.services, False))]:
        await _take_back(tx, others[offer.booking_id], actor)


async def _take_back(tx: Tx, booking: Booking, actor: Actor) -> None:
    await offers.withdraw(tx, booking, "the technician was given another booking", actor, gives_attempt_back=True)
    tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})
