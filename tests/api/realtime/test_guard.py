"""Each rule of the guard over real sockets: who breaks it is cut, and nobody else notices."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID, uuid4

import pytest

from api.realtime.events import TECHNICIAN
from api.realtime.guard import Addresses, Bucket, Grant
from tests.api.realtime.conftest import OFFER, Dial, Plain, Serve, refused, until

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


# -- admission -----------------------------------------------------------------------------------------------


async def test_sockets_per_address_are_capped(serve: Serve, dial: Dial) -> None:
    running = await serve(
        max_per_address=2, client_address=lambda _, forwarded: forwarded[0] if forwarded else "1.1.1.1"
    )
    first, _second = await dial(running), await dial(running)
    assert await refused(running) == (429, "too_many_connections")
    _elsewhere = await dial(running, headers={"X-Forwarded-For": "2.2.2.2"})
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


async def test_who_leaves_while_signing_in_takes_nobody_s_place(serve: Serve, dial: Dial) -> None:
    """A phone on a bad network asks and is gone before it is answered, again and again."""
    running = await serve(max_per_session=1)
    living = await dial(running)
    await living.sign_in("shared")
    for number in range(1, 4):
        hasty = await dial(running)
        await hasty.receive()
        await hasty.send('40/technician,{"token":"slow:shared"}')
        await until(lambda number=number: running.world.judging == number, "its sign-in is being judged")
        await hasty.ws.close()
        await until(lambda number=number: running.stats["closed"] == number, "it has left")
    running.world.gate.set()
    await until(lambda: len(running.server.live) == 1, "all of them have ended")
    assert running.stats["cut.replaced"] == 0
    assert (await living.ask(1, "offer.accept", OFFER))["ok"] is True


async def test_connecting_again_and_again_costs_the_principal(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=0.001, events_burst=2)
    for _ in range(2):
        await (await dial(running)).sign_in("restless")
    third = await dial(running)
    await third.receive()
    await third.send('40/technician,{"token":"good:restless"}')
    assert await third.closed() == 1013  # come back later: nobody refused the sign-in
    assert running.stats["cut.too_fast"] == 1


async def test_what_asks_for_much_costs_more(serve: Serve, dial: Dial) -> None:
    running = await serve(events_per_s=0.001, events_burst=12)
    peer = await dial(running)
    await peer.sign_in()  # costs one
    answers = [await peer.ask(n, "resume", {"streams": {}}) for n in range(4)]
    assert [a["ok"] for a in answers] == [True, True, False, False]
    assert answers[2]["error"]["code"] == "rate_limited" and answers[2]["error"]["retry_after_s"] == 1.0
