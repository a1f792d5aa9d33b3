"""How a booking is dispatched, as people of the house see it: who waits, and why it went where it went."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Literal
from uuid import UUID

from api.shared.objects import FactData, PlaceObject
from api.wire.listing import DAYS, Grammar
from api.wire.models import Day, View, Whole
from dispatch.engine.explain import Explanation
from storage import queue as queue_rows
from storage.bookings import Booking
from storage.queue import Waiting


class DispatchedOut(View):
    id: UUID
    booking_number: str
    status: str
    booking_date: date
    booking_time: time
    round: int
    attempt: int
    priority: int


class AssignmentOut(View):
    offer_id: UUID
    partner_id: UUID
    partner_name: str
    status: Literal["assigned"]
    expires_at: datetime


class WaitingOut(View):
    """`waits_for`: what alone stands between the booking and somebody, the most frequent first; it looks again at
    `next_action_at` and whenever somebody becomes free. Empty: nobody can, or people decide (`reason`)."""

    booking_id: UUID
    booking_number: str
    status: str
    booking_date: date
    booking_time: time
    timezone: str
    starts_at: datetime
    service_categories: list[str]
    address: PlaceObject
    priority: int
    queued_at: datetime | None
    reason: str | None
    waits_for: list[str]
    round: int
    attempt: int
    next_action_at: datetime | None


#: `status`: queued (waits for people), pending (no offer open), partner_assigned (an offer is open).
QUEUE = Grammar(
    key="pending_assignments", source=queue_rows.waiting, limit=100,
    filters={"status": Literal["queued", "pending", "partner_assigned"], "priority": Whole, "date": Day, **DAYS},
)  # fmt: skip


class CandidateOut(View):
    partner_id: UUID
    partner_code: str
    partner_name: str
    rank: int | None
    reason: str
    score: float | None
    parts: dict[str, float] | None
    distance_m: int | None


class AttemptOut(View):
    """One search. Those that found nobody, one after the other, are one: `looks` counts them, and the candidates are
    those of the last. They are no attempts; `attempt` is the one that they were for."""

    round: int
    attempt: int | None
    policy: str
    policy_version: int
    weights: dict[str, float]
    radius_m: int
    outcome: str
    offer_id: UUID | None
    looks: int
    at: datetime
    candidates: list[CandidateOut]


class OfferOut(View):
    id: UUID
    partner_id: UUID
    partner_name: str
    round: int
    attempt: int | None
    state: str
    made_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    reason: str | None
    made_by: str | None


class EventOut(View):
    seq: int
    action: str
    by: str
    at: datetime
    data: FactData


class ExplainOut(View):
    booking: DispatchedOut
    attempts: list[AttemptOut]
    offers: list[OfferOut]
    timeline: list[EventOut]


def dispatched(b: Booking) -> DispatchedOut:
    return DispatchedOut(
        id=b.id, booking_number=b.number, status=b.status, booking_date=b.local_date, booking_time=b.local_time,
        round=b.round, attempt=b.attempt, priority=b.priority,
    )  # fmt: skip


def waiting_out(w: Waiting) -> WaitingOut:
    return WaitingOut(
        booking_id=w.booking_id, booking_number=w.number, status=w.status, booking_date=w.local_date,
        booking_time=w.local_time, timezone=w.timezone, starts_at=w.starts_at, service_categories=w.categories,
        address=w.address, priority=w.priority, queued_at=w.queued_at, reason=w.queue_reason, waits_for=w.waits_for,
        round=w.round, attempt=w.attempt, next_action_at=w.next_action_at,
    )  # fmt: skip


def explained(found: Explanation) -> ExplainOut:
    return ExplainOut(
        booking=dispatched(found.booking),
        attempts=[
            AttemptOut(
                round=a.round, attempt=a.attempt, policy=a.policy, policy_version=a.policy_version, weights=a.weights,
                radius_m=a.radius_m, outcome=a.outcome, offer_id=a.offer_id, looks=a.looks, at=a.at,
                candidates=[
                    CandidateOut(
                        partner_id=c.technician_id, partner_code=c.code, partner_name=c.name, rank=c.rank,
                        reason=c.reason, score=c.score, parts=c.parts, distance_m=c.distance_m,
                    )
                    for c in candidates
                ],
            )
            for a, candidates in found.attempts
        ],
        offers=[
            OfferOut(
                id=o.id, partner_id=o.technician_id, partner_name=o.technician_name, round=o.round, attempt=o.attempt,
                state=o.state, made_at=o.made_at, expires_at=o.expires_at, answered_at=o.answered_at, reason=o.reason,
                made_by=o.made_by,
            )
            for o in found.offers
        ],
        timeline=[
            EventOut(
                seq=e.seq, action=e.type, by=":".join(filter(None, (e.actor_kind, e.actor_id))), at=e.at, data=e.data
            )
            for e in found.timeline
        ],
    )  # fmt: skip
