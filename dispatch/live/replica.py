"""The read replica: it answers reports while it is there, and nobody waits for it while it is away."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from types import TracebackType

from dispatch.loops import Loop
from storage import clock
from storage.database.errors import DatabaseAway, StorageError
from storage.database.pool import Conn, Pool

log = logging.getLogger(__name__)

#: It is asked for a sign of life so often, and may take so long to give one, in seconds.
LOOK_S, ANSWER_S = 5.0, 2.0


class Replica:
    """Gone as soon as anybody meets that it is away, and here again once a look says so: readers try nothing."""

    def __init__(self, pool: Pool) -> None:
        """The pool connects to nothing by itself: the replica may be away when a server starts."""
        self._pool = pool
        self.is_here = False
        self._is_missed = False
        self.loop = Loop("read replica", self.look, every_s=LOOK_S)

    async def look(self) -> None:
        """Asks for a sign of life, of the clock's row: one that lacks the schema is of no use."""
        try:
            async with asyncio.timeout(ANSWER_S), self._pool.connection() as conn:
                await clock.get(conn)
        except (StorageError, TimeoutError) as e:
            self._miss(e)
            return
        self.is_here = True
        if self._is_missed:
            self._is_missed = False
            log.warning("the read replica answers again, and reports are read from it")

    async def lend(self, stack: AsyncExitStack) -> Conn | None:
        """A connection to it, which `stack` gives back; None while it is away. Raises DatabaseBusy."""
        if not self.is_here:
            return None
        try:
            conn = await stack.enter_async_context(self._pool.connection())
        except StorageError as e:
            if not self._miss(e):
                raise
            return None
        stack.push(self._ended)
        return conn

    def _ended(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, DatabaseAway):
            self._miss(error)

    def _miss(self, error: Exception) -> bool:
        """Whether it is away by this error: where all its connections are lent, one more tells nothing of it."""
        if self._pool.is_lent:
            return False
        self.is_here = False
        if not self._is_missed:
            self._is_missed = True
            log.warning(
                "the read replica is away, and reports are read from the primary: check "
                "DISPATCH_DATABASE__REPLICA_URL and that it runs: %s", error or type(error).__name__,
            )  # fmt: skip
        return True
