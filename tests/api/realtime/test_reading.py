"""Many sockets behind one descriptor: so many are read in a turn of the loop, and an end is only told."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from api.realtime import reading as module
from api.realtime.reading import Reading
from api.realtime.timers import SLICE
from tests.api.realtime.conftest import Serve, until

MOST = 3


@dataclass
class Line(asyncio.Protocol):
    """One end is read here, the other is the peer's."""

    peer: socket.socket
    heard: list[bytes] = field(default_factory=list)
    is_gone: bool = False
    fault: Exception | None = None
    fd: int = -1
    transport: asyncio.Transport = field(init=False)

    def data_received(self, data: bytes) -> None:
        if self.fault is not None:
            raise self.fault
        self.heard.append(data)

    def gone(self) -> None:
        self.is_gone = True


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", MOST)


@asynccontextmanager
async def lines(reading: Reading, count: int) -> AsyncIterator[list[Line]]:
    made: list[Line] = []
    for _ in range(count):
        here, there = socket.socketpair()
        line = Line(there)
        line.transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda line=line: line, here)
        line.fd = reading.add(line.transport, line)
        made.append(line)
    try:
        yield made
    finally:
        reading.stop()
        for line in made:
            line.transport.abort()
            line.peer.close()


async def a_turn_each(done: list[Line], is_done: str, wanted: int) -> list[int]:
    """How many were done after each turn of the loop, until all are."""
    seen = [0]
    while seen[-1] < wanted:
        await asyncio.sleep(0)
        seen.append(sum(bool(getattr(line, is_done)) for line in done))
    return seen


async def test_of_all_that_are_ready_some_are_read_a_turn(few: None) -> None:
    async with lines(Reading(), 10) as made:
        for line in made:
            line.peer.send(b"one")
        seen = await a_turn_each(made, "heard", len(made))
        assert max(after - before for before, after in pairwise(seen)) == MOST
        assert [line.heard for line in made] == [[b"one"]] * 10


async def test_an_end_is_told_after_all_that_came_and_closes_nothing(few: None) -> None:
    async with lines(Reading(), 10) as made:
        for line in made:
            line.peer.send(b"last")
            line.peer.close()
        seen = await a_turn_each(made, "is_gone", len(made))
        assert max(after - before for before, after in pairwise(seen)) <= MOST
        assert [line.heard for line in made] == [[b"last"]] * 10
        assert not any(line.transport.is_closing() for line in made)


async def test_who_is_paused_is_read_when_it_goes_on() -> None:
    reading = Reading()
    async with lines(reading, 2) as (paused, other):
        reading.pause(paused.fd, paused.transport)
        for line in (paused, other):
            line.peer.send(b"one")
        await until(lambda: other.heard, "the other is read")
        assert not paused.heard
        reading.resume(paused.fd, paused.transport, paused)
        await until(lambda: paused.heard == [b"one"], "read after all")


async def test_what_cannot_be_read_ends_its_own_connection_only() -> None:
    async with lines(Reading(), 2) as (broken, other):
        broken.fault = ValueError("no frame")
        for line in (broken, other):
            line.peer.send(b"one")
        await until(lambda: other.heard, "the other is read")
        assert await asyncio.get_running_loop().run_in_executor(None, broken.peer.recv, 1) == b""
        assert not other.transport.is_closing()


async def test_whose_connection_is_closing_is_not_read() -> None:
    async with lines(Reading(), 2) as (closing, other):
        closing.transport.close()
        for line in (closing, other):
            line.peer.send(b"one")
        await until(lambda: other.heard, "the other is read")
        assert not closing.heard and not closing.is_gone


async def test_without_epoll_the_loop_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "epoll")
    reading = Reading()
    async with lines(reading, 1) as (line,):
        reading.pause(line.fd, line.transport)
        line.peer.send(b"one")
        reading.resume(line.fd, line.transport, line)
        await until(lambda: line.heard == [b"one"], "read by the loop")


async def test_sockets_that_all_end_at_one_time_are_closed_some_a_turn(serve: Serve) -> None:
    running = await serve()
    greeting = (
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    peers = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(5 * SLICE)]
    for peer in peers:
        peer.send(greeting)
    await until(lambda: running.stats["opened"] == len(peers), "all are open")
    for peer in peers:
        # Without a goodbye, as when the network or a proxy breaks.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    seen = [0]
    while seen[-1] < len(peers):
        await asyncio.sleep(0)
        seen.append(running.stats["closed"])
    assert max(after - before for before, after in pairwise(seen)) <= SLICE
    await until(lambda: not running.server.live, "all are out of the books")
