"""What goes out: facts and casts in order, replays in pages."""

from __future__ import annotations

import asyncio

from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import Dial, Serve, until


async def test_facts_and_casts_keep_their_order(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    sid = await until(lambda: running.world.joined and running.sid_of("s1"), "joined")
    for n in range(40):
        if n % 4 == 0:
            assert running.server.emit_fact(sid, TECHNICIAN, "job.updated", {"n": n}) > 0
        elif n % 4 == 1:
            assert running.server.cast(TECHNICIAN, "all", "moved", {"n": n}) == 1
        elif n % 4 == 2:
            assert running.tell("offer.made", {"n": n}) == 1
        else:
            await running.server.emit("earnings.updated", {"n": n}, to=sid, namespace=TECHNICIAN)
    seen = [await peer.receive() for _ in range(40)]
    assert [int(text.split('"n":')[1].rstrip("}]")) for text in seen] == list(range(40))


async def test_a_fact_for_nobody_says_so(serve: Serve) -> None:
    running = await serve()
    assert running.server.emit_fact("nobody", TECHNICIAN, "job.updated", {}) == 0
    assert running.server.cast(TECHNICIAN, "nowhere", "moved", {}) == 0
    assert await running.server.drained("nobody", TECHNICIAN) is False


async def test_replays_go_in_pages_that_drain(serve: Serve, dial: Dial) -> None:
    """Far more than the queue may hold reaches a healthy client when each page waits for the last."""
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    sid = running.sid_of("s1")
    total, size = 400, 8_000

    async def pages() -> None:
        written = 0
        for n in range(total):
            written += running.server.emit_fact(sid, TECHNICIAN, "job.updated", {"n": n, "pad": "x" * size})
            if written > running.server.limits.page_bytes:
                assert await running.server.drained(sid, TECHNICIAN)
                written = 0

    writing = asyncio.create_task(pages())
    for n in range(total):
        assert f'"n":{n},' in await peer.receive()
    await writing
    assert running.stats["cut.slow_reader"] == 0
