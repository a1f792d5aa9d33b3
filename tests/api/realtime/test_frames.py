"""Framing and the reading of packets, without a socket."""

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
