"""The bench of the webhooks runs small: everything arrives beside endpoints that never answer."""

from __future__ import annotations

from pathlib import Path

from dispatch.bench import webhooks
from storage.database.pool import Pool
from tests.world import make_world


async def test_both_ways_are_measured_and_the_dead_are_gone_afterwards(fresh_pool: Pool, tmp_path: Path) -> None:
    world = await make_world(fresh_pool, tmp_path, webhooks={"open_hosts": [webhooks.HOST]})
    async with webhooks.receivers() as there:
        figures = await webhooks.measure(world.services, there, 2, healthy=3, dead=1, each=4)
    assert [f.what for f in figures] == ["event to arrival, p95", "delivered"]
    assert all(f.ours > 0 and f.theirs for f in figures)
    assert len(there.arrived) == 3 * 4
    assert await world.value("SELECT count(*) FROM webhook_endpoints WHERE deleted_at IS NULL") == 3
    await world.services.bus.close()
