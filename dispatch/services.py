"""What is wired, once: every part that a request, a socket or a timer may need, passed explicitly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dispatch.bus import Bus
from dispatch.clock import Clock
from dispatch.events import Reactions
from dispatch.transaction import Tx
from storage.pool import Conn, Pool

if TYPE_CHECKING:
    from dispatch.config import Settings
    from dispatch.engine.roster import Roster
    from dispatch.engine.tracking import Tracker
    from dispatch.engine.zones import ZoneBook
    from dispatch.parties.sessions import Sessions
    from dispatch.tokens import Tokens


@dataclass(slots=True)
class Services:
    """One per process. `transaction()` and `read()` are the only ways to the database from outside storage."""

    settings: Settings
    clock: Clock
    pool: Pool
    bus: Bus
    tokens: Tokens
    sessions: Sessions
    zones: ZoneBook
    roster: Roster
    tracker: Tracker
    reactions: Reactions = field(default_factory=Reactions)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """One transaction; commits at the end of the block, then runs what waited for the commit."""
        async with self.pool.transaction() as conn:
            tx = Tx(conn, self)
            yield tx
        tx.committed()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Conn]:
        """A connection for reading; each statement sees its own snapshot."""
        async with self.pool.connection() as conn:
            yield conn
