"""Connections that do not say what they want: cut after a while, and few per peer."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from prometheus_client import Counter as Count

CUT = Count("dispatch_http_connections_cut_total", "Connections cut before a request head was whole", ["reason"])


class Heads:
    """How long a request head may take, and how many connections of one peer may owe one.

    The peer is whoever is at the other end of the TCP connection: a header can't speak for it before it is read.
    """

    def __init__(self, timeout_s: float, most_per_peer: int) -> None:
        self.timeout_s, self.most_per_peer = timeout_s, most_per_peer
        self.owing: Counter[str] = Counter()


class Connection(RequestHandler):
    """aiohttp's connection with a deadline for each request head.

    It runs from the connecting, or from the first byte of a further request; between requests the server's
    keep-alive time counts.
    """

    __slots__ = ("_deadline", "_heads", "_peer")

    def __init__(self, heads: Heads, server: web.Server, loop: asyncio.AbstractEventLoop, **options: Any) -> None:
        super().__init__(server, loop=loop, **options)
        self._heads = heads
        self._peer = ""
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        name = transport.get_extra_info("peername")
        self._peer = str(name[0]) if isinstance(name, tuple) else ""
        if self._heads.owing[self._peer] >= self._heads.most_per_peer:
            self._cut("too_many")
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        known = self._request_count
        super().data_received(data)
        if self._request_count != known:
            self._head_came()
        elif self._deadline is None and self._waiter is not None and not self._waiter.done():
            # It waits for a request, and this was not a whole head.
            self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._heads.owing[self._peer] += 1
        self._deadline = self._loop.call_later(self._heads.timeout_s, self._cut, "too_slow")

    def _head_came(self) -> None:
        if self._deadline is None:
            return
        self._deadline.cancel()
        self._deadline = None
        self._heads.owing[self._peer] -= 1
        if not self._heads.owing[self._peer]:
            del self._heads.owing[self._peer]

    def _cut(self, reason: str) -> None:
        CUT.labels(reason).inc()
        if self.transport is not None:
            self.transport.abort()


async def listen(
    runner: web.AppRunner, listener: socket.socket, heads: Heads, *, backlog: int, **options: Any
) -> asyncio.Server:
    """Answers on a bound socket with a runner that is set up; `options` are those of aiohttp's connections.

    Raises OSError when the socket can't be listened on.
    """
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None, "the runner is set up"
    return await loop.create_server(
        lambda: Connection(heads, server, loop, **options), sock=listener, backlog=backlog
    )
