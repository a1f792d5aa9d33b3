"""What app_now() says, and that it reads no row where the domain's time is real time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from storage import clock
from storage.database.pool import Conn, Pool

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
BODY = "SELECT prosrc FROM pg_proc WHERE oid = 'app_now()'::regprocedure"


async def stands_at_noon(db: Conn) -> bool:
    return bool(await db.fetchval("SELECT app_now() = $1", NOON))


async def is_real(db: Conn) -> bool:
    off: timedelta = await db.fetchval("SELECT app_now() - clock_timestamp()")
    return abs(off) < timedelta(minutes=1)


async def reads_the_row(db: Conn) -> bool:
    return "app_clock" in await db.fetchval(BODY)


async def test_real_time_is_said_without_a_look_at_the_row(db: Conn) -> None:
    await clock.set_reading(db, real_at=0.0, app_at=0.0, speed=1.0)
    assert await is_real(db) and not await reads_the_row(db)
    await clock.set_reading(db, real_at=0.0, app_at=NOON.timestamp(), speed=0.0)
    assert await stands_at_noon(db) and await reads_the_row(db)
    await clock.set_reading(db, real_at=0.0, app_at=1.0, speed=1.0)
    assert await is_real(db) and await reads_the_row(db)
    await clock.set_reading(db, real_at=60.0, app_at=60.0, speed=1.0)
    assert await is_real(db) and not await reads_the_row(db)


@pytest.mark.parametrize("role", ["origin", "replica"])
async def test_a_row_that_is_written_anew_decides_too(db: Conn, role: str) -> None:
    """As a copy of the data writes it, for which triggers keep silent."""
    await db.execute(f"SET LOCAL session_replication_role = {role}")
    await db.execute("DELETE FROM app_clock")
    await db.execute("INSERT INTO app_clock (real_at, app_at, speed) VALUES (now(), $1, 0)", NOON)
    assert await stands_at_noon(db)


async def test_it_is_set_for_all_as_the_transaction_ends(pool: Pool) -> None:
    async with pool.connection() as one, pool.connection() as other:
        await clock.set_reading(one, real_at=0.0, app_at=0.0, speed=1.0)
        work = one.transaction()
        await work.start()
        await clock.set_reading(one, real_at=0.0, app_at=NOON.timestamp(), speed=0.0)
        assert await stands_at_noon(one) and await is_real(other)
        await work.commit()
        assert await stands_at_noon(one) and await stands_at_noon(other)
