"""Day partitions of the position history."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from storage import history
from tests.world import World


async def test_two_nodes_make_the_same_partition(world: World) -> None:
    day = (world.now + timedelta(days=9)).date()

    async def make() -> None:
        async with world.services.transaction() as tx:
            await history.ensure_day(tx.conn, day)

    await asyncio.gather(*(make() for _ in range(4)))
    assert await world.value("SELECT to_regclass($1) IS NOT NULL", history.partition_name(day))
