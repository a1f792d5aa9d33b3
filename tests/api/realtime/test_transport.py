"""What depends on the event loop, on uvloop: its transports send only at the end of a turn."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import Plain, Raw, Running, Serve, masked, start_server, until

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


async def test_frames_of_one_read_wait_in_turns_and_in_order(serve: Serve) -> None:
    """However many have come, no more are taken apart than may wait; the rest is looked at when there is room."""
    running = await serve(most_waiting=8, events_per_s=1e6, events_burst=1e6)
    peer = await Plain.open(running)
    await peer.sign_in("eager")
    await until(lambda: running.world.joined, "joined")
    asked = b"".join(masked(b'42/technician,%d["resume",{}]' % n) for n in range(301))
    # Cut in the middle of a frame, too.
    await peer.raw(asked[:9_999])
    await peer.raw(asked[9_999:])
    heard = await peer.read_until(b"43/technician,300[")
    assert [int(n) for n in re.findall(rb"43/technician,([0-9]+)\[", heard)] == list(range(301))
    assert running.stats["paused"] >= 300 // 8 and not running.stats["events_limited"]
    peer.close()


async def test_a_flood_in_one_read_is_cut_as_any_other(serve: Serve) -> None:
    running = await serve()
    peer = await Plain.open(running)
    await peer.sign_in("hostile")
    await peer.raw(masked(b"") * 10_000)
    await until(lambda: running.stats["cut.flood"] or running.stats["cut.malformed"], "cut")
    assert running.stats["slow_frames"] < 200
    peer.close()


async def test_who_is_being_let_in_has_little_to_say(serve: Serve) -> None:
    """A sign-in that waits for the database is no reason to keep what somebody unknown sends meanwhile."""
    running = await serve()
    peer = await Plain.open(running)
    await peer.raw(masked(b'40/technician,{"token":"slow:nobody"}'))
    await until(lambda: running.world.judging, "being let in")
    await peer.raw(masked(b"4") * 9_000)
    await until(lambda: running.stats["cut.flood"] == 1, "cut")
    assert running.stats["paused"] == 0
    running.world.gate.set()
    peer.close()


async def test_a_slow_reader_skips_positions_and_is_cut() -> None:
    await _on_uvloop(_slow_reader)


async def test_a_burst_in_one_turn_is_no_backlog() -> None:
    await _on_uvloop(_burst, max_queued_messages=50)


async def test_too_many_small_messages_are_a_backlog() -> None:
    await _on_uvloop(_backlog, hard_queue_bytes=1 << 30, max_queued_messages=50)
