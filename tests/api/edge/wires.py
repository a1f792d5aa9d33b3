"""Raw connections, and servers that answer them through our own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from aiohttp import web

from api.app import SERVER_OPTIONS
from api.edge.connections import GREET, Book, Greet, listen
from api.wire.answers import error_response
from api.wire.dialects import MINUTESERV
from api.wire.parsing import read_body
from dispatch.clock import Clock
from dispatch.errors import Malformed

HEAD = b"GET / HTTP/1.1\r\nHost: here\r\n"
WHOLE = HEAD + b"\r\n"
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\n"
#: Longer than any of these tests.
NEVER_S = 600.0


def book(timeout_s: float = NEVER_S, most: int | None = 10, files: int | None = None) -> Book:
    return Book(Clock(), head_timeout_s=timeout_s, most_per_peer=most, most_files=files)


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> bytes:
        """The body of the next answer, which is four bytes."""
        async with asyncio.timeout(60):
            head = await self.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            return await self.reader.readexactly(4)

    async def refusal(self) -> tuple[bytes, dict[str, str], Any]:
        """The status line, the headers and the JSON of the last answer, after which the server closes."""
        async with asyncio.timeout(60):
            head, _, body = (await self.reader.read()).partition(b"\r\n\r\n")
        status, *lines = head.split(b"\r\n")
        headers = dict(line.decode().split(": ", 1) for line in lines)
        return status, headers, orjson.loads(body)

    async def is_cut(self) -> bool:
        """Waits until the server has closed it without a word."""
        async with asyncio.timeout(60):
            with suppress(ConnectionError):
                assert await self.reader.read() == b""
        return True


async def _echo(request: web.Request) -> web.Response:
    try:
        return web.Response(body=await read_body(request, 1024) or b"none")
    except Malformed as error:
        return error_response(error, MINUTESERV, Clock())


@asynccontextmanager
async def serving(
    book: Book, app: web.Application | None = None, *, greet: Greet | None = None, unread_s: float = NEVER_S,
    **options: Any,
) -> AsyncIterator[tuple[str, int]]:  # fmt: skip
    """A server that echoes, or one for this application."""
    if app is None:
        app = web.Application()
        app.router.add_route("*", "/", _echo)
    if greet is not None:
        app[GREET] = greet
    options = {**SERVER_OPTIONS, **options}
    runner = web.AppRunner(app, shutdown_timeout=0.1, **options)
    await runner.setup()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = await listen(runner, listener, book, backlog=16, unread_s=unread_s, **options)
        try:
            yield listener.getsockname()
        finally:
            server.close()
            await runner.cleanup()


@asynccontextmanager
async def connected(address: tuple[str, int]) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


Handler = Callable[[web.Request], Awaitable[web.Response]]


def answered_by(handler: Handler) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/", handler)
    return app


@asynccontextmanager
async def answering(handler: Handler, **options: Any) -> AsyncIterator[Wire]:
    """A connection to a server that answers everything so."""
    async with serving(book(), answered_by(handler), **options) as address, connected(address) as wire:
        yield wire
