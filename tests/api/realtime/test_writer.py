"""What goes out: facts and casts in order, replays in pages; who takes nothing is cut and delays nobody."""

from __future__ import annotations

import asyncio

import pytest

from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import OFFER, Dial, Plain, Serve, Stalled, until


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


async def test_a_slow_reader_is_cut_and_delays_nobody(stalled: Stalled, dial: Dial) -> None:
    running = await stalled()
    healthy = await dial(running)
    await healthy.sign_in("healthy")
    stuck = running.server.socket_of(running.sid_of("stuck"), TECHNICIAN)
    assert stuck is not None
    highest = 0
    sent = 0
    while stuck.cut_reason is None:
        assert sent < 5_000
        running.tell("job.updated", {"n": sent, "pad": "x" * 4_000})
        if stuck.cut_reason is None:
            highest = max(highest, stuck.queued_bytes)
        assert f'"n":{sent},' in await healthy.receive()
        sent += 1
    assert stuck.cut_reason == "slow_reader" and running.stats["cut.slow_reader"] == 1
    assert highest <= running.server.limits.hard_queue_bytes + 8_000
    await until(lambda: running.world.left, "left")
    assert running.world.left == [("stuck", "slow_reader")]
    assert (await healthy.ask(1, "offer.accept", OFFER))["ok"] is True


async def test_the_bound_holds_for_the_library_s_own_emit(stalled: Stalled) -> None:
    running = await stalled()
    for _ in range(5_000):
        if running.stats["cut.slow_reader"]:
            break
        await running.server.emit("job.updated", {"pad": "x" * 4_000}, room="all", namespace=TECHNICIAN)
    assert running.stats["cut.slow_reader"] == 1


async def test_too_many_small_messages_are_a_backlog_too(stalled: Stalled) -> None:
    running = await stalled(hard_queue_bytes=1 << 30, max_queued_messages=50)
    for n in range(20_000):
        if running.stats["cut.slow_reader"]:
            break
        running.tell("job.updated", {"n": n, "pad": "x" * 1_000})
        await asyncio.sleep(0)
    assert running.stats["cut.slow_reader"] == 1


async def test_a_burst_in_one_turn_is_no_backlog(serve: Serve, dial: Dial) -> None:
    running = await serve(max_queued_messages=50)
    peer = await dial(running)
    await peer.sign_in()
    for n in range(500):
        running.tell("job.updated", {"n": n})
    for n in range(500):
        assert f'"n":{n}}}' in await peer.receive()
    assert running.stats["cut.slow_reader"] == 0


async def test_positions_are_skipped_for_a_peer_that_is_behind(stalled: Stalled) -> None:
    running = await stalled()
    for _ in range(5_000):
        running.server.cast(TECHNICIAN, "all", "moved", {"pad": "x" * 4_000})
        if running.stats["lossy_skipped"] >= 100:
            break
        await asyncio.sleep(0)
    stuck = running.server.socket_of(running.sid_of("stuck"), TECHNICIAN)
    assert stuck is not None and stuck.cut_reason is None
    assert running.stats["lossy_skipped"] == 100 and running.stats["cut.slow_reader"] == 0
    assert stuck.queued_bytes <= running.server.limits.soft_queue_bytes + 8_000


async def test_draining_gives_up_on_a_peer_that_takes_nothing(stalled: Stalled) -> None:
    running = await stalled(drain_timeout_s=0.1)
    sid = running.sid_of("stuck")
    stuck = running.server.socket_of(sid, TECHNICIAN)
    assert stuck is not None
    for _ in range(5_000):
        if stuck.queued_bytes > 64_000:
            break
        running.server.emit_fact(sid, TECHNICIAN, "job.updated", {"pad": "x" * 4_000})
    assert await running.server.drained(sid, TECHNICIAN) is False
    assert stuck.cut_reason == "slow_reader"


@pytest.mark.parametrize("farewell", [b"x", b"1", b"41/technician,"])
async def test_a_peer_that_misbehaves_and_reads_nothing_holds_no_connection(serve: Serve, farewell: bytes) -> None:
    running = await serve(linger_s=0.05, auth_timeout_s=1.0)
    peer = await Plain.open(running)
    await peer.sign_in("stuck")
    await until(lambda: running.world.joined, "joined")
    stuck = running.server.socket_of(running.sid_of("stuck"), TECHNICIAN)
    assert stuck is not None
    while not stuck.queued_bytes:
        running.tell("job.updated", {"pad": "x" * 4_000})
    await peer.send(farewell)
    assert running.runner.server is not None
    await until(lambda: not running.runner.server.connections, "no connection left")  # type: ignore[union-attr]
    await until(lambda: not running.server.live, "gone")
    assert [session for session, _ in running.world.left] == ["stuck"]
    peer.close()
