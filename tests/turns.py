"""Two at once, interleaved by hand over real connections: the second waits for the first, and no deadlock is hidden."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

from dispatch.services import Services, Tx

Work = Callable[[Tx], Awaitable[Any]]

#: Of those that the pool of a test has room for, more than any test uses.
_CONNECTIONS = 12
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


async def one_after_the_other(services: Services, first: Work, second: Work) -> tuple[Any, Any]:
    """Runs `first` up to its commit, starts `second` and sees it wait, lets the first commit; gives both results.

    That of the second may be the error that it ended with.
    """
    before = await deadlocks(services)

    async def other() -> Any:
        try:
            async with services.transaction() as tx:
                return await second(tx)
        except Exception as e:
            return e

    async with services.transaction() as tx:
        led = await first(tx)
        task = asyncio.create_task(other())
        await until_waiting(services, task)
    followed = await task
    assert await deadlocks(services) == before
    return led, followed


async def side_by_side(services: Services, first: Work, second: Work) -> tuple[Any, Any]:
    """Runs `first` up to its commit and then all of `second`, which waits for nothing that the first holds; gives both
    results.

    What `second` raises is raised: also that it had to wait, after a second of it.
    """
    async with services.transaction() as tx:
        led = await first(tx)
        async with services.transaction() as other:
            await other.conn.execute("SET LOCAL lock_timeout = '1s'")
            beside = await second(other)
    return led, beside


async def until_waiting(services: Services, *tasks: asyncio.Task[Any], may_end: bool = False) -> None:
    """Until each of these waits for a lock that somebody else's transaction holds.

    Fails when one ends without, and raises what it raised; with `may_end` its end is as good.
    """
    async with asyncio.timeout(60), services.read() as conn:
        while not any(task.done() for task in tasks) and await conn.fetchval(_WAITING) < len(tasks):  # noqa: ASYNC110
            # PostgreSQL has no way to say that somebody waits but to be asked.
            await asyncio.sleep(0.005)
    done = [task for task in tasks if task.done()]
    assert may_end or not done, f"it did not wait: {done[0].result()!r}"


async def deadlocks(services: Services) -> int:
    """How many deadlocks this database has seen; retries would hide them. Every connection tells what it knows."""
    async with AsyncExitStack() as stack:
        for _ in range(_CONNECTIONS):
            conn = await stack.enter_async_context(services.read())
            await conn.execute("SELECT pg_stat_force_next_flush()")
        ask = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int(await conn.fetchval(ask))
