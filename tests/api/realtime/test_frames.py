"""Framing and the reading of packets; who sends what is no packet is cut, and nobody else notices."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from pydantic import BaseModel

from api.realtime.frames import (
    BadFrame,
    Codec,
    Kind,
    ack_frame,
    ack_head,
    check_body,
    close_frame,
    encode,
    event_frame,
    frame,
    read_head,
    too_deep,
)
from tests.api.realtime.conftest import OFFER, Dial, Plain, Serve, until
from tests.costs import Budget


@pytest.mark.parametrize(
    ("size", "head"),
    [
        (0, b"\x81\x00"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65535, b"\x81\x7e\xff\xff"),
        (65536, b"\x81\x7f" + struct.pack("!Q", 65536)),
    ],
)
def test_lengths(size: int, head: bytes) -> None:
    assert frame(b"x" * size) == head + b"x" * size


def test_events_and_acks() -> None:
    assert event_frame("/ops", "a", {"n": 1})[2:] == b'42/ops,["a",{"n":1}]'
    assert event_frame("/", "a", None)[2:] == b'42["a",null]'
    assert ack_frame(ack_head("/ops"), b"7", b"{}")[2:] == b"43/ops,7[{}]"
    assert close_frame(1008, "flood") == b"\x88\x07\x03\xf0flood"


def test_what_goes_over_the_wire() -> None:
    class Model(BaseModel):
        at: datetime

    @dataclass
    class Row:
        id: UUID

    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    value = {"at": at, "row": Row(UUID(int=1)), "model": Model(at=at), "set": {2, 1}, "name": "नमस्ते"}
    assert orjson.loads(Codec.dumps(value, separators=(",", ":"))) == {
        "at": "2026-01-02T03:04:05Z",
        "row": {"id": str(UUID(int=1))},
        "model": {"at": "2026-01-02T03:04:05Z"},
        "set": [1, 2],
        "name": "नमस्ते",
    }
    with pytest.raises(TypeError):
        encode(object())


def test_heads() -> None:
    head = read_head('42/technician,17["a",1]')
    assert (head.kind, head.namespace, head.ack_id, head.body) == (Kind.EVENT, "/technician", "17", '["a",1]')
    assert read_head("40/technician").namespace == "/technician"
    assert read_head('40{"token":1}').namespace == "/"
    for text in ("44/x,{}", "48", "", "7", "451-[]"):
        with pytest.raises(BadFrame):
            read_head(text)


def test_bodies() -> None:
    for good in ('42["a"]', '42/ns,1["a",{"b":[1]}]', "40/ns,{}", "40/ns,", "41/ns,", "43/ns,1[]"):
        check_body(read_head(good), 16)
    for bad in (
        *("41/ns,1", "40/ns,1{}", "43/ns,[]", '42["a"', '42["\\ud800"]', '42/a b,["a"]'),
        '42/technician,12345678901234567["a"]',
    ):
        with pytest.raises(BadFrame):
            check_body(read_head(bad), 16)


def test_depth_counts_brackets_outside_strings_only() -> None:
    assert not too_deep("[[[]]]", 3) and too_deep("[[[[]]]]", 3)
    assert not too_deep("[[],[],[],[],[]]", 3)
    assert not too_deep('["[[[[\\"[[[["]', 3)
    assert too_deep('{"a":{"b":[{"c":1}]}}', 3)
    assert too_deep("[" * 60_000 + "]" * 60_000, 16)


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
    await peer.ws.send_bytes(b"what it announced")
    assert await peer.closed() == 1003
    assert running.stats["cut.binary"] == 1
    await until(lambda: running.world.left, "left")
    assert running.world.left == [("s1", "binary")]


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
