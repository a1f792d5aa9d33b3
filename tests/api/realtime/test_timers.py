"""The heartbeat: who is silent is cut, who is busy is not."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from uuid import UUID, uuid4

from api.realtime.timers import SLICE, Delayed
from tests.api.realtime.conftest import Connect, Dial, Serve, Stalled, until


async def test_a_dead_peer_is_cut(stalled: Stalled) -> None:
    running = await stalled(ping_interval_s=0.05, ping_timeout_s=0.1)
    await until(lambda: running.world.left, "left")
    assert running.world.left == [("stuck", "ping_timeout")]
    await until(lambda: not running.server.live, "gone")
    assert running.stats["cut.ping_timeout"] == 1


async def test_a_peer_that_answers_pings_lives(serve: Serve, connect: Connect) -> None:
    running = await serve(ping_interval_s=0.05, ping_timeout_s=60)
    client = await connect(running)
    stats = running.stats
    await until(lambda: stats["slow_frames"] > 10, "many pongs")
    assert client.connected and stats["cut.ping_timeout"] == 0 and stats["cut.flood"] == 0


async def test_a_long_command_is_not_taken_for_death(serve: Serve, dial: Dial) -> None:
    running = await serve(ping_interval_s=0.1, ping_timeout_s=0.5)
    peer = await dial(running)
    await peer.sign_in()
    asking = asyncio.create_task(
        peer.ask(1, "offer.accept", {"command_id": str(uuid4()), "offer_id": str(UUID(int=2))})
    )
    await asyncio.sleep(1.2)  # several ping timeouts, with every pong waiting behind the command
    running.world.gate.set()
    assert (await asking)["ok"] is True


async def test_thousands_due_at_one_time_leave_the_loop_to_others_in_between() -> None:
    done: list[int] = []
    due = Delayed[int](0.0, done.append)
    for number in range(10 * SLICE):
        due.add(number)
    seen = [0]
    while seen[-1] < 10 * SLICE:
        await asyncio.sleep(0)
        seen.append(len(done))
    assert max(after - before for before, after in pairwise(seen)) == SLICE and done == sorted(done)
