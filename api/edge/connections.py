"""Connections: cut when they do not say what they want, few per peer, and answered in our words when it is no HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any, cast

from aiohttp import web
from aiohttp.http import HttpProcessingError, HttpVersion11
from aiohttp.http_exceptions import LineTooLong
from aiohttp.web_protocol import PayloadAccessError, RequestHandler, RequestPayloadError
from prometheus_client import Counter as Count

from api.wire.answers import problem_response
from api.wire.dialects import MINUTESERV
from dispatch.access.networks import network_of
from dispatch.clock import Clock
from dispatch.logs import Throttle, get_logger

log = get_logger("dispatch.http")

CUT = Count("dispatch_http_connections_cut_total", "Connections cut by the server", ["reason"])
MALFORMED = Count("dispatch_http_malformed_total", "Requests that were no HTTP", ["kind"])
#: Of requests that are no HTTP one in so many seconds leaves a line.
LINE_EVERY_S = 10.0
#: What only the other side can have caused.
_THEIRS = (HttpProcessingError, RequestPayloadError, PayloadAccessError, ConnectionError)


#: Takes a connection over by its first bytes, and answers whether it did: sockets need no HTTP server for that.
Greet = Callable[[asyncio.Transport, bytes], bool]
GREET: web.AppKey[Greet] = web.AppKey("greet")


class Book:
    """The open connections, by peer; sockets leave it with their handshake, and are counted elsewhere.

    The peer is whoever is at the other end of the TCP connection: a header can't speak for it before it is read.
    """

    def __init__(
        self, clock: Clock, *, head_timeout_s: float, most_per_peer: int | None, most_files: int | None = None
    ) -> None:
        """`most_per_peer` is None behind proxies, whose connections are those of everybody. From the descriptor
        `most_files` on, idle connections make room, so that accepting never runs out of files.
        """
        self.clock = clock
        self.head_timeout_s = head_timeout_s
        self.lines = Throttle(LINE_EVERY_S)
        self._most_per_peer, self._most_files = most_per_peer, most_files
        #: In the order of their coming.
        self.all: dict[Connection, None] = {}
        self._of: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return len(self.all)

    def of(self, peer: str) -> int:
        """How many one peer has open."""
        return len(self._of.get(peer, ()))

    def enter(self, connection: Connection, descriptor: int) -> bool:
        """Takes it in; over a cap the oldest that has nothing under way makes room, and without one it is refused."""
        mine = self._of.setdefault(connection.peer, {})
        fits = self._most_per_peer is None or len(mine) < self._most_per_peer or self._make_room(mine)
        if fits and self._most_files is not None and descriptor >= self._most_files:
            fits = self._make_room(self.all)
        if fits:
            self.all[connection] = mine[connection] = None
        elif not mine:
            del self._of[connection.peer]
        return fits

    def leave(self, connection: Connection) -> None:
        if connection not in self.all:
            return
        del self.all[connection]
        mine = self._of[connection.peer]
        del mine[connection]
        if not mine:
            del self._of[connection.peer]

    def _make_room(self, among: dict[Connection, None]) -> bool:
        idle = next((one for one in among if one.is_idle), None)
        if idle is None:
            return False
        self.leave(idle)
        idle.cut("made_room")
        return True


class Connection(RequestHandler):
    """aiohttp's connection with a deadline for each request head, a place in the book, and our words for bad HTTP.

    The deadline runs from the connecting, or from the first byte of a further request; between requests the
    server's keep-alive time counts. The library knows a connection from its first bytes on, unless `greet` took it,
    and only then has it the library's parser: with that it is a circle, which only the garbage collector undoes.
    """

    __slots__ = ("_book", "_deadline", "_greet", "_is_http", "_options", "_server", "peer")

    def __init__(
        self, book: Book, server: web.Server, loop: asyncio.AbstractEventLoop, greet: Greet | None,
        options: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """`options` are those of the library's connections."""
        self.transport: asyncio.Transport | None = None
        self._loop = loop
        self._book, self._greet, self._is_http = book, greet, False
        self._server, self._options = server, options
        self.peer = ""
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Nothing of it is being answered, and nothing waits to be."""
        return not self._is_http or (self._current_request is None and not self._messages)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked: uvloop's transports are of no such class.
        self.transport = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername")
        self.peer = network_of(str(name[0])) if isinstance(name, tuple) else ""
        if self._book.enter(self, transport.get_extra_info("socket").fileno()):
            self._await_head()
        else:
            self.cut("too_many")

    def data_received(self, data: bytes) -> None:
        if not self._is_http:
            transport = self.transport
            assert transport is not None, "it is open"
            if self._greet is not None and self._greet(transport, data):
                self._left()
                return
            self._is_http = True
            super().__init__(self._server, loop=self._loop, **self._options)
            super().connection_made(transport)
        known = self._request_count
        super().data_received(data)
        if self._request_count != known:
            self._head_came()
        elif self._deadline is None and self._waiter is not None and not self._waiter.done():
            # It waits for a request, and this was not a whole head.
            self._await_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._left()
        if self._is_http:
            super().connection_lost(exc)

    def _left(self) -> None:
        self._head_came()
        self._book.leave(self)
        if not self._is_http:
            self.transport = None

    def cut(self, reason: str) -> None:
        CUT.labels(reason).inc()
        if self.transport is not None:
            self.transport.abort()

    def _await_head(self) -> None:
        self._deadline = self._loop.call_later(self._book.head_timeout_s, self.cut, "too_slow")

    def _head_came(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # ------------------------------------------------------------ what is no HTTP

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The library asks for the answer to what it could not read; its own names itself and repeats the bytes."""
        if not isinstance(exc, _THEIRS):
            log.error("a request failed outside of its handler", exc_info=exc is not None)
        else:
            self._tell(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        request._version = HttpVersion11
        words = (status, "BAD_REQUEST", "This is no HTTP request that can be read.")
        if isinstance(exc, LineTooLong):
            words = (431, "REQUEST_HEADERS_TOO_LARGE", "The address or a header of the request is too long.")
        elif status >= 500:
            words = (status, "INTERNAL_SERVER_ERROR", "Something went wrong on our side.")
        headers = {"Server": "dispatch", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
        response = problem_response(MINUTESERV, self._book.clock, *words, headers)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **options: Any) -> None:
        """The library's lines hold what was sent: a token in a bad header, a code in a bad chunk."""
        exc = options.get("exc_info")
        if isinstance(exc, _THEIRS):
            self._tell(exc)
        else:
            log.error("a connection failed", exc_info=exc is not None)

    def _tell(self, exc: BaseException) -> None:
        kind = type(exc).__name__
        MALFORMED.labels(kind).inc()
        if (unsaid := self._book.lines.take()) is not None:
            log.warning("a request that is no HTTP", kind=kind, unsaid=unsaid)


async def listen(
    runner: web.AppRunner, listener: socket.socket, book: Book, *, backlog: int, **options: Any
) -> asyncio.Server:
    """Answers on a bound socket with a runner that is set up; `options` are those of aiohttp's connections. Sockets are
    opened by the application's GREET, where it has one.

    Raises OSError when the socket can't be listened on.
    """
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None, "the runner is set up"
    greet = runner.app.get(GREET)

    def connection() -> Connection:
        return Connection(book, server, loop, greet, options)

    return await loop.create_server(connection, sock=listener, backlog=backlog)
