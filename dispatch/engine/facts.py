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
    """Appends a fact to the booking's timeline when the transaction commits, and runs its reactions now.

    The caller holds the booking's row lock.
    """
    fact = Fact(booking_id, fact_type, actor, data or {})
    tx.late(_append, fact)
    await tx.services.reactions.run(tx, fact)
    return fact


async def _append(tx: Tx, told: list[Fact]) -> None:
    """Numbers and writes the facts of a transaction, those of one booking in one statement."""
    for booking_id in dict.fromkeys(fact.booking_id for fact in told):
        mine = [fact for fact in told if fact.booking_id == booking_id]
        account_id = await rows.append_booking(
            tx.conn, booking_id=booking_id, types=[f.type for f in mine], actor_kinds=[f.actor.kind for f in mine],
            actor_ids=[f.actor.id for f in mine], data=[f.data for f in mine],
        )  # fmt: skip
        assert account_id is not None, "a fact needs its booking"
        tx.hint(bus.BOOKING_CHANGED, {"booking_id": str(booking_id), "account_id": str(account_id)})


def tell_party(tx: Tx, party_id: UUID, fact_type: str, data: dict[str, Any]) -> None:
    """Appends a fact to a party's own stream (a technician's offers, jobs, earnings) when the transaction commits."""
    tx.tell_party(PartyFact(party_id, fact_type, data))
