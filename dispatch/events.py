"""What happened, as values: the actor and the fact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

#: Whoever may cause a fact. The first seven are kinds of callers, then the house itself and what it hears.
KINDS = (
    "customer", "technician", "admin", "organisation", "provider", "integration", "erp", "system", "service", "gateway",
)  # fmt: skip
#: Those whose words everybody may hear who hears of the deed: the house.
STAFF = ("admin", "erp", "system", "service", "gateway")
#: Who cancelled, in the contract's words (R75) and, for whom it has none, in its manner.
CANCELLERS = {
    "customer": "customer", "technician": "partner", "admin": "admin", "organisation": "organisation",
    "provider": "provider", "integration": "integration", "erp": "erp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Origin:
    """From where and with what somebody asked, where that is known."""

    ip: str | None = None
    user_agent: str | None = None


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: one of KINDS. The origin is for the audit and makes nobody somebody else."""

    kind: str
    id: str | None = None
    origin: Origin = field(default=NOWHERE, compare=False, repr=False)

    @property
    def cancelled_by(self) -> str:
        """The contract's word for this actor in `cancelled_by`."""
        return CANCELLERS.get(self.kind, "system")


SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class Fact:
    """One row of booking_events to be; its gapless number comes with the commit."""

    booking_id: UUID
    type: str
    actor: Actor
    data: dict[str, Any] = field(default_factory=dict)
