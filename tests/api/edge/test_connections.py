"""Connections that say nothing, or too slowly, are too many, or are no HTTP, over raw sockets."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.http import HttpRequestParser

from api.app import SERVER_OPTIONS
from api.edge.connections import GREET, Book, Connection, Greet, listen
from api.wire.answers import error_response
from api.wire.dialects import MINUTESERV
from api.wire.parsing import read_body
from dispatch import logs
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
async def serving(book: Book, greet: Greet | None = None) -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    if greet is not None:
        app[GREET] = greet
    app.router.add_route("*", "/", _echo)
    runner = web.AppRunner(app, shutdown_timeout=0.1, **SERVER_OPTIONS)
    await runner.setup()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = await listen(runner, listener, book, backlog=16, **SERVER_OPTIONS)
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


@pytest.mark.parametrize("sent", [b"", b"G", HEAD], ids=["silent", "one byte", "half a head"])
async def test_a_head_that_does_not_come_ends_the_connection(sent: bytes) -> None:
    async with serving(known := book(0.1)) as address, connected(address) as wire:
        wire.send(sent)
        assert await wire.is_cut()
        assert len(known) == 0


async def test_the_next_head_of_a_kept_connection_has_a_deadline_too() -> None:
    async with serving(known := book(0.1)) as address, connected(address) as wire:
        wire.send(WHOLE)
        assert await wire.answer() == b"none"
        wire.send(HEAD)
        assert await wire.is_cut()
        assert len(known) == 0


async def test_who_waits_between_requests_or_sends_a_body_slowly_is_left_alone() -> None:
    async with serving(book(0.1)) as address, connected(address) as idle, connected(address) as slow:
        idle.send(WHOLE)
        assert await idle.answer() == b"none"
        slow.send(POST + b"ab")
        # The deadline of one that comes later has passed: those of the others would have, too.
        async with connected(address) as silent:
            assert await silent.is_cut()
        slow.send(b"cd")
        assert await slow.answer() == b"abcd"
        idle.send(WHOLE + WHOLE)
        assert (await idle.answer(), await idle.answer()) == (b"none", b"none")


# ---------------------------------------------------------------- how many


async def test_the_oldest_idle_connection_of_an_address_makes_room() -> None:
    async with serving(known := book(most=2)) as address, connected(address) as one, connected(address) as two:
        for wire in (one, two):
            wire.send(WHOLE)
            assert await wire.answer() == b"none"
        async with connected(address) as three:
            assert await one.is_cut(), "idle for the longest"
            for wire in (three, two):
                wire.send(WHOLE)
                assert await wire.answer() == b"none"
            assert known.of("127.0.0.1") == len(known) == 2


async def test_an_address_whose_connections_are_all_busy_gets_no_more() -> None:
    async with serving(known := book(most=2)) as address, connected(address) as one, connected(address) as two:
        for wire in (one, two):
            wire.send(POST + b"ab")
        async with asyncio.timeout(60):
            while any(one.is_idle for one in known.all):  # noqa: ASYNC110 (nothing tells when)
                await asyncio.sleep(0.01)
        async with connected(address) as surplus:
            assert await surplus.is_cut()
        for wire in (one, two):
            wire.send(b"cd")
            assert await wire.answer() == b"abcd"


async def test_who_is_no_http_server_s_leaves_nothing_to_the_collector() -> None:
    """In a storm of sockets the collector would stop everybody for what the HTTP server never needed."""
    taken: list[asyncio.Transport] = []

    def greet(transport: asyncio.Transport, data: bytes) -> bool:
        transport.write(data)
        transport.set_protocol(asyncio.Protocol())
        taken.append(transport)
        return True

    gc.collect()
    gc.disable()
    try:
        async with serving(book(), greet) as address:
            for _ in range(5):
                async with connected(address) as wire:
                    wire.send(b"echo")
                    async with asyncio.timeout(60):
                        assert await wire.reader.readexactly(4) == b"echo"
            assert len(taken) == 5
            assert not [one for one in gc.get_objects() if type(one) in (Connection, HttpRequestParser)]
    finally:
        gc.enable()


async def test_behind_proxies_an_address_is_no_caller() -> None:
    async with serving(known := book(most=None)) as address, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(connected(address)) for _ in range(30)]
        for wire in wires:
            wire.send(WHOLE)
            assert await wire.answer() == b"none"
        assert len(known) == 30


async def test_before_files_run_out_idle_connections_make_room() -> None:
    with socket.socket() as probe:
        next_file = probe.fileno()
    async with serving(book(files=next_file + 12)) as address, AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(connected(address)) for _ in range(12)]
        wires[-1].send(WHOLE)
        assert await wires[-1].answer() == b"none", "the newest is served"
        assert await wires[0].is_cut()


# ---------------------------------------------------------------- what is no HTTP

SECRET = b"eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2ln"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("info", stream=stream)
    yield stream
    logs.unconfigure()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " + SECRET + b"\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nBad Name: " + SECRET + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: " + SECRET + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nX-Long: " + SECRET * 400 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        POST.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked") + SECRET + b"\r\n",
        POST.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked\r\nContent-Length: 4") + b"abcd",
    ],
)
async def test_bad_http_is_answered_in_our_words(sent: bytes, lines: io.StringIO) -> None:
    async with serving(book()) as address, connected(address) as wire:
        wire.send(sent)
        status, headers, body = await wire.refusal()
        async with connected(address) as other:
            other.send(WHOLE)
            assert await other.answer() == b"none", "nobody else notices"
    assert status.startswith(b"HTTP/1.1 4"), status
    assert headers["Server"] == "dispatch" and headers["Content-Type"].startswith("application/json")
    assert body["success"] is False and body["error"]["code"] and body["message"].endswith(".")
    assert "aiohttp" not in f"{headers}{body}".lower() and SECRET.decode() not in str(body)
    assert SECRET.decode() not in lines.getvalue() and "Traceback" not in lines.getvalue()


async def test_bad_http_leaves_one_line_in_a_while(lines: io.StringIO) -> None:
    async with serving(book()) as address:
        for _ in range(20):
            async with connected(address) as wire:
                wire.send(b"no http\r\n\r\n")
                await wire.refusal()
    assert lines.getvalue().count("no HTTP") == 1
