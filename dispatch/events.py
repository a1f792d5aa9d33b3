"""What happened, as values: the actor and the fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: kind is customer, technician, admin, system, service or gateway."""

    kind: str
    id: str | None = None

    @property
    def cancelled_by(self) -> str:
        """The contract's word for this actor in `cancelled_by`."""
        words = {"customer": "customer", "technician": "partner", "admin": "admin"}
        return words.get(self.kind, "system")


SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of booking_events: `seq` is gapless per booking."""

    booking_id: UUID
    seq: int
    type: str
    actor: Actor
    data: dict[str, Any] = field(default_factory=dict)
