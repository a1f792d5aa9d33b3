"""The engine over real sockets: sign-in, commands, the hot path, fan-out, order, shutdown."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import aiohttp
import pytest
import socketio
from socketio.exceptions import ConnectionError as ClientRefused

from api.realtime import commands as realtime_commands
from api.realtime.events import TECHNICIAN
from api.realtime.guard import Bucket
from api.realtime.seams import assert_seams
from tests.api.realtime.conftest import FIX, Connect, Dial, Serve, until


def test_the_seams_of_the_library_are_where_we_expect_them() -> None:
    assert_seams()


async def test_official_client_signs_in_and_commands_are_answered(serve: Serve, connect: Connect) -> None:
    running = await serve()
    client = await connect(running)
    offer = str(uuid4())
    answer = await client.call(
        "offer.accept", {"command_id": str(uuid4()), "offer_id": offer}, namespace=TECHNICIAN
    )
    assert answer == {"ok": True, "data": {"offer_id": offer}}
    assert running.world.joined == ["s1"]


async def test_refused_sign_in_says_why(serve: Serve) -> None:
    running = await serve()
    client = socketio.AsyncClient(reconnection=False)
    refusals: list[dict[str, object]] = []
    client.on("connect_error", refusals.append, namespace=TECHNICIAN)
    with pytest.raises(ClientRefused):
        await client.connect(
            running.url, namespaces=[TECHNICIAN], auth={"token": "bad"}, transports=["websocket"]
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


async def test_domain_errors_and_bugs_become_acks(
    serve: Serve, dial: Dial, caplog: pytest.LogCaptureFixture
) -> None:
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
    assert (await peer.ask(2, "offer.accept", [1]))["error"]["details"] == {
        "payload": ["Send exactly one object."]
    }
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


async def test_a_location_frame_takes_the_hot_path_and_is_acked(serve: Serve, connect: Connect) -> None:
    running = await serve()
    client = await connect(running)
    answer = await client.call("location.report", {"fixes": [FIX, FIX]}, namespace=TECHNICIAN)
    assert answer == {"ok": True, "data": {"accepted": 2}}
    assert len(running.world.hot) == 1 and running.world.slow == []
    assert running.stats["hot_frames"] == 1


async def test_a_wrong_location_frame_falls_through_to_the_explanation(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    answer = await peer.ask(7, "location.report", {"fixes": [FIX], "extra": 1})
    assert answer["error"]["code"] == "validation_error"
    assert list(answer["error"]["details"]) == ["extra"]
    assert running.stats["hot_fallback"] == 1 and running.world.hot == []
    good = await peer.ask(8, "location.report", {"fixes": [FIX]})
    assert good["ok"] is True and len(running.world.hot) == 1


async def test_location_frames_before_sign_in_are_not_heard(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.receive()
    await peer.send('42/technician,1["location.report",{"fixes":[[1,2,3,4,null,null]]}]')
    await peer.send('40/technician,{"token":"good:s1"}')
    assert (await peer.receive()).startswith("40/technician,")  # and no 43 before it
    assert running.world.hot == [] and running.world.slow == []


async def test_location_frames_have_their_own_bucket(serve: Serve, dial: Dial) -> None:
    running = await serve()
    running.world.location_bucket = Bucket(0.0001, 3)
    peer = await dial(running)
    await peer.sign_in()
    answers = [await peer.ask(n, "location.report", {"fixes": [FIX]}) for n in range(5)]
    assert [a["ok"] for a in answers] == [True, True, True, False, False]
    assert answers[4]["error"]["code"] == "rate_limited"
    accepted = await peer.ask(9, "offer.accept", {"command_id": str(uuid4()), "offer_id": str(uuid4())})
    assert accepted["ok"] is True


async def test_pipelined_frames_are_acked_in_order(serve: Serve, dial: Dial) -> None:
    running = await serve()
    peer = await dial(running)
    await peer.sign_in()
    for n in range(30):
        if n % 3:
            await peer.send(f'42/technician,{n}["location.report",{{"fixes":[[{n},2,3,4,null,null]]}}]')
        else:
            await peer.send(
                f'42/technician,{n}["offer.accept",{{"command_id":"{uuid4()}","offer_id":"{uuid4()}"}}]'
            )
    seen = [(await peer.receive()).split("[")[0] for _ in range(30)]
    assert seen == [f"43/technician,{n}" for n in range(30)]


# -- fan-out -------------------------------------------------------------------------------------------------


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
    assert loop.time() - before < 3
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
