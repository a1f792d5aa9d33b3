"""Background work on pgqueuer: cron lines that all nodes know and one of them runs, on a small own pool."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
from pgqueuer import PgQueuer

from storage.database.pool import Pool

log = logging.getLogger(__name__)

Handler = Callable[[], Awaitable[None]]
#: How long this node may hold a piece of work without a sign of life.
HEARTBEAT = timedelta(seconds=30)
RESTART_S = 5.0


class Jobs:
    """Runs cron lines (UTC) at least once each, on whichever node is first; handlers guard themselves."""

    def __init__(self, pool: Pool, crons: Mapping[str, tuple[str, Handler]]) -> None:
        """`crons` maps a name to a cron line and what it runs."""
        self._pool = pool
        self._crons = dict(crons)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._crons:
            self._task = asyncio.create_task(self._run(), name="jobs")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                async with await self._own_pool() as pool:
                    await self._queuer(pool).run(heartbeat_timeout=HEARTBEAT)
            except Exception:
                log.exception("the jobs stopped and are started again")
            await asyncio.sleep(RESTART_S)

    def _queuer(self, pool: Any) -> PgQueuer:
        queuer = PgQueuer.from_asyncpg_pool(pool)
        for name, (cron, handler) in self._crons.items():
            queuer.schedule(name, cron)(_guarded(name, handler))
        return queuer

    async def _own_pool(self) -> Any:
        # Its log is JSON that it encodes itself, so it must not share connections that encode JSON too.
        return await asyncpg.create_pool(self._pool.dsn, min_size=1, max_size=3, timeout=5)


def _guarded(name: str, handler: Handler) -> Callable[[Any], Awaitable[None]]:
    async def run(schedule: Any) -> None:
        try:
            await handler()
        except Exception:
            log.exception("the job %s failed; its next turn comes", name)

    return run
