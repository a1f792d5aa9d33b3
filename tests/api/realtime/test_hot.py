"""Location frames: the short way, its own bucket, the explanation of wrong ones."""

from __future__ import annotations

from uuid import uuid4

from api.realtime.events import TECHNICIAN
from api.realtime.guard import Bucket
from tests.api.realtime.conftest import FIX, Connect, Dial, Plain, Serve, until


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


async def test_a_location_frame_of_wrong_letters_is_no_error_of_ours(serve: Serve) -> None:
    running = await serve()
    peer = await Plain.open(running)
    await peer.sign_in("s1")
    await until(lambda: running.world.joined, "joined")
    payload = b'42/technician,["location.report",{"fixes":[["\xff",1,2]]}]'
    await peer.send(payload)
    await until(lambda: running.stats["cut.malformed"] == 1, "cut")
    assert running.stats["hot_fallback"] == 1 and running.stats["hot_errors"] == 0
    peer.close()


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
            await peer.send(f'42/technician,{n}["offer.accept",{{"command_id":"{uuid4()}","offer_id":"{uuid4()}"}}]')
    seen = [(await peer.receive()).split("[")[0] for _ in range(30)]
    assert seen == [f"43/technician,{n}" for n in range(30)]
