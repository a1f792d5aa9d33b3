"""What travels in one WebSocket message: framing, the JSON codec, and the reading of untrusted packets."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

import orjson
from pydantic import BaseModel
from socketio.packet import Packet

TEXT, CLOSE, PONG = 0x81, 0x88, 0x8A

#: The Engine.IO ping, framed.
PING_FRAME = b"\x81\x012"

#: Names that Socket.IO keeps for itself: a client that sends one as an event means harm.
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})


class Kind(IntEnum):
    """Socket.IO packet types."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


class BadFrame(Exception):
    """The peer sent what no correct client sends; `reason` names the counter."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One unfragmented, unmasked WebSocket frame (servers do not mask)."""
    size = len(payload)
    if size < 126:
        return b"%c%c%b" % (opcode, size, payload)
    if size < 65536:
        return struct.pack("!BBH", opcode, 126, size) + payload
    return struct.pack("!BBQ", opcode, 127, size) + payload


def close_frame(code: int, reason: str) -> bytes:
    """A closing frame; the reason is a short ASCII word."""
    return frame(struct.pack("!H", code) + reason.encode()[:120], CLOSE)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} does not belong on the wire")


def encode(value: Any) -> bytes:
    """JSON of plain data, dataclasses, UUIDs, aware datetimes (as ...Z) and pydantic models."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)


@lru_cache(32)
def _prefix(namespace: str) -> bytes:
    return b"" if namespace == "/" else namespace.encode() + b","


def event_frame(namespace: str, event: str, data: Any) -> bytes:
    """One Socket.IO event as the bytes that go to the transport."""
    return frame(b"42%b%b" % (_prefix(namespace), encode([event, data])))


def ack_head(namespace: str) -> bytes:
    """What every acknowledgement in a namespace begins with."""
    return b"43" + _prefix(namespace)


def ack_frame(head: bytes, ack_id: bytes | bytearray, answer: bytes) -> bytes:
    """The acknowledgement of one packet; `answer` is JSON."""
    return frame(b"%b%b[%b]" % (head, bytes(ack_id), answer))


def joined_frame(namespace: str, sid: str) -> bytes:
    """A namespace is connected."""
    return frame(b'40%b{"sid":"%b"}' % (_prefix(namespace), sid.encode()))


def refusal_frame(namespace: str, why: dict[str, Any]) -> bytes:
    """The refusal to connect a namespace: a client raises an error with this message, and `data` beside it."""
    return frame(b"44%b%b" % (_prefix(namespace), encode({"message": why["message"], "data": why})))


class Codec:
    """orjson in the shape that python-socketio expects of a JSON module."""

    @staticmethod
    def dumps(value: Any, **_: Any) -> str:
        return encode(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: Any) -> Any:
        return orjson.loads(text)


class HotPacket(Packet):  # type: ignore[misc]
    """The library's packet with orjson and without its walk through the data in search of bytes."""

    json = Codec
    uses_binary_events = False


@dataclass(frozen=True, slots=True)
class Head:
    """The front of a Socket.IO packet, with its JSON body still unread."""

    kind: Kind
    namespace: str
    ack_id: str
    body: str


_HEAD = re.compile(r"4([0-6])(?:(/[^,?\s]{0,100})(?:,|$))?([0-9]{1,16})?(?![0-9])", re.ASCII)


def read_head(text: str) -> Head:
    """Reads an Engine.IO message's front. Raises BadFrame when no correct client could have sent it."""
    found = _HEAD.match(text)
    if found is None:
        raise BadFrame("binary" if _announces_binary(text) else "malformed")
    kind = Kind(int(found[1]))
    if kind in (Kind.BINARY_EVENT, Kind.BINARY_ACK):
        raise BadFrame("binary")
    if kind is Kind.CONNECT_ERROR:
        raise BadFrame("malformed")
    return Head(kind, found[2] or "/", found[3] or "", text[found.end() :])


def _announces_binary(text: str) -> bool:
    return text[:1] == "b" or text[:2] in ("45", "46")


def check_body(head: Head, max_depth: int) -> Any:
    """Proves that the library will be able to read the body, which is returned. Raises BadFrame."""
    body = head.body
    try:
        data = orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        raise BadFrame("malformed") from None
    if too_deep(body, max_depth):
        raise BadFrame("too_deep")
    if not _SHAPES[head.kind](head, data):
        raise BadFrame("malformed")
    return data


def _is_event(_: Head, data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED


_SHAPES: dict[Kind, Callable[[Head, Any], bool]] = {
    Kind.CONNECT: lambda head, data: not head.ack_id and (data is None or isinstance(data, dict)),
    Kind.DISCONNECT: lambda head, data: not head.ack_id and not head.body,
    Kind.EVENT: _is_event,
    Kind.ACK: lambda head, data: bool(head.ack_id) and isinstance(data, list),
}

#: Braces as brackets; everything that is neither goes.
_AS_BRACKETS = str.maketrans("{}", "[]")
_OTHERS = re.compile(r"[^\[\]]")


def too_deep(body: str, limit: int) -> bool:
    """Whether valid JSON nests deeper than `limit`; brackets inside strings do not count.

    Each step is one pass over the bytes, and there are `limit` of them: what an empty pair is removed from as often
    as it may nest and still has brackets nests deeper.
    """
    if body.count("[") + body.count("{") <= limit:
        return False
    bare = body.replace("\\\\", "").replace('\\"', "").split('"')[::2]
    left = _OTHERS.sub("", "".join(bare).translate(_AS_BRACKETS))
    for _ in range(limit):
        left = left.replace("[]", "")
        if not left:
            return False
    return True
