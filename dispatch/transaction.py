"""A unit of work: one connection, one transaction, one moment, and what follows after the commit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from storage.database.pool import Conn

if TYPE_CHECKING:
    from dispatch.bus import Hint
    from dispatch.services import Services


@dataclass(frozen=True, slots=True)
class PartyFact:
    """A fact for a party's own stream: a technician's offers, jobs, earnings."""

    party_id: UUID
    type: str
    data: dict[str, Any]


class Tx:
    """Given to every domain function that writes; the caller commits, the function never does."""

    __slots__ = ("_after", "_told", "conn", "now", "services")

    def __init__(self, conn: Conn, services: Services) -> None:
        self.conn = conn
        self.services = services
        self.now: datetime = services.clock.now()
        self._after: list[Callable[[], None]] = []
        self._told: list[PartyFact] = []

    def tell_party(self, fact: PartyFact) -> None:
        """Appends a fact to a party's stream just before the commit.

        Then, and in the order of the parties: a technician who rejects makes the next one an offer, and two of them
        who do that to each other at once would lock each other's streams.
        """
        self._told.append(fact)

    def take_told(self) -> list[PartyFact]:
        """What waits to be told, by party; those of one party stay in their order."""
        told, self._told = self._told, []
        return sorted(told, key=lambda fact: fact.party_id)

    def after_commit(self, call: Callable[[], None]) -> None:
        """Runs `call` once the transaction is durable; what may be lost goes here (hints, caches)."""
        self._after.append(call)

    def hint(self, topic: str, hint: Hint) -> None:
        """Publishes a hint on the bus after the commit."""
        self.after_commit(lambda: self.services.bus.publish(topic, hint))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone; what it wanted to do after the commit is forgotten with it."""
        mark, told = len(self._after), len(self._told)
        try:
            async with self.conn.transaction():
                yield
        except BaseException:
            del self._after[mark:]
            del self._told[told:]
            raise

    def committed(self) -> None:
        for call in self._after:
            call()
