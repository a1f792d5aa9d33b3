"""Connections: cut when they do not say what they want, few per peer, and answered in our words when it is no HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from typing import Any, cast

from aiohttp import web
from aiohttp.http import HttpProcessingError, HttpVersion11, StreamWriter
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import ERROR, PayloadAccessError, RequestHandler, RequestPayloadError, _ErrInfo
from prometheus_client import Counter as Count

from api.edge.seams import assert_seams
from api.edge.ways import Handle, Ways
from api.wire.answers import problem_response
from api.wire.dialects import MINUTESERV
from dispatch.access.networks import network_of
from dispatch.clock import Clock
from dispatch.logs import REQUEST_ID, Throttle, get_logger

log = get_logger("dispatch.http")

CUT = Count("dispatch_http_connections_cut_total", "Connections cut by the server", ["reason"])
MALFORMED = Count("dispatch_http_malformed_total", "Requests that were no HTTP", ["kind"])
#: A connection whose peer takes nothing of what was sent for so long is cut by the system: a phone that went dark, a
#: program that does not read. Without it the answer would hold its place for a quarter of an hour, or for ever.
UNREAD_S = 120.0
#: Of requests that are no HTTP one in so many seconds leaves a line.
LINE_EVERY_S = 10.0
#: What only the other side can have caused.
_THEIRS = (HttpProcessingError, RequestPayloadError, PayloadAccessError, ConnectionError)
#: What a handler meets that reads a body after its answer.
_TOO_LATE = PayloadAccessError()


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
        # Whoever made room may have been the last of this peer's, and took its place in the book along.
        if fits:
            self.all[connection] = None
            self._of.setdefault(connection.peer, {})[connection] = None
        elif not self._of.get(connection.peer):
            self._of.pop(connection.peer, None)
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
        """Nothing of it is being answered, to the last byte, and nothing waits to be."""
        return not self._is_http or not (self._request_in_progress or self._messages)

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

    # ------------------------------------------------------------ one request after another

    async def _left_a_turn(self) -> bool:
        """The others had theirs. False: the connection has ended meanwhile."""
        await asyncio.sleep(0)
        return not self._force_close

    async def start(self) -> None:
        """The library's loop without its task for each request: making and waking one is a tenth of a short answer.

        What a handler leaves in the context is there for the next one: nothing of ours but the request's id.
        """
        manager, make, handle = self._manager, self._request_factory, self._request_handler
        assert manager is not None and make is not None and handle is not None, "it is open"
        while not self._force_close:
            if self._messages:
                # Whoever sends many requests at once waits for the others' turn after each.
                if not await self._left_a_turn():
                    break
            else:
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                finally:
                    self._waiter = None
            message, payload = self._messages.popleft()
            if self._parser is not None:
                self._parser.message_consumed()
            if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
                self._resume_reading_if_drained()
            manager.requests_count += 1
            answer = handle
            if isinstance(message, _ErrInfo):
                answer, message = self._make_error_handler(message), ERROR
            # The task is no name of this frame: when it is cancelled it holds the frame by its traceback, a circle.
            request = make(
                message, payload, self, StreamWriter(self, self._loop),
                cast("asyncio.Task[None]", self._task_handler or asyncio.current_task()),
            )  # fmt: skip
            if not await self._answered(request, payload, answer) or self._close or self._force_close:
                break
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
            if self._keepalive_handle is None:
                self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)
        if not self._force_close:
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    async def _answered(self, request: web.BaseRequest, payload: StreamReader, answer: Handle) -> bool:
        """Answers one request; whether the connection may take another."""
        try:
            try:
                response, is_lost = await self._handle_request(request, None, answer)
            except ConnectionError:
                return False
            if is_lost:
                return False
            self._keepalive = bool(response.keep_alive)
            if not payload.is_eof():
                await self._read_out(payload)
            payload.set_exception(_TOO_LATE)
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:
            self.log_exception("Unhandled exception", exc_info=error)
            self.force_close()
        finally:
            REQUEST_ID.set(None)
            # Only the collector would end the circle of task, frame and request.
            request._task = None  # type: ignore[assignment]
        return self._keepalive

    async def _read_out(self, payload: StreamReader) -> None:
        """Throws away what is left of a body, for a while, so that whoever still sends it can read the answer."""
        if not self._force_close and self._lingering_time:
            try:
                async with asyncio.timeout(self._lingering_time):
                    while not payload.is_eof():
                        await payload.readany()
            except TimeoutError:
                pass
            except asyncio.CancelledError:
                # A body ends with it, too, when the server closes.
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise
        if not payload.is_eof() and not self._force_close:
            self.close()

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
    runner: web.AppRunner, listener: socket.socket, book: Book, *, backlog: int, unread_s: float = UNREAD_S,
    **options: Any,
) -> asyncio.Server:  # fmt: skip
    """Answers on a bound socket with a runner that is set up; `options` are those of aiohttp's connections. Sockets are
    opened by the application's GREET, where it has one; `unread_s` is for theirs as well, which beat more often.

    Raises OSError when the socket can't be listened on, RuntimeError when the library is not the one that we know.
    """
    loop, server = asyncio.get_running_loop(), runner.server
    assert server is not None, "the runner is set up"
    assert_seams()
    server.request_handler = Ways(runner.app)
    greet = runner.app.get(GREET)
    if hasattr(socket, "TCP_USER_TIMEOUT") and listener.family in (socket.AF_INET, socket.AF_INET6):
        # Whoever is accepted inherits it.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(unread_s * 1000))

    def connection() -> Connection:
        return Connection(book, server, loop, greet, options)

    return await loop.create_server(connection, sock=listener, backlog=backlog)
