"""The engine over real sockets: sign-in, commands, the hot path, fan-out, order, shutdown."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import aiohttp
import pytest

from api.realtime import commands as realtime_commands
from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import FIX, Connect, Dial, Serve, until


async def test_a_command_that_hangs_is_answered_within_a_bound(
    serve: Serve, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime_commands, "ANSWER_S", 0.05)
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    hanging = {"command_id": str(uuid4()), "offer_id": str(UUID(int=2))}
    answer = await peer.ask(1, "offer.accept", hanging)
    assert answer["error"]["code"] == "try_again" and answer["error"]["retry_after_s"] == 1.0
    other = {"command_id": str(uuid4()), "offer_id": str(uuid4())}
    assert (await peer.ask(2, "offer.accept", other))["ok"] is True
    running.world.gate.set()


async def test_domain_errors_and_bugs_become_acks(serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    refused = await peer.ask(1, "offer.accept", {"command_id": str(uuid4()), "offer_id": str(UUID(int=0))})
    assert refused == {
        "ok": False,
        "error": {"code": "conflict", "message": "Somebody was faster.", "details": {"winner": "another"}},
    }
    broken = await peer.ask(2, "offer.accept", {"command_id": str(uuid4()), "offer_id": str(UUID(int=1))})
    assert broken["error"]["code"] == "internal_error" and "secret" not in str(broken)
    assert "a secret of the inside" in caplog.text


async def test_every_bad_field_is_named_at_once(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    answer = await peer.ask(1, "offer.accept", {"command_id": "x", "extra": 1})
    assert answer["error"]["code"] == "validation_error"
    assert set(answer["error"]["details"]) == {"command_id", "offer_id", "extra"}
    assert (await peer.ask(2, "offer.accept", [1]))["error"]["details"] == {"payload": ["Send exactly one object."]}
    assert (await peer.ask(3, "no.such", {}))["error"]["code"] == "unknown_event"


async def test_an_event_that_is_not_acknowledged_still_runs(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    await peer.send('42/technician,["location.report",{"fixes":[[1,2,3,4,null,null]],"x":1}]')
    await peer.send('42/technician,[ "location.report",{"fixes":[[1,2,3,4,null,null]]}]')
    await until(lambda: running.world.slow, "the frame on the ordinary way")
    assert running.world.hot == []


# -- the hot path --------------------------------------------------------------------------------------------


# -- fan-out -------------------------------------------------------------------------------------------------


# -- the end -------------------------------------------------------------------------------------------------


async def test_the_disconnect_handler_runs_once_however_it_ends(serve: Serve, dial: Dial) -> None:
    running = await serve()
    for session, farewell in (("leaves", "41/technician,"), ("closes", "1"), ("drops", None)):
        peer = await dial(running)
        await peer.sign_in(session)
        if farewell is None:
            await peer.ws.close()
        else:
            await peer.send(farewell)
        await until(lambda s=session: [x for x in running.world.left if x[0] == s], session)  # type: ignore[misc]
        await peer.ws.close()
    await until(lambda: not running.server.live, "all gone")
    assert sorted(x[0] for x in running.world.left) == ["closes", "drops", "leaves"]
    assert running.server.eio.sockets == {} and running.server.environ == {}
    assert running.server.manager.rooms == {}


async def test_server_disconnect_reaches_the_client(serve: Serve, connect: Connect) -> None:
    running = await serve()
    client = await connect(running)
    gone = asyncio.Event()
    client.on("disconnect", lambda *_: gone.set(), namespace=TECHNICIAN)
    await running.server.disconnect(running.sid_of("s1"), namespace=TECHNICIAN)
    await asyncio.wait_for(gone.wait(), 60)
    assert [x[0] for x in running.world.left] == ["s1"]


async def test_shutdown_tells_clients_and_ends_in_time(serve: Serve, dial: Dial, connect: Connect) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in("raw")
    await connect(running, "official")
    loop = asyncio.get_running_loop()
    before = loop.time()
    await running.server.close_all()
    assert loop.time() - before < 30  # not the minutes that a client may keep silent
    assert await peer.closed() == 1012
    await until(lambda: len(running.world.left) == 2, "both left")
    assert running.server.live == {}
    refused = await _status(running.url)
    assert refused == 503


async def _status(url: str) -> int:
    target = f"{url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as session, session.get(target) as response:
        return response.status


async def test_a_client_reconnects_after_a_cut(serve: Serve, connect: Connect) -> None:
    running = await serve()
    client = await connect(
        running,
        reconnection=True,
        reconnection_delay=0.01,
        reconnection_delay_max=0.05,
        randomization_factor=0,
    )
    running.server.cut(running.sid_of("s1"), TECHNICIAN, "closed_by_server")
    await until(lambda: len(running.world.joined) == 2, "joined again")
    await until(lambda: client.connected, "connected again")
    answer = await client.call("location.report", {"fixes": [FIX]}, namespace=TECHNICIAN)
    assert answer["ok"] is True and len(running.world.hot) == 1
    assert len(running.world.left) == 1
