"""Each rule of the guard over real sockets: who breaks it is cut, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import aiohttp
import orjson
import pytest

from api.realtime.events import TECHNICIAN
from api.realtime.guard import Addresses, Bucket, Grant
from tests.api.realtime.conftest import FIX, Connect, Dial, Plain, Running, Serve, until
from tests.costs import Budget

OFFER = {"command_id": str(uuid4()), "offer_id": str(uuid4())}


# -- signing in ----------------------------------------------------------------------------------------------


async def test_a_socket_that_does_not_sign_in_is_cut(serve: Serve, dial: Dial) -> None:
    running = await serve(auth_timeout_s=0.05)
    peer = await dial(running)
    assert await peer.closed() == 1008
    assert running.stats["cut.auth_timeout"] == 1


async def test_a_socket_that_leaves_its_last_namespace_must_join_again(serve: Serve, dial: Dial) -> None:
    running = await serve(auth_timeout_s=1.0)
    peer = await dial(running)
    await peer.sign_in()
    await peer.send("41/technician,")
    await peer.closed()
    assert running.stats["cut.auth_timeout"] == 1
    assert len(running.world.left) == 1


async def test_a_signed_in_socket_outlives_the_sign_in_limit(serve: Serve, dial: Dial) -> None:
    running = await serve(auth_timeout_s=1.0)
    peer, idler = await dial(running), await dial(running)
    await peer.sign_in()
    await idler.closed()
    assert (await peer.ask(1, "location.report", {"fixes": [FIX]}))["ok"] is True


@pytest.mark.parametrize("packet", ['40/technician,{"token":"bad"}', "40/technician,", "40/nowhere,", "40"])
async def test_a_refused_socket_is_told_and_cut(serve: Serve, dial: Dial, packet: str) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.receive()
    await peer.send(packet)
    assert (await peer.receive()).startswith("44")
    assert await peer.closed() == 1008
    assert running.stats["cut.refused"] == 1 and running.world.left == []
    await until(lambda: not running.server.live, "gone")
    assert running.server.manager.rooms == {}


async def test_a_refused_second_namespace_does_not_cost_the_first(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    await peer.send("40/nowhere,")
    assert (await peer.receive()).startswith("44/nowhere,")
    assert (await peer.ask(1, "offer.accept", OFFER))["ok"] is True


# -- tokens that end -----------------------------------------------------------------------------------------


async def test_an_expired_grant_is_cut_by_the_sweeper(serve: Serve, dial: Dial) -> None:
    running = await serve(sweep_interval_s=0.02)
    running.world.lifetime_s = 0.2
    peer = await dial(running)
    await peer.sign_in()
    assert await peer.closed() == 4401
    assert running.stats["cut.expired"] == 1
    await until(lambda: running.world.left, "left")
    assert running.world.left == [("s1", "expired")]


async def test_an_expired_grant_is_refused_at_the_next_command(serve: Serve, dial: Dial) -> None:
    running = await serve(sweep_interval_s=60)
    peer = await dial(running)
    await peer.sign_in()
    grant = running.server.grant_of(running.sid_of("s1"), TECHNICIAN)
    assert grant is not None
    grant.expires_at = time.time() - 1
    await peer.send('42/technician,["offer.accept",{}]')
    assert await peer.closed() == 4401


async def test_a_revoked_session_is_cut_and_cannot_come_back(serve: Serve, dial: Dial) -> None:
    running = await serve()
    one, two = await dial(running), await dial(running)
    await one.sign_in("stolen")
    await two.sign_in("honest")
    assert running.server.revoke_session("stolen") == 1
    assert await one.closed() == 4401
    await until(lambda: running.world.left, "left")
    assert running.world.left == [("stolen", "revoked")]
    again = await dial(running)
    assert (await again.sign_in("stolen")).startswith("44/technician,")
    assert (await two.ask(1, "offer.accept", OFFER))["ok"] is True


async def test_revoking_waits_for_no_command(serve: Serve, dial: Dial) -> None:
    """The transport is cut at once; the command under way ends, then the disconnect handler runs once."""
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    await peer.send(f'42/technician,["offer.accept",{{"command_id":"{uuid4()}","offer_id":"{UUID(int=2)}"}}]')
    await until(lambda: running.stats["slow_frames"] == 2, "the command is under way")
    assert running.server.revoke(lambda grant: grant.principal == "s1") == 1
    assert await peer.closed() == 4401
    assert running.world.left == []
    running.world.gate.set()
    await until(lambda: running.world.left, "left")
    await until(lambda: not running.server.live, "gone")
    assert len(running.world.left) == 1


# -- rates ---------------------------------------------------------------------------------------------------


async def test_events_over_the_rate_are_refused_and_a_flood_is_cut(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=0.001, events_burst=5, flood_burst=10)
    peer, calm = await dial(running), await dial(running)
    await calm.sign_in("calm")
    await peer.sign_in("flood")  # costs one
    answers = [await peer.ask(n, "offer.accept", OFFER) for n in range(6)]
    assert [a["ok"] for a in answers] == [True] * 4 + [False] * 2
    assert answers[5]["error"]["code"] == "rate_limited"
    assert running.stats["events_limited"] == 2
    for _ in range(20):
        await peer.ws.send_str('42/technician,["offer.accept",{}]')
    assert await peer.closed() == 1008
    assert running.stats["cut.flood"] == 1
    assert (await calm.ask(1, "offer.accept", OFFER))["ok"] is True


async def test_location_frames_that_never_stop_are_cut(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=0.001, flood_burst=10)
    running.world.location_bucket = Bucket(0.001, 2)
    peer = await dial(running)
    await peer.sign_in()
    for _ in range(20):
        await peer.ws.send_str('42/technician,["location.report",{"fixes":[[1,2,3,4,null,null]]}]')
    await peer.closed()
    assert running.stats["cut.flood"] == 1 and len(running.world.hot) == 2


@pytest.mark.parametrize("kind", ["engine pong", "websocket ping"])
async def test_floods_below_socket_io_are_cut(serve: Serve, dial: Dial, kind: str) -> None:
    running = await serve(events_per_s=0.001, events_burst=5, flood_burst=5)
    peer = await dial(running)
    await peer.sign_in()
    for _ in range(20):
        await (peer.ws.send_str("3") if kind == "engine pong" else peer.ws.ping(b"x"))
    await peer.closed()
    assert running.stats["cut.flood"] == 1


async def test_a_bucket_refills_and_never_overflows() -> None:
    bucket = Bucket(1e6, 2)
    assert bucket.take(2)
    await until(lambda: bucket.take(2), "refilled")
    assert not bucket.take(3)


# -- frames --------------------------------------------------------------------------------------------------


async def test_a_frame_of_64_kib_passes_and_a_larger_one_is_cut(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    head, tail = '42/technician,1["offer.accept",{"x":"', '"}]'
    limit = running.server.limits.max_frame_bytes
    await peer.send(head + "x" * (limit - len(head) - len(tail)) + tail)
    assert (await peer.receive()).startswith("43/technician,1[")
    await peer.send(head + "x" * (limit - len(head) - len(tail) + 1) + tail)
    await peer.closed()
    await until(lambda: running.stats["cut.too_big"] == 1, "counted")


async def test_binary_frames_are_cut(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    await peer.ws.send_bytes(b"anything")
    assert await peer.closed() == 1003
    assert running.stats["cut.binary"] == 1


@pytest.mark.parametrize(
    "packet",
    [
        '451-/technician,["offer.accept",{"_placeholder":true,"num":0}]',
        '461-/technician,3[{"_placeholder":true,"num":0}]',
        "bAAAA",
    ],
)
async def test_binary_attachments_are_cut(serve: Serve, dial: Dial, packet: str) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    await peer.send(packet)
    assert await peer.closed() == 1003
    assert running.stats["cut.binary"] == 1
    assert running.server._binary_packet == {}


@pytest.mark.parametrize(
    "packet",
    [
        "",
        "x",
        "9",
        "4",
        "4x",
        "47",
        "0{}",
        "2",
        "2probe",
        "5",
        "6",
        "3x",
        "42/technician,",
        "42/technician,{}",
        "42/technician,[]",
        "42/technician,[1]",
        '42/technician,["disconnect"]',
        '42/technician,["connect",{}]',
        '42/technician,["a",',
        '42/technician,["a",NaN]',
        '42/technician,12345678901234567890["a"]',
        "43/technician,[1]",
        "43/technician,1{}",
        "41/technician,{}",
        '44/technician,{"message":"no"}',
        "40/technician,[1]",
        '40/technician?token=abc,{"token":"good:s"}',
    ],
)
async def test_malformed_packets_are_cut_at_once(
    serve: Serve, dial: Dial, packet: str, caplog: pytest.LogCaptureFixture
) -> None:
    running = await serve()
    peer, other = await dial(running), await dial(running)
    await other.sign_in("other")
    await peer.sign_in()
    await peer.send(packet)
    assert await peer.closed() == 1002
    assert running.stats["cut.malformed"] == 1
    await until(lambda: running.world.left, "left")
    assert running.world.left == [("s1", "malformed")]
    assert "Traceback" not in caplog.text and caplog.text.count("malformed") == 1
    assert (await other.ask(1, "offer.accept", OFFER))["ok"] is True


async def test_text_that_is_not_utf8_is_cut(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await Plain.open(running)
    await peer.send(b"\xff\xfe")
    await until(lambda: running.stats["cut.malformed"] == 1, "counted")
    peer.close()


async def test_a_storm_of_malformed_packets_is_one_line_in_the_log(
    serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
    running = await serve()
    for _ in range(10):
        peer = await dial(running)
        await peer.send("x")
        await peer.closed()
    assert running.stats["cut.malformed"] == 10
    assert caplog.text.count("socket cut: malformed") == 1


async def test_deep_json_is_cut_and_brackets_in_strings_are_not_depth(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    text = "[" * 40 + '\\"{'
    await peer.send('42/technician,1["offer.accept",{"x":"%s"}]' % text)  # noqa: UP031 (braces)
    assert (await peer.receive()).startswith("43/technician,1[")
    await peer.send('42/technician,["a",' + "[" * 15 + "]" * 15 + "]")  # 16 levels
    await peer.ask(2, "offer.accept", OFFER)
    await peer.send('42/technician,["a",' + "[" * 16 + "]" * 16 + "]")
    await peer.closed()
    assert running.stats["cut.too_deep"] == 1


# -- admission -----------------------------------------------------------------------------------------------


async def _refused(running: Running, query: str = "", **headers: str) -> tuple[int, str]:
    url = f"{running.url}/socket.io/?EIO=4&transport=websocket{query}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, (await response.json())["error"]["code"]


async def test_sockets_per_address_are_capped(serve: Serve, dial: Dial) -> None:
    running = await serve(
        max_per_address=2, client_address=lambda request: request.headers.get("X-Test-Client", "1.1.1.1")
    )
    first, _second = await dial(running), await dial(running)
    assert await _refused(running) == (429, "too_many_connections")
    _elsewhere = await dial(running, headers={"X-Test-Client": "2.2.2.2"})
    await first.ws.close()
    await until(lambda: len(running.server.live) == 2, "one left")
    await dial(running)


def test_an_ipv6_client_is_its_64() -> None:
    addresses = Addresses(1)
    key = addresses.enter("2001:db8::1")
    assert key is not None and addresses.enter("2001:db8::2") is None
    assert addresses.enter("2001:db8:0:1::1") is not None
    assert addresses.enter("::ffff:1.2.3.4") is not None and addresses.enter("1.2.3.4") is None
    assert addresses.enter("unix") is not None and addresses.enter("fe80::1%eth0") is not None
    addresses.leave(key)
    assert addresses.enter("2001:db8::3") is not None


# -- peers that stop -----------------------------------------------------------------------------------------


@pytest.fixture
async def stalled(serve: Serve) -> AsyncIterator[Callable[..., Awaitable[Running]]]:
    """A server with a signed-in member `stuck` that has stopped reading."""
    opened: list[Plain] = []

    async def start(**limits: float) -> Running:
        running = await serve(**limits)
        opened.append(await Plain.open(running))
        await opened[-1].sign_in("stuck")
        return running

    yield start
    for one in opened:
        one.close()


Stalled = Callable[..., Awaitable[Running]]


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
            highest = max(highest, stuck._transport.get_write_buffer_size())
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
    assert stuck._transport.get_write_buffer_size() <= running.server.limits.soft_queue_bytes + 8_000


async def test_draining_gives_up_on_a_peer_that_takes_nothing(stalled: Stalled) -> None:
    running = await stalled(drain_timeout_s=0.1)
    sid = running.sid_of("stuck")
    stuck = running.server.socket_of(sid, TECHNICIAN)
    assert stuck is not None
    for _ in range(5_000):
        if stuck._transport.get_write_buffer_size() > 64_000:
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
    while not stuck._transport.get_write_buffer_size():
        running.tell("job.updated", {"pad": "x" * 4_000})
    await peer.send(farewell)
    assert running.runner.server is not None
    await until(lambda: not running.runner.server.connections, "no connection left")  # type: ignore[union-attr]
    await until(lambda: not running.server.live, "gone")
    assert [session for session, _ in running.world.left] == ["stuck"]
    peer.close()


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


def test_grants_compare_by_identity() -> None:
    assert Grant(1, "s", 0.0) != Grant(1, "s", 0.0)


# -- what it costs, whoever asks -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["websocket pong", "empty continuation", "engine pong", "websocket ping", "event"])
async def test_every_kind_of_frame_costs_and_whoever_goes_on_is_cut(serve: Serve, kind: str) -> None:
    running = await serve(events_per_s=0.001, events_burst=5, flood_per_s=0.001, flood_burst=5)
    peer = await Plain.open(running)
    await peer.sign_in("flood")
    frames = {
        "websocket pong": b"\x8a\x80\0\0\0\0", "empty continuation": b"\x00\x80\0\0\0\0",
        "engine pong": b"\x81\x81\0\0\0\0" + b"3", "websocket ping": b"\x89\x80\0\0\0\0",
        "event": b"\x81\x93\0\0\0\0" + b'42/technician,["x"]',
    }  # fmt: skip
    if kind == "empty continuation":
        await peer.raw(b"\x01\x80\0\0\0\0")
    for _ in range(20):
        await peer.raw(frames[kind])
    await until(lambda: running.stats["cut.flood"] == 1, "cut")
    peer.close()


async def test_a_steady_stream_over_the_limit_is_cut_in_the_end(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=200, events_burst=10, flood_per_s=1, flood_burst=20)
    peer = await dial(running)
    await peer.sign_in()
    sent = 0
    while not running.stats["cut.flood"]:
        assert sent < 4_000
        for _ in range(5):
            await peer.ws.send_str('42/technician,["offer.accept",{}]')
            sent += 5
        await asyncio.sleep(0.005)


async def test_a_principal_has_one_budget_in_all_its_sockets(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=0.001, events_burst=8)
    peers = [await dial(running) for _ in range(3)]
    for peer in peers:
        await peer.sign_in("many")  # each costs one
    answers = [await peer.ask(n, "offer.accept", OFFER) for n, peer in enumerate([*peers, *peers])]
    assert [a["ok"] for a in answers] == [True] * 5 + [False]


async def test_a_session_keeps_its_newest_sockets(serve: Serve, dial: Dial) -> None:
    running = await serve(max_per_session=2)
    first, second, third = await dial(running), await dial(running), await dial(running)
    for peer in (first, second, third):
        await peer.sign_in("shared")
    assert await first.closed() == 1008
    assert running.stats["cut.replaced"] == 1
    for peer in (second, third):
        assert (await peer.ask(1, "offer.accept", OFFER))["ok"] is True


async def test_connecting_again_and_again_costs_the_principal(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=0.001, events_burst=2)
    for _ in range(2):
        await (await dial(running)).sign_in("restless")
    third = await dial(running)
    await third.receive()
    await third.send('40/technician,{"token":"good:restless"}')
    assert await third.closed() == 1013  # come back later: nobody refused the sign-in
    assert running.stats["cut.too_fast"] == 1


async def test_who_has_not_signed_in_may_send_little(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.receive()
    await peer.send('40/technician,{"token":"' + "x" * 9_000 + '"}')
    assert await peer.closed() == 1009
    assert running.stats["cut.too_big"] == 1


async def test_a_costly_frame_of_an_outsider_holds_nobody_up(serve: Serve, dial: Dial) -> None:
    """An unterminated string full of escapes, brackets without end, backslashes: each is read in linear time."""
    running = await serve(max_unsigned_bytes=64 * 1024, unsigned_burst=100)
    for body in (
        "[" * 17 + "]" * 17 + '"' + '\\"' * 30_000, "[" * 60_000, '{"a":' * 12_000, "\\" * 60_000,
        "[" + '"[[",' * 12_000 + "1]", '["' + "\\\\" * 30_000 + '"]', "[" + "[]," * 20_000 + "[]]",
    ):  # fmt: skip
        budget = Budget()
        while budget.goes_on():
            peer = await dial(running)
            await peer.receive()
            with budget.measured():
                await peer.send("40/technician," + body)
                await peer.closed()
        assert budget.is_kept(), (body[:20], budget.costs)


async def test_an_unknown_namespace_is_refused_with_an_object(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    for packet, code in (("40/nowhere,", "unknown_namespace"), ("40/technician,", "already_connected")):
        await peer.send(packet)
        told = orjson.loads((await peer.receive()).split(",", 1)[1])
        assert told["message"] and told["data"]["code"] == code and told["data"]["message"] == told["message"]


async def test_what_asks_for_much_costs_more(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=0.001, events_burst=12)
    peer = await dial(running)
    await peer.sign_in()  # costs one
    answers = [await peer.ask(n, "resume", {"streams": {}}) for n in range(4)]
    assert [a["ok"] for a in answers] == [True, True, False, False]
    assert answers[2]["error"]["code"] == "rate_limited" and answers[2]["error"]["retry_after_s"] == 1.0
