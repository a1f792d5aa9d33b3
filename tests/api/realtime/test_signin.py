"""Who may come in, in which time, and why not."""

from __future__ import annotations

from uuid import uuid4

import orjson
import pytest
import socketio
from socketio.exceptions import ConnectionError as ClientRefused

from api.realtime import commands as realtime_commands
from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import FIX, OFFER, Connect, Dial, Serve, until


async def test_official_client_signs_in_and_commands_are_answered(serve: Serve, connect: Connect) -> None:
    running = await serve()
    client = await connect(running)
    offer = str(uuid4())
    answer = await client.call("offer.accept", {"command_id": str(uuid4()), "offer_id": offer}, namespace=TECHNICIAN)
    assert answer == {"ok": True, "data": {"offer_id": offer}}
    assert running.world.joined == ["s1"]


async def test_refused_sign_in_says_why(serve: Serve) -> None:
    running = await serve()
    client = socketio.AsyncClient(reconnection=False)
    refusals: list[dict[str, object]] = []
    client.on("connect_error", refusals.append, namespace=TECHNICIAN)
    with pytest.raises(ClientRefused):
        await client.connect(
            running.url, namespaces=[TECHNICIAN], auth={"token": "bad"}, transports=["websocket"], wait_timeout=60
        )
    assert refusals[0]["data"]["code"] == "unauthorized"  # type: ignore[index]
    assert running.world.joined == []


@pytest.mark.parametrize("word", ["broken", "away", "busy", "stuck"])
async def test_a_sign_in_that_could_not_be_judged_is_no_refusal(
    serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """A stock client never tries again after CONNECT_ERROR, so the connection is cut and nothing is left of it."""
    monkeypatch.setattr(realtime_commands, "JUDGE_S", 0.05)
    running = await serve()
    peer = await dial(running)
    await peer.receive()
    await peer.send(f'40/technician,{{"token":"{word}:s1"}}')
    assert await peer.closed() == 1013
    assert running.stats["cut.unjudged"] == 1
    assert ("a secret of the inside" in caplog.text) is (word == "broken")
    await until(lambda: not running.server.live, "gone")
    assert running.server.manager.rooms == {} and running.world.joined == running.world.left == []


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


async def test_who_has_not_signed_in_may_send_little(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.receive()
    await peer.send('40/technician,{"token":"' + "x" * 9_000 + '"}')
    assert await peer.closed() == 1009
    assert running.stats["cut.too_big"] == 1


async def test_who_has_left_may_send_little_again(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    assert (await peer.ask(1, "offer.accept", {**OFFER, "more": "x" * 9_000}))["ok"] is False
    await peer.send("41/technician,")
    await until(lambda: running.world.left, "left")
    await peer.send('40/technician,{"token":"' + "x" * 9_000 + '"}')
    assert await peer.closed() == 1009
    assert running.stats["cut.too_big"] == 1


async def test_an_unknown_namespace_is_refused_with_an_object(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    for packet, code in (("40/nowhere,", "unknown_namespace"), ("40/technician,", "already_connected")):
        await peer.send(packet)
        told = orjson.loads((await peer.receive()).split(",", 1)[1])
        assert told["message"] and told["data"]["code"] == code and told["data"]["message"] == told["message"]
