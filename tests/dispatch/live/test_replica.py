"""The read replica: reports go to it while it answers, and to the primary as soon as it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from dispatch.live.replica import Replica
from dispatch.services import Services
from storage.database import pool as pools
from storage.database.errors import DatabaseAway, DatabaseBusy
from storage.database.pool import Pool, create_pool, translated
from tests.doors import Door, one_door
from tests.processes import eventually


@dataclass
class Behind:
    """Services whose replica stands behind a door."""

    services: Services
    replica: Replica
    pool: Pool
    door: Door

    async def who(self) -> str:
        """Who answers a report."""
        async with self.services.read_reports() as conn:
            return "replica" if await conn.fetchval("SHOW application_name") == "dispatch reports" else "primary"

    async def is_cut(self) -> bool:
        return self.pool.idle == 0


@pytest.fixture
async def behind(services: Services, fresh_dsn: str) -> AsyncIterator[Behind]:
    async with one_door(fresh_dsn) as (door, dsn):
        pool = await create_pool(dsn, min_size=0, max_size=1, application_name="dispatch reports")
        services.replica = Replica(pool)
        try:
            yield Behind(services, services.replica, pool, door)
        finally:
            await pool.close()


async def test_one_that_is_away_at_first_is_taken_up_when_it_is_there(
    behind: Behind, caplog: pytest.LogCaptureFixture
) -> None:
    await behind.door.close()
    for _ in range(3):
        await behind.replica.look()
        assert await behind.who() == "primary"
    await behind.door.open()
    assert await behind.who() == "primary"
    await behind.replica.look()
    assert await behind.who() == "replica"
    told = [record.message for record in caplog.records]
    assert len(told) == 2 and told[0].startswith("the read replica is away") and "REPLICA_URL" in told[0]
    assert "DATABASE_URL" not in told[0] and told[1].startswith("the read replica answers again")


async def test_one_that_goes_away_costs_nobody_an_answer_who_asks_then(behind: Behind) -> None:
    await behind.replica.look()
    assert await behind.who() == "replica"
    await behind.door.close()
    await eventually(behind.is_cut, "the pool should learn of it")
    assert await behind.who() == "primary" and not behind.replica.is_here
    await behind.door.open()
    await behind.replica.look()
    assert await behind.who() == "replica"


async def test_a_report_that_it_leaves_fails_once(behind: Behind) -> None:
    await behind.replica.look()
    with pytest.raises(DatabaseAway):
        async with behind.services.read_reports() as conn:
            await behind.door.close()
            with translated():
                await conn.fetchval("SELECT 1")
    assert await behind.who() == "primary"


async def test_one_that_is_busy_is_not_away(behind: Behind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its reports are many, and not the primary's to bear."""
    await behind.replica.look()
    monkeypatch.setattr(pools, "ACQUIRE_S", 0.05)
    async with behind.services.read_reports():
        with pytest.raises(DatabaseBusy):
            await behind.who()
        await behind.replica.look()
        assert behind.replica.is_here
    assert await behind.who() == "replica"
