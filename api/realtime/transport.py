"""One live socket: the Engine.IO driver that runs the receive loop, screens what comes in, and pings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web
from aiohttp.http_websocket import WebSocketError
from engineio import packet
from engineio.async_socket import AsyncSocket

from api.realtime.frames import (
    PING_FRAME,
    PONG,
    BadFrame,
    Head,
    Kind,
    ack_frame,
    check_body,
    frame,
    read_head,
)
from api.realtime.guard import Bucket, Grant
from api.realtime.hot import RATE_LIMITED
from api.realtime.writer import SocketWriter

if TYPE_CHECKING:
    from api.realtime.engine import HotEngine, HotServer

#: Awaited with the grant once the client knows that it is connected.
Joined = Callable[[Grant], Awaitable[None]]

#: What each cut is called on the wire; anything else is 1008, a policy violation.
_CLOSE_CODES = {"too_big": 1009, "malformed": 1002, "binary": 1003}


class HotWebSocket(SocketWriter):
    """The driver's `websocket` object (contract: built with a bound handler and the engine, then awaited).

    It also stands in for the library's queue, so that whatever anybody sends is written at once, in program
    order, and bounded.
    """

    __slots__ = (
        "_awaiting_pong",
        "_bucket",
        "_busy",
        "_floods",
        "_joined",
        "_server",
        "_socket",
        "_ws",
        "grants",
        "pending",
    )

    _ws: web.WebSocketResponse

    def __init__(self, handler: Any, engine: HotEngine) -> None:
        super().__init__(engine.hot.limits, engine.hot.stats, engine.hot.note_abuse)
        self._socket: AsyncSocket = handler.__self__
        self._server: HotServer = engine.hot
        self._bucket = Bucket(self._limits.events_per_s, self._limits.events_burst)
        self._floods: Bucket | None = None
        self._joined: tuple[str, ...] = ()
        self._busy = self._awaiting_pong = False
        self.grants: dict[str, Grant] = {}
        self.pending: dict[str, tuple[Grant, Joined | None]] = {}

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        request: web.Request = environ["aiohttp.request"]
        self.address = environ["REMOTE_ADDR"]
        limits, sid = self._limits, self._socket.sid
        # The library refuses a message of exactly its maximum, hence the one more.
        self._ws = web.WebSocketResponse(
            compress=False, autoping=False, timeout=limits.linger_s, max_msg_size=limits.max_frame_bytes + 1
        )
        try:
            await self._ws.prepare(request)
            if request.transport is None:
                raise ConnectionResetError("gone during the handshake")
            self.open(request.transport)
            self._server.live[sid] = self
            self._stats["opened"] += 1
            await self._run()
        finally:
            await self._end(sid)
        return self._ws

    # -- receiving -------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        socket = self._socket
        socket.connected = socket.upgraded = True
        waiting, socket.queue = socket.queue, self
        while not waiting.empty():  # the OPEN packet
            await self.put(waiting.get_nowait())
        self._arm_deadline(self._limits.auth_timeout_s, "auth_timeout")
        self._heartbeat = self._loop.call_later(self._limits.ping_interval_s, self._beat)
        receive, hot_events, stats = self._ws.receive, self._server.hot_events, self._stats
        while self.cut_reason is None and not socket.closed:
            message = await receive()
            if message.type is not WSMsgType.TEXT:
                if not self._other(message.type, message.data):
                    return
                continue
            text = message.data
            for hot in hot_events:
                if text.startswith(hot.prefix) and hot.take(self, text, stats):
                    break
            else:
                stats["slow_frames"] += 1
                await self._slow(text)

    def _other(self, kind: WSMsgType, data: Any) -> bool:
        """A message that is not text; False ends the loop."""
        if kind is WSMsgType.PING:
            if self._bucket.take():
                self.write(frame(data, PONG))
            else:
                self.limited()
            return True
        if kind is WSMsgType.PONG:
            return True
        if kind is WSMsgType.BINARY:
            self._abuse("binary")
        elif isinstance(data, WebSocketError):
            self._abuse("too_big" if data.code == 1009 else "malformed")
        return False

    async def _slow(self, text: str) -> None:
        """A frame for the library, once it is known to be sound and within the rate."""
        if text == "3":
            self._pong()
        elif text == "1":
            await self._receive(packet.Packet(packet.CLOSE))
        else:
            try:
                head = read_head(text)
                if not self._bucket.take():
                    self._refuse_event(head)
                    return
                check_body(head, self._limits.max_depth)
            except BadFrame as bad:
                self._abuse(bad.reason)
            else:
                await self._receive(packet.Packet(packet.MESSAGE, data=text[1:]))

    async def _receive(self, pkt: packet.Packet) -> None:
        self._busy = True
        try:
            await self._socket.receive(pkt)
        finally:
            self._busy = False

    def _refuse_event(self, head: Head) -> None:
        self._stats["events_limited"] += 1
        if head.kind is Kind.EVENT and head.ack_id:
            self.write(ack_frame(head.namespace, head.ack_id, RATE_LIMITED))
        self.limited()

    def limited(self) -> None:
        """Something of this socket was refused for its rate; whoever goes on regardless is cut."""
        if self._floods is None:
            self._floods = Bucket(self._limits.events_per_s, self._limits.flood_burst)
        if not self._floods.take():
            self._abuse("flood")

    def _abuse(self, reason: str) -> None:
        if self.cut_reason is None:
            self._note_abuse(reason, self.address)
            self.cut(reason, code=_CLOSE_CODES.get(reason, 1008))

    # -- in place of the library's queue ---------------------------------------------------------------------

    async def put(self, pkt: packet.Packet | None) -> None:
        """Where the library's sends arrive."""
        if pkt is None:
            return
        encoded = pkt.encode()
        self.write(frame(encoded.encode()) if isinstance(encoded, str) else frame(encoded, 0x82))
        if pkt.packet_type == packet.CLOSE:
            self.cut("closed_by_server", code=1000)
        elif not self._joined and isinstance(pkt.data, str) and pkt.data[:1] == str(int(Kind.CONNECT_ERROR)):
            self.cut("refused")  # the refusal itself has been written and is flushed

    async def join(self) -> None:
        """Nothing is ever queued here."""

    # -- the heartbeat and the end ---------------------------------------------------------------------------

    def _beat(self) -> None:
        self._awaiting_pong = True
        self.write(PING_FRAME)
        if self.cut_reason is None:
            self._heartbeat = self._loop.call_later(self._limits.ping_timeout_s, self._late)

    def _late(self) -> None:
        if self._busy:
            # Its pong may wait behind a command that we have not finished.
            self._heartbeat = self._loop.call_later(self._limits.ping_timeout_s, self._late)
        else:
            self.cut("ping_timeout", abort=True)

    def _pong(self) -> None:
        if self._awaiting_pong:
            self._awaiting_pong = False
            if self._heartbeat is not None:
                self._heartbeat.cancel()
            self._heartbeat = self._loop.call_later(self._limits.ping_interval_s, self._beat)
        elif not self._bucket.take():
            self.limited()

    async def joined(self, namespace: str) -> None:
        """The namespace's connect handler accepted, and the client was told."""
        grant, then = self.pending.pop(namespace, (None, None))
        self._joined += (namespace,)
        self._stats["joined"] += 1
        if self.cut_reason is None:
            if grant is not None:
                self.grants[namespace] = grant
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None
        if grant is not None and then is not None:
            await then(grant)

    def held(self) -> list[Grant]:
        """The grants that work, and those whose connect handler is still at work."""
        return [*self.grants.values(), *(grant for grant, _ in self.pending.values())]

    def left(self, namespace: str) -> None:
        """The namespace is being left, or its connect handler refused."""
        self.pending.pop(namespace, None)
        self.grants.pop(namespace, None)
        self._joined = tuple(name for name in self._joined if name != namespace)
        if not self._joined and self.cut_reason is None and self._deadline is None:
            self._arm_deadline(self._limits.auth_timeout_s, "auth_timeout")

    def _arm_deadline(self, delay_s: float, reason: str) -> None:
        self._deadline = self._loop.call_later(delay_s, self._abuse, reason)

    def withdraw(self) -> None:
        """Takes back every grant; a connect handler still at work is left to finish."""
        self.grants.clear()

    async def _end(self, sid: str) -> None:
        if self._server.live.get(sid) is self:
            self._stats["closed"] += 1
            self._cancel_timers()
            self.withdraw()
            # A closing handshake may still come, but a peer that reads nothing cannot hold the connection.
            self._loop.call_later(2 * self._limits.linger_s, self._transport.abort)
        reason = self.cut_reason or self._socket.server.reason.TRANSPORT_CLOSE
        try:
            await self._socket.close(wait=False, abort=True, reason=reason)
        finally:
            self._server.live.pop(sid, None)
            self._socket.server.sockets.pop(sid, None)
