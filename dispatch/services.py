"""What is wired, once: every part that a request, a socket or a timer may need, passed explicitly."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from dispatch import bus
from dispatch.bus import Bus
from dispatch.clock import Clock
from dispatch.errors import DispatchError
from dispatch.events import Reactions
from dispatch.transaction import Tx
from storage import facts as fact_rows
from storage.database.errors import StorageError, is_deadlock
from storage.database.pool import Conn, Pool

if TYPE_CHECKING:
    from dispatch.config import Settings
    from dispatch.engine.zones import ZoneBook
    from dispatch.live.roster import Roster
    from dispatch.live.sessions import Sessions
    from dispatch.live.tracking import Tracker
    from dispatch.tokens import Tokens


T = TypeVar("T")

#: A transaction that lost a deadlock or a serialisation race is tried so often.
TRIES = 3
#: The longest pause before another try, in real seconds; the pauses differ, so that two do not meet again.
PAUSE_S = 0.05


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
        """One transaction; commits at the end of the block, then runs what waited for the commit.

        An error that `keeps_work` leaves the block after the commit.
        """
        refusal: DispatchError | None = None
        async with self.pool.transaction() as conn:
            tx = Tx(conn, self)
            try:
                yield tx
            except DispatchError as e:
                if not e.keeps_work:
                    raise
                refusal = e
            await _tell_parties(tx)
        tx.committed()
        if refusal is not None:
            raise refusal

    async def retrying(self, work: Callable[[Tx], Awaitable[T]]) -> T:
        """`work` in a transaction of its own, tried again in a new one when it lost a deadlock."""
        for tries_left in reversed(range(TRIES)):
            try:
                async with self.transaction() as tx:
                    return await work(tx)
            except StorageError as e:
                if not is_deadlock(e) or not tries_left:
                    raise
            await asyncio.sleep(random.uniform(0, PAUSE_S))
        raise AssertionError("unreachable")

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Conn]:
        """A connection for reading; each statement sees its own snapshot."""
        async with self.pool.connection() as conn:
            yield conn


async def _tell_parties(tx: Tx) -> None:
    """Writes the facts that wait for the end of the transaction, and hints at them."""
    for told in tx.take_told():
        seq = await fact_rows.append_party(tx.conn, party_id=told.party_id, type=told.type, data=told.data)
        assert seq is not None, "a fact needs its party"
        tx.hint(bus.PARTY_CHANGED, {"party_id": str(told.party_id)})
