"""What a detection does to a job: once, in its order, when the database is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from dispatch.engine.detections import write
from dispatch.live.arrivals import Departure, Detection
from geo.arrival import Rung
from storage.database.pool import Pool
from tests.dispatch.live.test_arrivals import drive, go, on_the_way, state_of
from tests.world import World, make_world


async def test_a_departure_that_the_job_has_outrun_changes_nothing(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    found = Departure(booking.id, one, world.now.timestamp(), 900.0)
    async with world.services.transaction() as tx:
        await write(tx, found)
    assert await state_of(world, booking) == "in_transit"
    assert "technician.left" not in await world.facts(booking.id)


async def test_near_is_told_once_even_after_a_restart(world: World) -> None:
    booking, one = await on_the_way(world)
    found = Detection(booking.id, one, Rung.NEAR)
    for _ in range(2):
        async with world.services.transaction() as tx:
            await write(tx, found)
    assert (await world.facts(booking.id)).count("partner.near") == 1


async def test_arrival_as_a_hint_only(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, dispatch={"auto_arrive": False})
    booking, one = await on_the_way(world)
    await drive(world, one, *range(2900, 10, -80), every_s=8)
    await drive(world, one, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "in_transit"
    assert (await world.facts(booking.id)).count("partner.near") == 1


async def test_a_detection_waits_for_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from dispatch.engine import detections as module
    from storage.database.errors import DatabaseAway

    booking, one = await on_the_way(world)
    arrivals, real, failures = world.services.tracker.arrivals, module.write, [2]

    async def flaky(tx: object, found: Detection) -> None:
        if failures[0]:
            failures[0] -= 1
            raise DatabaseAway("away")
        await real(tx, found)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "write", flaky)
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    await go(world, one, *range(2900, 10, -80), every_s=8)
    await go(world, one, 10, 10, 10, 10, 10)
    recording = module.loop_of(world.services)
    recording.start()
    async with asyncio.timeout(60):
        while arrivals.detected == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await recording.stop()
    assert await state_of(world, booking) == "arrived"
