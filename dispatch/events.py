"""What happened, as values: the actor, the fact, and the reactions that run in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from dispatch.transaction import Tx


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


Reaction = Callable[["Tx", Fact], Awaitable[None]]


class Reactions:
    """What else happens in the transaction of a fact: how billing and messages hear of the engine."""

    def __init__(self) -> None:
        self._by_type: dict[str, list[Reaction]] = defaultdict(list)

    def on(self, fact_type: str, reaction: Reaction) -> None:
        self._by_type[fact_type].append(reaction)

    async def run(self, tx: Tx, fact: Fact) -> None:
        for reaction in self._by_type.get(fact.type, ()):
            await reaction(tx, fact)
