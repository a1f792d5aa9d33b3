"""A unit of work: one connection, one transaction, one moment, and what follows after the commit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from storage.pool import Conn

if TYPE_CHECKING:
    from dispatch.bus import Hint
    from dispatch.services import Services


class Tx:
    """Given to every domain function that writes; the caller commits, the function never does."""

    __slots__ = ("_after", "conn", "now", "services")

    def __init__(self, conn: Conn, services: Services) -> None:
        self.conn = conn
        self.services = services
        self.now: datetime = services.clock.now()
        self._after: list[Callable[[], None]] = []

    def after_commit(self, call: Callable[[], None]) -> None:
        """Runs `call` once the transaction is durable; what may be lost goes here (hints, caches)."""
        self._after.append(call)

    def hint(self, topic: str, hint: Hint) -> None:
        """Publishes a hint on the bus after the commit."""
        self.after_commit(lambda: self.services.bus.publish(topic, hint))

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that may fail alone; what it wanted to do after the commit is forgotten with it."""
        mark = len(self._after)
        try:
            async with self.conn.transaction():
                yield
        except BaseException:
            del self._after[mark:]
            raise

    def committed(self) -> None:
        for call in self._after:
            call()
