"""One live socket: what comes in is screened and costs, goes the short way or the library's; heartbeat and end."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from engineio import packet
from engineio.async_socket import AsyncSocket

from api.realtime.frames import (
    PING_FRAME,
    BadFrame,
    Head,
    Kind,
    ack_frame,
    ack_head,
    check_body,
    frame,
    read_head,
    refusal_frame,
)
from api.realtime.guard import Bucket, Grant
from api.realtime.hot import RATE_LIMITED
from api.realtime.hub import Hub
from api.realtime.receiver import Receiver

log = logging.getLogger(__name__)

#: Awaited with the grant once the client knows that it is connected.
Joined = Callable[[Grant], Awaitable[None]]

#: What each cut is called on the wire; anything else is 1008, a policy violation.
_CLOSE_CODES = {"too_big": 1009, "malformed": 1002, "binary": 1003}
_NORMAL = (1000).to_bytes(2, "big")


class HotWebSocket(Receiver):
    """The connection's protocol, and what the library takes for its queue: whatever anybody sends is written at
    once, in program order, and bounded.

    Location frames are answered while their bytes are being read. Everything else goes through one short task per
    burst, in order; while that works, location frames of the same socket wait behind it.
    """

    __slots__ = (
        "_awaiting_pong",
        "_beats",
        "_bucket",
        "_fd",
        "_floods",
        "_is_lost",
        "_joined",
        "_seat",
        "_server",
        "_sign_in_by",
        "_socket",
        "_waiting",
        "_waiting_bytes",
        "_worker",
        "grants",
        "pending",
        "sessions",
    )

    def __init__(self, server: Hub, socket: AsyncSocket, address: str, seat: str) -> None:
        super().__init__(server.limits, server.stats, server.note_abuse)
        self.address = address
        self._server, self._socket = server, socket
        self._seat: str | None = seat
        self._fd = -1
        self._bucket: Bucket | None = None
        self._floods: Bucket | None = None
        self._joined: tuple[str, ...] = ()
        self._awaiting_pong = self._is_lost = False
        self._beats = 0
        self._waiting: deque[tuple[bytearray, bool]] | None = None
        self._waiting_bytes = 0
        self._worker: asyncio.Task[None] | None = None
        self._sign_in_by = 0.0
        self.sessions: tuple[str, ...] = ()
        self.grants: dict[str, Grant] = {}
        self.pending: dict[str, tuple[Grant, Joined | None]] | None = None

    @property
    def sid(self) -> str:
        """The Engine.IO sid."""
        return str(self._socket.sid)

    def opened(self, transport: asyncio.Transport) -> None:
        super().opened(transport)
        self._fd = self._server.reading.add(transport, self)
        self._server.live[self._socket.sid] = self
        self._stats["opened"] += 1
        self._await_sign_in()
        self._server.beats.add(self)

    # -- receiving -------------------------------------------------------------------------------------------

    def text(self, payload: bytearray) -> None:
        is_first = self._worker is None
        if is_first:
            for hot in self._server.hot_events:
                if hot.take(self, payload, self._stats):
                    return
        if payload == b"3":
            self._stats["slow_frames"] += 1
            self._pong()
        else:
            self._later(payload, was_tried=is_first)

    def _later(self, payload: bytearray, *, was_tried: bool) -> None:
        if self._waiting is None:
            self._waiting = deque()
        self._waiting.append((payload, was_tried))
        self._waiting_bytes += len(payload)
        if self._worker is None:
            self._worker = self._loop.create_task(self._work(), name="socket")
        elif not self._is_paused and (
            len(self._waiting) >= self._limits.most_waiting or self._waiting_bytes >= self._limits.most_waiting_bytes
        ):
            if not self.grants:
                # Whoever is still being let in has nothing to say that would wait.
                self._abuse("flood")
                return
            # The kernel holds the rest back, and with it the peer.
            self._is_paused = True
            self._stats["paused"] += 1
            self._server.reading.pause(self._fd, self._transport)

    async def _work(self) -> None:
        """What is not for the short way, one after the other; then, if the connection has ended, the end."""
        waiting = self._waiting
        assert waiting is not None, "made before the task"
        try:
            while waiting and self.cut_reason is None and not self._socket.closed:
                payload, was_tried = waiting.popleft()
                self._waiting_bytes -= len(payload)
                if was_tried or not any(hot.take(self, payload, self._stats) for hot in self._server.hot_events):
                    await self._one(payload)
                if self._is_paused and len(waiting) <= self._limits.most_waiting // 2:
                    self._resume()
        except Exception:
            log.exception("a frame could not be handled")
            self.cut("failed", code=1011)
        finally:
            self._waiting, self._waiting_bytes, self._worker = None, 0, None
        if self._is_lost:
            await self._end()

    def _resume(self) -> None:
        """Reads on, when what has come already leaves room for more."""
        self._is_paused = False
        if self._pending is not None:
            self.data_received(b"")
        if not self._is_paused and self.cut_reason is None:
            self._server.reading.resume(self._fd, self._transport, self)

    async def _one(self, payload: bytearray) -> None:
        self._stats["slow_frames"] += 1
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self.violated("malformed", 1007)
            return
        if text == "1":
            await self._socket.receive(packet.Packet(packet.CLOSE))
            self._is_closing = True
            self.close_after(_NORMAL)
            return
        try:
            head = read_head(text)
            if not self.bucket.take(1 + len(payload) // self._limits.bytes_per_event):
                self._refuse_event(head)
                return
            body = check_body(head, self._limits.max_depth)
        except BadFrame as bad:
            self._abuse(bad.reason)
            return
        if head.kind is not Kind.CONNECT:
            await self._socket.receive(packet.Packet(packet.MESSAGE, data=text[1:]))
        elif why := self._server.no_door(self, head.namespace):
            self.refuse(head.namespace, why)
        else:
            await self._server.join(self, head.namespace, body)

    # -- what it costs ---------------------------------------------------------------------------------------

    @property
    def bucket(self) -> Bucket:
        """Who pays: the principal once there is one, before it this socket by a small allowance."""
        found = self._bucket
        if found is None:
            found = self._bucket = Bucket(self._limits.unsigned_per_s, self._limits.unsigned_burst)
        return found

    def spend(self) -> bool:
        if self.bucket.take():
            return True
        self.limited()
        return False

    def _refuse_event(self, head: Head) -> None:
        self._stats["events_limited"] += 1
        if head.kind is Kind.EVENT and head.ack_id:
            self.write(ack_frame(ack_head(head.namespace), head.ack_id.encode(), RATE_LIMITED))
        self.limited()

    def limited(self) -> None:
        """Something of this socket was refused for its rate; whoever goes on regardless is cut."""
        if self._floods is None:
            self._floods = Bucket(self._limits.flood_per_s, self._limits.flood_burst)
        if not self._floods.take():
            self._abuse("flood")

    def violated(self, reason: str, code: int) -> None:
        if self.cut_reason is None:
            self._note_abuse(reason, self.address)
            self.cut(reason, code=code)

    def _abuse(self, reason: str) -> None:
        self.violated(reason, _CLOSE_CODES.get(reason, 1008))

    def refuse(self, namespace: str, why: dict[str, Any]) -> None:
        """Refuses to connect a namespace, in the shape in which the library refuses."""
        self.write(refusal_frame(namespace, why))
        if not self._joined:
            self.cut("refused")  # the refusal itself has been written and is flushed

    # -- in place of the library's queue ---------------------------------------------------------------------

    async def put(self, pkt: packet.Packet | None) -> None:
        """Where the library's sends arrive."""
        if pkt is None:
            return
        encoded = pkt.encode()
        self.write(frame(encoded.encode()) if isinstance(encoded, str) else frame(encoded, 0x82))
        if pkt.packet_type == packet.CLOSE:
            self.cut("closed_by_server", code=1000)

    async def join(self) -> None:
        """Nothing is ever queued here."""

    # -- the heartbeat ---------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Pings the peer, one interval after its last pong."""
        if self.cut_reason is not None or self._is_lost:
            return
        self._awaiting_pong = True
        self._beats += 1
        self.write(PING_FRAME)
        self._server.lates.add((self, self._beats))

    def late(self, beats: int) -> None:
        """The time for the pong of this beat is over."""
        if not self._awaiting_pong or beats != self._beats or self.cut_reason is not None or self._is_lost:
            return
        if self._is_paused:
            # Its pong may wait behind commands that we have not finished.
            self._server.lates.add((self, beats))
        else:
            self.cut("ping_timeout", abort=True)

    def _pong(self) -> None:
        if self._awaiting_pong:
            self._awaiting_pong = False
            self._server.beats.add(self)
        else:
            self.spend()

    # -- signing in ------------------------------------------------------------------------------------------

    def _await_sign_in(self) -> None:
        self._sign_in_by = self._loop.time() + self._limits.auth_timeout_s
        self._server.unsigned.add(self)

    def unsigned(self) -> None:
        """The time to sign in that was given some time ago is over."""
        is_due = self._loop.time() >= self._sign_in_by
        if is_due and not self._joined and self.cut_reason is None and not self._is_lost:
            self._abuse("auth_timeout")

    async def joined(self, namespace: str) -> None:
        """The namespace's connect handler accepted, and the client was told."""
        grant, then = (self.pending or {}).pop(namespace, (None, None))
        self._joined += (namespace,)
        self.most_bytes = self._limits.max_frame_bytes
        self._stats["joined"] += 1
        if grant is not None and self.cut_reason is None:
            self.grants[namespace] = grant
            self._bucket = grant.budget.events
        if grant is not None and then is not None:
            await then(grant)

    def held(self) -> list[Grant]:
        """The grants that work, and those whose connect handler is still at work."""
        return [*self.grants.values(), *(grant for grant, _ in (self.pending or {}).values())]

    def has(self, namespace: str) -> bool:
        """Whether the namespace is connected, or about to be."""
        return namespace in self._joined or namespace in (self.pending or {})

    def left(self, namespace: str) -> None:
        """The namespace is being left, or its connect handler refused."""
        if self.pending is not None:
            self.pending.pop(namespace, None)
        self.grants.pop(namespace, None)
        if namespace in self._joined:
            self._joined = tuple(name for name in self._joined if name != namespace)
            if not self._joined:
                self.most_bytes = min(self._limits.max_unsigned_bytes, self._limits.max_frame_bytes)
                if self.cut_reason is None:
                    self._await_sign_in()

    def withdraw(self) -> None:
        """Takes back every grant; a connect handler still at work is left to finish."""
        self.grants.clear()

    # -- the end ---------------------------------------------------------------------------------------------

    def gone(self) -> None:
        self._give_up()
        self._server.closing.add(self)

    def close(self) -> None:
        """The peer is gone: what closing costs is paid in its turn. It said no farewell, so nothing is owed: whoever
        reads nothing any more would hold the connection by what waits to be written."""
        self._transport.abort()

    @property
    def is_gone(self) -> bool:
        """Whether the peer has ended the connection, whatever of it is still at work."""
        return self._seat is None

    def _give_up(self) -> None:
        if self._seat is not None:
            self._server.gave_up(self, self._seat)
            self._seat = None

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._linger is not None:
            self._linger.cancel()
        self._is_lost = True
        self._pending = self._message = None
        self._server.reading.drop(self._fd)
        self._give_up()
        self._stats["closed"] += 1
        if self._worker is None:
            # What has been read was handled. Otherwise the end follows it.
            self._server.ended.add(self)

    def finish(self) -> None:
        """The connection has ended, and nothing of it is at work."""
        self._worker = self._loop.create_task(self._end(), name="socket end")

    async def _end(self) -> None:
        """The disconnect handlers of the joined namespaces run, once."""
        self.withdraw()
        engine, sid = self._socket.server, self._socket.sid
        try:
            reason = self.cut_reason or engine.reason.TRANSPORT_CLOSE
            await self._socket.close(wait=False, abort=True, reason=reason)
        except Exception:
            log.exception("a socket did not end as it should")
        finally:
            self._server.live.pop(sid, None)
            engine.sockets.pop(sid, None)
            self._server.forgot(self)
            # It stands in for the library's queue, and its last task holds it: circles, for the collector alone.
            self._socket.queue = self._worker = None
