"""Writes what happened: one gapless row per booking or party, in the transaction of the change itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.events import Actor, Fact
from dispatch.services import PartyFact, Tx
from storage import facts as rows

#: Facts in the contract's words (R113) and, for what it has no word for, in its manner.
BOOKING_FACTS = (
    "booking.created",
    "booking.confirmed",
    "booking.cancelled",
    "booking.completed",
    "booking.queued",
    "booking.rescheduled",
    "booking.reopened",
    "booking.rated",
    "booking.refunded",
    "booking.priority_changed",
    "partner.assigned",
    "partner.accepted",
    "partner.rejected",
    "partner.expired",
    "partner.withdrawn",
    "partner.in_transit",
    "partner.near",
    "partner.arrived",
    "partner.cancelled",
    "technician.left",
    "service.started",
    "watch.warned",
    "payment.captured",
    "payment.failed",
    "payment.switched",
    "payment.refunded",
)

PARTY_FACTS = ("offer.made", "offer.closed", "job.updated", "earnings.updated")


async def record(
    tx: Tx,
    booking_id: UUID,
    fact_type: str,
    actor: Actor,
    data: dict[str, Any] | None = None,
) -> Fact:
    """Appends a fact to the booking's timeline and runs its reactions; the caller holds the booking's row lock."""
    data = data or {}
    row = await rows.append_booking(
        tx.conn, booking_id=booking_id, type=fact_type, actor_kind=actor.kind, actor_id=actor.id, data=data
    )
    assert row is not None, "a fact needs its booking"
    tx.hint(bus.BOOKING_CHANGED, {"booking_id": str(booking_id), "account_id": str(row.account_id)})
    fact = Fact(booking_id, row.seq, fact_type, actor, data)
    await tx.services.reactions.run(tx, fact)
    return fact


def tell_party(tx: Tx, party_id: UUID, fact_type: str, data: dict[str, Any]) -> None:
    """Appends a fact to a party's own stream (a technician's offers, jobs, earnings) when the transaction commits."""
    tx.tell_party(PartyFact(party_id, fact_type, data))
