"""Connections that say nothing, or too slowly, or are too many, over raw sockets."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import AsyncExitStack

import pytest
from aiohttp import web
from aiohttp.http import HttpRequestParser

from api.edge.connections import Connection
from tests.api.edge.wires import HEAD, POST, WHOLE, answered_by, book, connected, serving
from tests.api.live import until


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
            await until(lambda: len(known) == 1, "who has nothing to take stays")
            two.send(WHOLE)
            assert (await two.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")


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
        await until(lambda: not any(one.is_idle for one in known.all), "all are busy")
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


async def test_room_that_an_address_s_only_other_connection_makes_is_counted() -> None:
    async with (
        serving(known := book(most=1)) as address, connected(address) as one, connected(address) as two,
        connected(address) as three,
    ):  # fmt: skip
        assert await one.is_cut() and await two.is_cut()
        three.send(WHOLE)
        assert await three.answer() == b"none"
        assert known.of("127.0.0.1") == len(known) == 1
    await until(lambda: not len(known), "they have gone")
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


# ---------------------------------------------------------------- what is left of them


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
            await until(lambda: not len(known) and not served() - others, "they have gone")
        finally:
            gc.enable()
