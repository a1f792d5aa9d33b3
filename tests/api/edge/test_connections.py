"""Connections that say nothing, or too slowly, are too many, or are no HTTP, over raw sockets."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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


async def test_an_answer_that_is_read_slowly_makes_no_room() -> None:
    size = 20_000_000

    async def large(request: web.Request) -> web.Response:
        return web.Response(body=bytes(size))

    async with serving(book(most=1), answered_by(large)) as address, connected(address) as one:
        one.send(WHOLE)
        async with asyncio.timeout(60):
            await one.reader.readuntil(b"\r\n\r\n")
            await one.reader.readexactly(1000)
            async with connected(address) as surplus:
                assert await surplus.is_cut()
            await one.reader.readexactly(size - 1000)
        async with connected(address) as two:
            assert await one.is_cut(), "it has its answer, and is idle"
            two.send(WHOLE)
            async with asyncio.timeout(60):
                assert (await two.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the system has no such limit")
async def test_an_answer_that_nobody_takes_ends() -> None:
    async def large(request: web.Request) -> web.Response:
        return web.Response(body=bytes(20_000_000))

    async with (
        serving(known := book(), answered_by(large), unread_s=0.5) as address,
        connected(address) as one,
        connected(address) as two,
    ):
        one.send(WHOLE)
        async with asyncio.timeout(60):
            # Who has nothing to take stays.
            while len(known) != 1:  # noqa: ASYNC110 (nothing tells when)
                await asyncio.sleep(0.01)
            two.send(WHOLE)
            assert (await two.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


async def test_who_is_no_http_server_s_leaves_nothing_to_the_collector() -> None:
    """In a storm of sockets the collector would stop everybody for what the HTTP server never needed."""
    taken: list[asyncio.Transport] = []

    def greet(transport: asyncio.Transport, data: bytes) -> bool:
        transport.write(data)
        transport.set_protocol(asyncio.Protocol())
        taken.append(transport)
        return True

    def served() -> set[int]:
        return {id(one) for one in gc.get_objects() if type(one) in (Connection, HttpRequestParser)}

    gc.collect()
    gc.disable()
    others = served()
    try:
        async with serving(book(), greet=greet) as address:
            for _ in range(5):
                async with connected(address) as wire:
                    wire.send(b"echo")
                    async with asyncio.timeout(60):
                        assert await wire.reader.readexactly(4) == b"echo"
            assert len(taken) == 5
            assert served() <= others
    finally:
        gc.enable()


async def test_a_connection_that_its_caller_leaves_goes_without_the_collector() -> None:
    """As thousands do whose phones close what they kept open."""

    def served() -> set[int]:
        return {id(one) for one in gc.get_objects() if type(one) is Connection}

    async with serving(known := book()) as address:
        gc.collect()
        gc.disable()
        others = served()
        try:
            for _ in range(5):
                async with connected(address) as wire:
                    for _ in range(2):
                        wire.send(WHOLE)
                        assert await wire.answer() == b"none"
            async with asyncio.timeout(60):
                while len(known) or served() - others:  # noqa: ASYNC110 (nothing tells when)
                    await asyncio.sleep(0.01)
        finally:
            gc.enable()


async def test_room_that_an_address_s_only_other_connection_makes_is_counted() -> None:
    async with (
        serving(known := book(most=1)) as address, connected(address) as one, connected(address) as two,
        connected(address) as three,
    ):  # fmt: skip
        assert await one.is_cut() and await two.is_cut()
        three.send(WHOLE)
        assert await three.answer() == b"none"
        assert known.of("127.0.0.1") == len(known) == 1
    async with asyncio.timeout(60):
        while len(known):  # noqa: ASYNC110 (nothing tells when)
            await asyncio.sleep(0.01)
    assert known.of("127.0.0.1") == 0


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


# ---------------------------------------------------------------- one request after another


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


async def test_who_sends_many_at_once_leaves_the_others_their_turn() -> None:
    turns, seen = 0, list[int]()

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def answer(request: web.Request) -> web.Response:
        seen.append(turns)
        return web.Response(body=b"%04d" % len(seen))

    ticking = asyncio.create_task(others())
    async with answering(answer) as wire:
        wire.send(WHOLE * 100)
        assert [await wire.answer() for _ in range(100)] == [b"%04d" % n for n in range(1, 101)]
    ticking.cancel()
    assert len(set(seen)) == 100, "somebody had a turn between any two"


async def test_a_request_knows_nothing_of_the_one_before() -> None:
    seen = list[str | None]()

    async def answer(request: web.Request) -> web.Response:
        seen.append(logs.REQUEST_ID.get())
        logs.REQUEST_ID.set("r1")
        return web.Response(body=b"none")

    async with answering(answer) as wire:
        for _ in range(2):
            wire.send(WHOLE)
            assert await wire.answer() == b"none"
    assert seen == [None, None]


async def _ignoring(request: web.Request) -> web.Response:
    return web.Response(body=b"none")


async def test_a_body_that_nobody_wants_is_no_request() -> None:
    async with answering(_ignoring) as wire:
        wire.send(POST + b"GE")
        assert await wire.answer() == b"none"
        wire.send(b"T " + WHOLE)
        assert await wire.answer() == b"none"


async def test_who_does_not_send_the_body_is_waited_for_for_a_while_only() -> None:
    async with answering(_ignoring, lingering_time=0.1) as wire:
        wire.send(POST + b"ab")
        assert await wire.answer() == b"none"
        assert await wire.is_cut()


@pytest.mark.parametrize("version, words", [(b"1.1", b"Connection: close\r\n"), (b"1.0", b"")])
async def test_a_connection_ends_where_the_caller_wants_it(version: bytes, words: bytes) -> None:
    async with answering(_ignoring) as wire:
        wire.send(b"GET / HTTP/" + version + b"\r\nHost: here\r\n" + words + b"\r\n")
        async with asyncio.timeout(60):
            told = await wire.reader.read()
        assert told.count(b"200 OK") == 1 and told.endswith(b"none")


async def test_an_older_connection_is_kept_where_the_caller_asks() -> None:
    async with answering(_ignoring) as wire:
        for _ in range(2):
            wire.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            async with asyncio.timeout(60):
                head = await wire.reader.readuntil(b"\r\n\r\n")
                assert b"Connection: keep-alive" in head and await wire.reader.readexactly(4) == b"none"


async def test_a_failure_outside_of_every_word_ends_in_our_words() -> None:
    async def failing(request: web.Request) -> web.Response:
        raise ValueError("a secret")

    async with answering(failing) as wire:
        wire.send(WHOLE)
        status, _, body = await wire.refusal()
        assert status == b"HTTP/1.1 500 Internal Server Error"
        assert body["error"]["code"] == "INTERNAL_SERVER_ERROR" and "secret" not in str(body)


async def test_what_still_runs_is_ended_with_the_server() -> None:
    begun, ended = asyncio.Event(), list[str]()

    async def waiting(request: web.Request) -> web.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        raise AssertionError("nobody sets it")

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        server = serving(book(), answered_by(waiting))
        address = await server.__aenter__()
        wire = await stack.enter_async_context(connected(address))
        wire.send(WHOLE)
        await begun.wait()
        await server.__aexit__(None, None, None)
        assert ended == ["cancelled"]
        assert await wire.is_cut()


async def test_who_leaves_does_not_stop_what_they_began() -> None:
    begun, gone, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def working(request: web.Request) -> web.Response:
        begun.set()
        await gone.wait()
        while request.transport is not None:  # noqa: ASYNC110 (nothing tells when)
            await asyncio.sleep(0.01)
        done.set()
        return web.Response(body=b"none")

    async with asyncio.timeout(60), answering(working) as wire:
        wire.send(WHOLE)
        await begun.wait()
        wire.writer.transport.abort()
        gone.set()
        await done.wait()


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
