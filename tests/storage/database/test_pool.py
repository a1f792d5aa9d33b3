"""The pool: JSON as objects, bounded waits, and the driver's errors in our words while bugs stay bugs."""

from __future__ import annotations

import pytest

from storage.database import pool as pools
from storage.database.errors import (
    DatabaseAway,
    DatabaseBusy,
)
from storage.database.pool import Conn, Pool, create_pool, translated


async def test_json_comes_and_goes_as_objects(db: Conn) -> None:
    value = {"a": [1, None, "ü"], "b": {"c": 1.5}}
    assert await db.fetchval("SELECT $1::jsonb", value) == value
    assert await db.fetchval("SELECT $1::json", [1]) == [1]


async def test_waiting_for_a_connection_is_bounded(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ACQUIRE_S", 0.05)
    small = await create_pool(fresh_dsn, min_size=1, max_size=1)
    try:
        async with small.connection():
            with pytest.raises(DatabaseBusy):
                async with small.connection():
                    pass
        async with small.connection() as conn:
            assert await conn.fetchval("SELECT 1") == 1
    finally:
        await small.close()


async def test_few_work_at_a_time_and_who_waits_lets_another_begin(
    fresh_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "BUSY", 1)
    monkeypatch.setattr(pools, "BUSY_S", 60.0)
    monkeypatch.setattr(pools, "ACQUIRE_S", 0.05)
    pool = await create_pool(fresh_dsn, min_size=1, max_size=3)
    try:
        async with pool.connection():
            with pytest.raises(DatabaseBusy):
                async with pool.connection():
                    pass
        monkeypatch.setattr(pools, "BUSY_S", 0.0)
        monkeypatch.setattr(pools, "ACQUIRE_S", 30.0)
        # Whoever holds a row for a minute, or needs a second connection, stands in nobody's way.
        async with pool.connection(), pool.connection(), pool.connection() as conn:
            assert await conn.fetchval("SELECT 1") == 1
    finally:
        await pool.close()


async def test_who_got_no_connection_keeps_nobody_waiting(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "BUSY", 1)
    monkeypatch.setattr(pools, "BUSY_S", 0.0)
    pool = await create_pool(fresh_dsn, min_size=1, max_size=1)
    try:
        async with pool.connection():
            monkeypatch.setattr(pools, "BUSY_S", 60.0)
            monkeypatch.setattr(pools, "ACQUIRE_S", 0.05)
            for _ in range(3):
                with pytest.raises(DatabaseBusy):
                    async with pool.connection():
                        pass
        async with pool.connection() as conn:
            assert await conn.fetchval("SELECT 1") == 1
        with pytest.raises(LookupError):
            async with pool.connection():
                raise LookupError
        async with pool.connection() as conn:
            assert await conn.fetchval("SELECT 2") == 2
    finally:
        await pool.close()


async def test_closing_does_not_wait_for_ever(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "CLOSE_S", 0.05)
    kept = await create_pool(fresh_dsn, min_size=1, max_size=1)
    await kept.raw.acquire()
    await kept.close()
    with pytest.raises(DatabaseAway):
        async with kept.connection():
            pass


async def test_a_failed_block_is_rolled_back(fresh_pool: Pool) -> None:
    async with fresh_pool.transaction() as conn:
        await conn.execute("CREATE TABLE marks (n int)")
    with pytest.raises(LookupError):
        async with fresh_pool.transaction() as conn:
            await conn.execute("INSERT INTO marks VALUES (1)")
            raise LookupError
    async with fresh_pool.transaction() as conn:
        await conn.execute("INSERT INTO marks VALUES (2)")
    async with fresh_pool.connection() as conn:
        assert [r["n"] for r in await conn.fetch("SELECT n FROM marks")] == [2]


async def test_a_killed_connection_is_away_and_the_next_one_works(fresh_pool: Pool) -> None:
    with pytest.raises(DatabaseAway):
        async with fresh_pool.transaction() as conn:
            pid = await conn.fetchval("SELECT pg_backend_pid()")
            async with fresh_pool.connection() as other:
                await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
            with translated():
                await conn.execute("SELECT 1")
    async with fresh_pool.connection() as conn:
        assert await conn.fetchval("SELECT 1") == 1


async def test_nobody_there_is_away(tmp_path: object) -> None:
    with pytest.raises(DatabaseAway):
        await create_pool(f"postgresql://postgres@/postgres?host={tmp_path}")
