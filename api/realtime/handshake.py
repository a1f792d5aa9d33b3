"""The WebSocket handshake, and taking the connection over from the HTTP server once it is done."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Any

from aiohttp import web

from api.realtime.receiver import Receiver

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def has_body(request: web.Request) -> bool:
    """Whether the request announces a body: an upgrade with one would be two readings of the same bytes."""
    length = request.headers.get("Content-Length", "0").strip()
    return "Transfer-Encoding" in request.headers or length != "0"


def accept_of(request: web.Request) -> bytes | None:
    """What answers the handshake's key (RFC 6455, 4.2); None when it is not a sound handshake."""
    headers = request.headers
    keys = headers.getall("Sec-WebSocket-Key", ())
    if (
        request.version < (1, 1)
        # Alone: the HTTP parser takes what follows for frames only then.
        or [value.strip().lower() for value in headers.getall("Upgrade", ())] != ["websocket"]
        or "upgrade" not in _words(headers.getall("Connection", ()))
        or headers.getall("Sec-WebSocket-Version", ()) != ["13"]
        or len(keys) != 1
    ):
        return None
    try:
        if len(base64.b64decode(keys[0], validate=True)) != 16:
            return None
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(hashlib.sha1(keys[0].encode() + _GUID).digest())  # noqa: S324 (the RFC's own)


def _words(values: Iterable[str]) -> set[str]:
    return {word.strip().lower() for value in values for word in value.split(",")}


class _Early:
    """What a hasty client sent behind its handshake; aiohttp's parser interface is two methods."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.data += data
        return False, b""

    def feed_eof(self) -> None: ...


class Detached(web.StreamResponse):
    """Stands for the answer that was written already: the connection is no longer the HTTP server's."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: web.BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


def take_over(request: web.Request, accept: bytes, socket: Receiver, first: bytes) -> Detached:
    """Answers the handshake, with `first` behind it, and gives the connection to `socket`.

    aiohttp is made to believe that the connection was lost: its timers and its parser end. Raises
    ConnectionResetError when the peer has gone already.
    """
    handler: Any = request.protocol
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("gone during the handshake")
    early = _Early()
    handler.set_parser(early)
    transport.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n%b" % (accept, first)
    )
    transport.set_protocol(socket)
    handler.transport = None  # it would close the one that it knows
    handler.connection_lost(None)
    socket.opened(transport)
    if early.data:
        socket.data_received(early.data)
    return Detached()
