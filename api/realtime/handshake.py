"""The WebSocket handshake, and taking the connection over from the HTTP server once it is done."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
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
    return _accept(keys[0].encode())


def _accept(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + _GUID).digest())  # noqa: S324 (the RFC's own)


def _words(values: Iterable[str]) -> set[str]:
    return {word.strip().lower() for value in values for word in value.split(",")}


#: A request to open a socket as the official clients and browsers send it; and the longest that is looked at.
_PLAIN = re.compile(
    rb"GET /socket\.io/\?(?:EIO=4&transport=websocket|transport=websocket&EIO=4)(?:&t=[\w-]{1,20}(?:\.\d{1,9})?)?"
    rb" HTTP/1\.1\r\n((?:[A-Za-z0-9-]{1,64}: ?[!-~](?:[ -~]*[!-~])?\r\n)+)\r\n"
)
_LONGEST = 4096
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
#: A request with one of these may have more to it.
_MORE = frozenset({b"content-length", b"transfer-encoding", b"trailer", b"te", b"expect"})


@dataclass(frozen=True, slots=True)
class PlainHandshake:
    """A sound handshake without a body, of which nothing but whence it comes is left to judge."""

    accept: bytes
    host: str
    origins: tuple[str, ...]
    forwarded: tuple[str, ...]


def plain_handshake(data: bytes) -> PlainHandshake | None:
    """Reads a whole request, if it is the plainest; None for all others, which the HTTP server reads and answers."""
    found = _PLAIN.fullmatch(data) if len(data) <= _LONGEST else None
    if found is None:
        return None
    headers: dict[bytes, bytes] = {}
    for line in found[1].splitlines():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.lstrip()
    key = headers.get(b"sec-websocket-key", b"")
    if (
        len(headers) != found[1].count(b"\r\n")  # one was named twice
        or not _MORE.isdisjoint(headers)
        or headers.get(b"upgrade", b"").lower() != b"websocket"
        or headers.get(b"connection", b"").lower() not in (b"upgrade", b"keep-alive, upgrade")
        or headers.get(b"sec-websocket-version") != b"13"
        or b"host" not in headers
        or _KEY.fullmatch(key) is None
    ):
        return None
    origins, forwarded = ((headers[n].decode(),) if n in headers else () for n in (b"origin", b"x-forwarded-for"))
    return PlainHandshake(_accept(key), headers[b"host"].decode(), origins, forwarded)


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


def switch(transport: asyncio.Transport, accept: bytes, socket: Receiver, first: bytes) -> None:
    """Answers the handshake, with `first` behind it; what comes from now on is for the socket, once it was opened."""
    transport.write(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n%b" % (accept, first)
    )
    transport.set_protocol(socket)


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
    switch(transport, accept, socket, first)
    handler.transport = None  # it would close the one that it knows
    handler.connection_lost(None)
    socket.opened(transport)
    if early.data:
        socket.data_received(early.data)
    return Detached()
