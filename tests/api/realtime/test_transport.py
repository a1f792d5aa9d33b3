"""What depends on the event loop, on uvloop: its transports send only at the end of a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import Plain, Raw, Running, start_server, until

uvloop = pytest.importorskip("uvloop")

Scenario = Callable[[Running], Awaitable[None]]


async def _on_uvloop(scenario: Scenario, **limits: float) -> None:
    async def main() -> None:
        assert isinstance(asyncio.get_running_loop(), uvloop.Loop)
        running = await start_server(**limits)
        try:
            await scenario(running)
        finally:
            await running.close()

    await asyncio.to_thread(uvloop.run, main())


async def _slow_reader(running: Running) -> None:
    peer = await Plain.open(running)
    await peer.sign_in("stuck")
    await until(lambda: running.world.joined, "joined")
    for n in range(5_000):
        running.server.cast(TECHNICIAN, "all", "moved", {"n": n, "pad": "x" * 4_000})
        await asyncio.sleep(0)
        if running.stats["lossy_skipped"]:
            break
    assert running.stats["lossy_skipped"] == 1 and running.stats["cut.slow_reader"] == 0
    for n in range(5_000):
        running.tell("job.updated", {"n": n, "pad": "x" * 4_000})
        await asyncio.sleep(0)
        if running.stats["cut.slow_reader"]:
            break
    assert running.stats["cut.slow_reader"] == 1
    await until(lambda: running.world.left == [("stuck", "slow_reader")], "left")
    peer.close()


async def _burst(running: Running) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{running.url}/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url) as ws:
            peer = Raw(ws)
            await peer.sign_in("healthy")
            for n in range(500):
                running.tell("job.updated", {"n": n})
            for n in range(500):
                assert f'"n":{n}}}' in await peer.receive()
            assert await running.server.drained(running.sid_of("healthy"), TECHNICIAN)
    assert running.stats["cut.slow_reader"] == 0


async def _backlog(running: Running) -> None:
    peer = await Plain.open(running)
    await peer.sign_in("stuck")
    await until(lambda: running.world.joined, "joined")
    for n in range(20_000):
        if running.stats["cut.slow_reader"]:
            break
        running.tell("job.updated", {"n": n, "pad": "x" * 1_000})
        await asyncio.sleep(0)
    assert running.stats["cut.slow_reader"] == 1
    peer.close()


async def test_a_slow_reader_skips_positions_and_is_cut() -> None:
    await _on_uvloop(_slow_reader)


async def test_a_burst_in_one_turn_is_no_backlog() -> None:
    await _on_uvloop(_burst, max_queued_messages=50)


async def test_too_many_small_messages_are_a_backlog() -> None:
    await _on_uvloop(_backlog, hard_queue_bytes=1 << 30, max_queued_messages=50)
