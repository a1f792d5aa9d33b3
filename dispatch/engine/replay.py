"""A day played again: where everybody was and what happened, from the same positions and facts as the live board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dispatch.engine.board import Box
from dispatch.errors import Invalid
from dispatch.services import Services
from storage import board as rows
from storage.board import PastFact, Person, Point

#: A player asks for one span after the other.
LONGEST = timedelta(minutes=15)
MOST_POINTS, MOST_FACTS = 60_000, 20_000
#: A trail is at most so long, and has at most so many points.
LONGEST_TRAIL, MOST_TRAIL = timedelta(hours=24), 1_000
#: What moves a booking from one stage to the next on a map.
TYPES = (
    "booking.created", "booking.queued", "booking.reopened", "booking.confirmed", "booking.completed",
    "booking.cancelled", "booking.refunded", "partner.assigned", "partner.rejected", "partner.expired",
    "partner.withdrawn", "partner.in_transit", "partner.arrived", "partner.cancelled", "service.started",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """`is_cut`: there was more than is told; a greater step shows all."""

    points: Sequence[Point]
    people: Sequence[Person]
    facts: Sequence[PastFact]
    is_cut: bool


async def between(services: Services, box: Box, from_at: datetime, to_at: datetime, step_s: int) -> Span:
    """A span of at most LONGEST. Raises Invalid."""
    if not from_at < to_at <= from_at + LONGEST:
        raise Invalid({"to_at": ["must be after from_at, by 15 minutes at most"]})
    area = {"west": box.west, "south": box.south, "east": box.east, "north": box.north}
    async with services.read() as conn:
        points = await rows.positions_between(
            conn, from_at=from_at, to_at=to_at, step_s=float(step_s), limit=MOST_POINTS, **area
        )
        people = await rows.people(conn, numbers=sorted({point.technician_no for point in points}))
        facts = await rows.facts_between(
            conn, from_at=from_at, to_at=to_at, types=list(TYPES), limit=MOST_FACTS, **area
        )
    return Span(points, people, facts, len(points) == MOST_POINTS or len(facts) == MOST_FACTS)


async def trail(services: Services, technician_id: UUID, span: timedelta) -> Sequence[Point]:
    """Where somebody has been until now, oldest first."""
    now = services.clock.now()
    span = min(span, LONGEST_TRAIL)
    async with services.read() as conn:
        return await rows.trail_of(
            conn, technician_id=technician_id, from_at=now - span, to_at=now + timedelta(seconds=1), limit=MOST_TRAIL,
            step_s=max(1.0, span.total_seconds() / MOST_TRAIL),
        )  # fmt: skip
