"""Who may come in, and why not."""

from __future__ import annotations

from uuid import uuid4

import pytest
import socketio
from socketio.exceptions import ConnectionError as ClientRefused

from api.realtime import commands as realtime_commands
from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import Connect, Dial, Serve, until


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
        await client.connect(running.url, namespaces=[TECHNICIAN], auth={"token": "bad"}, transports=["websocket"])
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
