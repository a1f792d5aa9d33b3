"""What a process opens: after a restart it goes on where the last one ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from dispatch.bus import LocalBus
from dispatch.engine.timers import Sweeper
from dispatch.process import runtime
from tests.dispatch.engine.test_timers import offered
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
