"""One request after another on a connection: turns, bodies that nobody reads, and how it ends."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from dispatch import logs
from tests.api.edge.wires import POST, WHOLE, answered_by, answering, book, connected, serving


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

    async with AsyncExitStack() as server, AsyncExitStack() as client, asyncio.timeout(60):
        address = await server.enter_async_context(serving(book(), answered_by(waiting)))
        wire = await client.enter_async_context(connected(address))
        wire.send(WHOLE)
        await begun.wait()
        await server.aclose()
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
