"""Connections that say nothing, or too slowly, over raw sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import web

from api.app import SERVER_OPTIONS
from api.edge.connections import Heads, listen

HEAD = b"GET / HTTP/1.1\r\nHost: here\r\n"
WHOLE = HEAD + b"\r\n"
POST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n\r\n"
#: Longer than any of these tests.
NEVER_S = 600.0


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> bytes:
        """The body of the next answer, which is four bytes."""
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            return await self.reader.readexactly(4)

    async def is_cut(self) -> bool:
        """Waits until the server has closed it without a word."""
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                assert await self.reader.read() == b""
        return True


async def _echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read() or b"none")


@asynccontextmanager
async def serving(heads: Heads) -> AsyncIterator[tuple[str, int]]:
    app = web.Application()
    app.router.add_route("*", "/", _echo)
    runner = web.AppRunner(app, shutdown_timeout=0.1, **SERVER_OPTIONS)
    await runner.setup()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = await listen(runner, listener, heads, backlog=16, **SERVER_OPTIONS)
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
    heads = Heads(0.1, 10)
    async with serving(heads) as address, connected(address) as wire:
        wire.send(sent)
        assert await wire.is_cut()
        assert not heads.owing


async def test_the_next_head_of_a_kept_connection_has_a_deadline_too() -> None:
    heads = Heads(0.1, 10)
    async with serving(heads) as address, connected(address) as wire:
        wire.send(WHOLE)
        assert await wire.answer() == b"none"
        wire.send(HEAD)
        assert await wire.is_cut()
        assert not heads.owing


async def test_who_waits_between_requests_or_sends_a_body_slowly_is_left_alone() -> None:
    async with serving(Heads(0.1, 10)) as address, connected(address) as idle, connected(address) as slow:
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


async def test_so_many_of_one_peer_may_owe_a_head() -> None:
    heads = Heads(NEVER_S, 2)
    async with serving(heads) as address, connected(address) as one, connected(address):
        async with connected(address) as surplus:
            assert await surplus.is_cut()
        assert heads.owing == {"127.0.0.1": 2}
        # Who has spoken is no longer counted, and stays connected.
        one.send(WHOLE)
        assert await one.answer() == b"none"
        async with connected(address) as another:
            another.send(WHOLE)
            assert await another.answer() == b"none"
        one.send(WHOLE)
        assert await one.answer() == b"none"
