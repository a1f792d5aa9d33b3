"""Strict counters: exact under parallel use, sliding, and honest about the wait."""

from __future__ import annotations

import asyncio

from storage import quotas
from storage.database.pool import Conn, Pool


async def used(db: Conn, *seconds_ago: float) -> None:
    """The counter `a`, as it is after uses so many seconds ago."""
    await db.execute(
        "INSERT INTO quotas"
        " SELECT 'a', array_agg(clock_timestamp() - make_interval(secs => s) ORDER BY s DESC)"
        " FROM unnest($1::float8[]) AS s",
        list(seconds_ago),
    )


async def test_so_many_and_no_more(db: Conn) -> None:
    assert [await quotas.take(db, "a", 3, 3600) for _ in range(3)] == [0, 0, 0]
    assert 3500 < await quotas.take(db, "a", 3, 3600) <= 3600
    assert await quotas.take(db, "b", 3, 3600) == 0
    assert await quotas.take(db, "c", 0, 60) == 60


async def test_the_window_slides(db: Conn) -> None:
    await used(db, 61, 50, 1)
    assert 9 < await quotas.take(db, "a", 2, 60) <= 10
    assert await quotas.take(db, "a", 3, 60) == 0
    assert await db.fetchval("SELECT cardinality(hits) FROM quotas WHERE key = 'a'") == 3


async def test_a_smaller_limit_waits_for_the_right_hit(db: Conn) -> None:
    await used(db, 50, 10)
    assert 49 < await quotas.take(db, "a", 1, 60) <= 50


async def test_many_at_once(fresh_pool: Pool) -> None:
    async def one() -> float:
        async with fresh_pool.transaction() as conn:
            return await quotas.take(conn, "k", 5, 3600)

    waits = await asyncio.gather(*[one() for _ in range(20)])
    assert sum(w == 0 for w in waits) == 5


async def test_old_counters_go(db: Conn) -> None:
    await db.execute("INSERT INTO quotas VALUES ('old', ARRAY[clock_timestamp() - interval '2 days']), ('empty', '{}')")
    await quotas.take(db, "new", 1, 60)
    assert await quotas.purge(db) == 2
