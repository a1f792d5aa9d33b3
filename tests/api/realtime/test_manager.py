"""Rooms: a cast reaches who is in one, once each, and nothing is left of whoever is gone."""

from __future__ import annotations

from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import OFFER, Dial, Serve, until


async def test_a_cast_reaches_who_is_in_the_room_and_nobody_else(serve: Serve, dial: Dial) -> None:
    running = await serve()
    server = running.server
    one, two = await dial(running), await dial(running)
    await one.sign_in("one")
    await two.sign_in("two")
    await until(lambda: len(running.world.joined) == 2, "joined")
    first = running.sid_of("one")
    for _ in range(2):
        await server.enter_room(first, "near", namespace=TECHNICIAN)
    assert server.cast(TECHNICIAN, "near", "moved", {"n": 1}) == 1
    assert server.cast(TECHNICIAN, "all", "moved", {"n": 2}) == 2
    assert '"n":1' in await one.receive()
    assert '"n":2' in await one.receive() and '"n":2' in await two.receive()
    await server.leave_room(first, "near", namespace=TECHNICIAN)
    assert not server.watched(TECHNICIAN, "near") and server.cast(TECHNICIAN, "near", "moved", {}) == 0
    # A socket is a room of its own, and leaving the others does not touch it.
    await server.emit("earnings.updated", {"n": 3}, to=first, namespace=TECHNICIAN)
    assert '"n":3' in await one.receive()
    assert (await one.ask(1, "offer.accept", OFFER))["ok"] is True


async def test_nothing_is_left_of_whoever_is_gone(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer, stays = await dial(running), await dial(running)
    await peer.sign_in("goes")
    await stays.sign_in("stays")
    await until(lambda: len(running.world.joined) == 2, "joined")
    for room in ("near", "far"):
        await running.server.enter_room(running.sid_of("goes"), room, namespace=TECHNICIAN)
    await peer.ws.close()
    await until(lambda: len(running.server.live) == 1, "gone")
    assert not running.server.watched(TECHNICIAN, "near") and not running.server.watched(TECHNICIAN, "far")
    assert running.server.cast(TECHNICIAN, "all", "moved", {}) == 1
    await stays.ws.close()
    await until(lambda: not running.server.live, "all gone")
    assert running.server.manager.rooms == {} and running.server.manager.casts == {}
