"""What a process opens: after a restart it goes on where the last one ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from dispatch.bus import LocalBus
from dispatch.config.stores import Database
from dispatch.engine.timers import Sweeper
from dispatch.process import runtime
from dispatch.process.wiring import workers_of
from storage import clock
from storage.database.hosts import of_database
from storage.database.pool import connected
from tests.dispatch.engine.test_timers import offered
from tests.doors import one_door
from tests.world import World, test_settings


async def test_after_a_restart_pending_offers_expire_on_time(world: World, tmp_path: Path) -> None:
    made = await offered(world, 2)
    expires_at = made[0].next_action_at
    assert expires_at is not None
    # The process is gone without a word; another one starts on the same database.
    await world.services.bus.close()
    again = await runtime.assemble(test_settings(tmp_path), world.services.pool, LocalBus())
    assert again.clock.now() == world.now
    await runtime.set_clock(again, again.clock.shifted(expires_at - again.clock.now() - timedelta(seconds=1)))
    assert await Sweeper(again).sweep() == 0
    await runtime.set_clock(again, again.clock.shifted(timedelta(seconds=1)))
    # Both, and the look that one of them is woken for when the other's technician is free again.
    assert await Sweeper(again).sweep() >= 2
    assert await world.value("SELECT count(*) FROM offers WHERE state = 'expired'") == 2
    await again.bus.close()


async def test_a_replica_that_is_away_keeps_no_server_from_starting(fresh_dsn: str, tmp_path: Path) -> None:
    async with one_door(fresh_dsn) as (door, dsn):
        await door.close()
        settings = test_settings(tmp_path).model_copy(update={"database": Database(replica_url=SecretStr(dsn))})
        async with runtime.open_services(settings, fresh_dsn, with_workers=False) as services:
            assert services.replica is not None and services.replica.loop in workers_of(services)
            async with services.read_reports() as conn:
                assert await clock.get(conn) is not None


async def test_a_database_that_has_not_every_letter_is_refused(fresh_dsn: str) -> None:
    async with connected(fresh_dsn) as conn:
        await conn.execute(
            "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        try:
            with pytest.raises(runtime.CannotStart, match=r"kept in LATIN1.*ENCODING 'UTF8'"):
                await runtime.check_server(of_database(fresh_dsn, "latin"))
        finally:
            await conn.execute("DROP DATABASE latin")
