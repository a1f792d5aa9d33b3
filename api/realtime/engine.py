"""The socket server: python-socketio on our own connections, with admission, grants, the hot path and fan-out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cached_property
from typing import Any

import engineio
import socketio
from aiohttp import web
from engineio.async_socket import AsyncSocket
from socketio.exceptions import ConnectionRefusedError

from api.edge.connections import GREET
from api.realtime.frames import HotPacket, encode, event_frame, frame, joined_frame
from api.realtime.guard import (
    COUNTERS,
    Addresses,
    Budgets,
    Grant,
    Origins,
    QuietLog,
    SocketLimits,
    carries_token,
)
from api.realtime.handshake import accept_of, has_body, plain_handshake, switch, take_over
from api.realtime.hot import HotEvent, HotHandler, Purse, Reader
from api.realtime.manager import HotManager, Room
from api.realtime.reading import Reading
from api.realtime.seams import assert_seams, quiet_log
from api.realtime.timers import Delayed
from api.realtime.transport import HotWebSocket, Joined

log = logging.getLogger(__name__)

#: How long a revoked session stays refused, so that a connect under way when it was revoked cannot slip in.
REVOKED_MEMORY_S = 60.0
#: Sockets that a sweep looks at before everybody else has a turn.
SWEEP_SLICE = 64
#: What joining a namespace costs of a principal's events: it asks the database.
CONNECT_COST = 1.0

#: Whose a connection is, by the address of its TCP peer and the X-Forwarded-For headers of its request.
ClientAddress = Callable[[str | None, Sequence[str]], str]


def peer_address(peer: str | None, _: Sequence[str]) -> str:
    """The address of the TCP peer: right where no proxy stands in front."""
    return peer or "unknown"


class HotEngine(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO over WebSocket only, on our own connections and without the library's tasks per socket."""

    hot: HotServer

    def create_queue(self, *_: Any, **__: Any) -> None:
        """The connection stands in for the queue that the library makes for each socket."""

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Refuses before the handshake what may not connect; otherwise the connection leaves the HTTP server."""
        hot = self.hot
        refused = hot.admit(request)
        if refused is not None:
            return refused
        accept = accept_of(request)
        address = hot.client_address(request.remote, request.headers.getall("X-Forwarded-For", ()))
        if not hot.addresses.has_room(address):
            return hot.refuse("too_many_connections", 429, "Too many sockets from this address.")
        if accept is None:
            return hot.refuse("handshake", 400, "This is no sound WebSocket handshake.")
        seat = hot.addresses.enter(address)
        if seat is None:
            return hot.refuse("too_fast", 429, "Too many sockets at once from this address; try again shortly.")
        live = self._seated(address, seat)
        try:
            return take_over(request, accept, live, self._open_frame(live.sid))
        except BaseException:
            if live.sid not in hot.live:
                self.sockets.pop(live.sid, None)
                hot.environ.pop(live.sid, None)
                hot.addresses.leave(seat)
            raise

    def greet(self, transport: asyncio.Transport, data: bytes) -> bool:
        """Opens a socket where the first bytes of a connection are the plainest handshake and nothing speaks against
        it. False: nothing has happened, and whatever is to be said of it the HTTP server says.
        """
        hot, asked = self.hot, plain_handshake(data)
        if (
            asked is None
            or hot.is_closing
            or transport.is_closing()
            or not hot.origins.admits(asked.origins, asked.host)
        ):
            return False
        peer = transport.get_extra_info("peername")
        address = hot.client_address(peer[0] if isinstance(peer, tuple) else None, asked.forwarded)
        seat = hot.addresses.enter(address)
        if seat is None:
            return False
        live = self._seated(address, seat)
        switch(transport, asked.accept, live, self._open_frame(live.sid))
        live.opened(transport)
        return True

    def _seated(self, address: str, seat: str) -> HotWebSocket:
        """A socket with the library's books in order, before its connection is its own."""
        sid = self.generate_id()
        socket = AsyncSocket(self, sid)
        live = HotWebSocket(self.hot, socket, address, seat)
        socket.queue, socket.last_ping, socket.connected, socket.upgraded = live, None, True, True
        self.sockets[sid], self.hot.environ[sid] = socket, {"REMOTE_ADDR": address}
        return live

    def _open_frame(self, sid: str) -> bytes:
        return frame(b'0{"sid":"%b",%b' % (sid.encode(), self._terms))

    @cached_property
    def _terms(self) -> bytes:
        """What every client is told of the connection, behind its own sid."""
        told = {
            "upgrades": [], "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(self.ping_interval * 1000), "maxPayload": self.max_http_buffer_size,
        }  # fmt: skip
        return encode(told)[1:]


class HotServer(socketio.AsyncServer):  # type: ignore[misc]
    """Socket.IO for clients that are not trusted; see DESIGN, Sockets."""

    manager: HotManager

    def __init__(
        self,
        limits: SocketLimits | None = None,
        *,
        origins: Collection[str] = (),
        client_address: ClientAddress = peer_address,
    ) -> None:
        assert_seams()
        self.limits = limits or SocketLimits()
        quiet = quiet_log()
        super().__init__(
            client_manager=HotManager(),
            logger=quiet,
            engineio_logger=quiet,
            serializer=HotPacket,
            async_mode="aiohttp",
            async_handlers=False,  # one at a time and in order; a slow handler holds up its own socket only
            transports=["websocket"],
            allow_upgrades=False,
            monitor_clients=False,
            ping_interval=self.limits.ping_interval_s,
            ping_timeout=self.limits.ping_timeout_s,
            max_http_buffer_size=self.limits.max_frame_bytes,
            cors_allowed_origins=[],  # the guard decides
        )
        self.namespaces: list[str] = []  # the library would admit anybody to its default namespace
        self.eio.hot = self
        self.origins = Origins(origins)
        self.client_address = client_address
        self.addresses = Addresses(self.limits.max_per_address)
        self.budgets = Budgets(self.limits)
        self.live: dict[str, HotWebSocket] = {}
        self.hot_events: tuple[HotEvent, ...] = ()
        self.stats: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))
        self.note_abuse = QuietLog()
        self.reading = Reading()
        self.closing = Delayed[HotWebSocket](0.0, HotWebSocket.close)
        self.ended = Delayed[HotWebSocket](0.0, HotWebSocket.finish)
        self.beats = Delayed[HotWebSocket](self.limits.ping_interval_s, HotWebSocket.beat)
        self.lates = Delayed[tuple[HotWebSocket, int]](self.limits.ping_timeout_s, lambda late: late[0].late(late[1]))
        self.unsigned = Delayed[HotWebSocket](self.limits.auth_timeout_s, HotWebSocket.unsigned)
        self._of_session: dict[str, list[HotWebSocket]] = {}
        self._revoked: dict[str, float] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self.is_closing = False

    def _engineio_server_class(self) -> type[HotEngine]:
        return HotEngine

    # -- life ------------------------------------------------------------------------------------------------

    def mount(self, app: web.Application, path: str = "socket.io") -> None:
        """Serves the sockets from `app`, and starts and ends with it."""
        self.attach(app, path)
        app[GREET] = self.eio.greet
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._stop)

    async def _start(self, _: web.Application) -> None:
        self._sweeper = asyncio.create_task(self._sweep(), name="socket sweeper")

    async def _stop(self, _: web.Application) -> None:
        await self.close_all()

    async def close_all(self) -> None:
        """Tells every client to come back elsewhere (close code 1012) and ends within the shutdown limit."""
        self.is_closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for ws in list(self.live.values()):
            ws.cut("shutdown", code=1012)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.limits.shutdown_timeout_s
        while self.live and loop.time() < deadline:  # noqa: ASYNC110 (each ends in its own handler)
            await asyncio.sleep(0.01)
        for ws in list(self.live.values()):
            ws.abort()
        for timers in (self.beats, self.lates, self.unsigned, self.closing, self.ended):
            timers.stop()
        self.reading.stop()
        await self.shutdown()

    # -- admission -------------------------------------------------------------------------------------------

    def admit(self, request: web.Request) -> web.Response | None:
        """The refusal of a request that may not open a socket; an admitted one still needs a sound handshake."""
        query = request.query
        if self.is_closing:
            return self.refuse("shutdown", 503, "The server is closing; connect again shortly.")
        if request.method != "GET":
            return self.refuse("method", 405, "Sockets are opened with GET.")
        if has_body(request):
            return self.refuse("body", 400, "A socket is opened without a body.")
        if carries_token(query.items()):
            return self.refuse("token_in_url", 400, "Send the token in `auth`, never in the URL.")
        if query.getall("transport", ["polling"]) != ["websocket"]:
            return self.refuse("transport", 400, ONLY_WEBSOCKET)
        if query.getall("EIO", ()) != ["4"] or "sid" in query:
            return self.refuse("protocol", 400, "Use a Socket.IO client of version 3 or 4 (EIO=4), without a sid.")
        if not self.origins.admits(request.headers.getall("Origin", ()), request.host):
            return self.refuse("origin", 403, "This origin may not open sockets.")
        return None

    def refuse(self, code: str, status: int, message: str) -> web.Response:
        self.stats[f"refused.{code}"] += 1
        body = {"message": message, "error": {"code": code, "message": message, "details": {}}}
        headers = {"Retry-After": "1"} if status in (429, 503) else {}
        response = web.Response(status=status, body=encode(body), content_type="application/json", headers=headers)
        # What may follow on the connection is no request: an upgrade was asked for.
        response.force_close()
        return response

    def gave_up(self, ws: HotWebSocket, seat: str) -> None:
        """A connection has ended: its seat at its address is free."""
        self.addresses.leave(seat)

    def forgot(self, ws: HotWebSocket) -> None:
        """Nothing of a socket is at work any more: until then its session's end is its end too."""
        for session_id in ws.sessions:
            held = self._of_session.get(session_id)
            if held is not None and ws in held:
                held.remove(ws)
                if not held:
                    del self._of_session[session_id]

    # -- grants ----------------------------------------------------------------------------------------------

    def no_door(self, ws: HotWebSocket, namespace: str) -> dict[str, Any] | None:
        """Why this socket can't ask to join a namespace: there is none of the name, or it has joined."""
        if namespace not in self.namespace_handlers:
            return _why("unknown_namespace", f"There is no namespace {namespace} here.")
        return _why("already_connected", "This namespace is connected already.") if ws.has(namespace) else None

    async def join(self, ws: HotWebSocket, namespace: str, auth: dict[str, Any] | None) -> None:
        """What the library does with a packet that asks to connect a namespace, without its six layers on the way."""
        sid = await self.manager.pre_connect(ws.sid, namespace)
        try:
            await self.namespace_handlers[namespace].trigger_event("connect", sid, self.environ[ws.sid], auth)
        except ConnectionRefusedError as refused:
            ws.refuse(namespace, refused.error_args.get("data", refused.error_args))
            await self.manager.disconnect(sid, namespace)
        except BaseException:
            await self.manager.disconnect(sid, namespace)
            raise
        else:
            ws.write(joined_frame(namespace, sid))
            await self.manager.connect(sid, namespace)

    def authorize(self, sid: str, namespace: str, grant: Grant, then: Joined | None = None) -> None:
        """For connect handlers, after the token was checked: the grant works once the handler accepts.

        `then` is awaited with the grant after the client was told that it is connected.
        Raises the library's ConnectionRefusedError when the session was revoked meanwhile or has expired.
        """
        if grant.session_id in self._revoked or grant.expires_at <= time.time():
            raise ConnectionRefusedError("Sign in again.", _why("unauthorized", "Sign in again."))
        grant.sid, grant.namespace = sid, namespace
        grant.budget = self.budgets.of(namespace, grant.principal)
        ws = self.socket_of(sid, namespace)
        if ws is None or ws.is_gone:
            return
        if not grant.budget.events.take(CONNECT_COST):
            ws.cut("too_fast", code=1013)
        if ws.pending is None:
            ws.pending = {}
        ws.pending[namespace] = (grant, then)
        self._seat_session(ws, grant.session_id)

    def _seat_session(self, ws: HotWebSocket, session_id: str) -> None:
        held = self._of_session.setdefault(session_id, [])
        if ws not in held:
            held.append(ws)
            ws.sessions += (session_id,)
        alive = [one for one in held if one.cut_reason is None and not one.is_gone]
        if len(alive) > self.limits.max_per_session:
            # The newest is whom the person holds in hand; an old one may long be dead.
            alive[0].cut("replaced", code=1008)

    def grant_of(self, sid: str, namespace: str) -> Grant | None:
        """The grant that this socket acts under now."""
        ws = self.socket_of(sid, namespace)
        return ws.grants.get(namespace) if ws is not None else None

    def cut(self, sid: str, namespace: str, reason: str, code: int = 1011) -> None:
        """Cuts the socket behind a sid at the transport."""
        ws = self.socket_of(sid, namespace)
        if ws is not None:
            ws.cut(reason, code=4401 if reason == "expired" else code)

    def revoke(self, predicate: Callable[[Grant], bool]) -> int:
        """Cuts, at once, every socket of this node that holds such a grant; answers how many."""
        return self._revoke_of(list(self.live.values()), predicate)

    def revoke_session(self, session_id: str) -> int:
        """Cuts the sockets of a session and refuses new ones under it."""
        now = time.monotonic()
        self._revoked = {key: until for key, until in self._revoked.items() if until > now}
        self._revoked[session_id] = now + REVOKED_MEMORY_S
        held = list(self._of_session.get(session_id, ()))
        return self._revoke_of(held, lambda grant: grant.session_id == session_id)

    def _revoke_of(self, sockets: list[HotWebSocket], predicate: Callable[[Grant], bool]) -> int:
        cut = 0
        for ws in sockets:
            if any(predicate(grant) for grant in ws.held()):
                ws.cut("revoked", code=4401)
                cut += 1
        return cut

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_interval_s)
            try:
                await self._cut_expired(time.time())
            except Exception:
                log.exception("sockets could not be swept")

    async def _cut_expired(self, now: float) -> None:
        for number, ws in enumerate(list(self.live.values()), 1):
            if any(grant.expires_at <= now for grant in ws.grants.values()):
                ws.cut("expired", code=4401)
            if number % SWEEP_SLICE == 0:
                await asyncio.sleep(0)

    # -- the hot path and what goes out ----------------------------------------------------------------------

    def hot_event(
        self,
        namespace: str,
        event: str,
        payload: Any,
        handler: HotHandler,
        *,
        purse: Purse | None = None,
        usual: Any = None,
        read: Reader | None = None,
    ) -> None:
        """Frames of this event with a payload of the msgspec type `payload`, most of which are of the narrower type
        `usual`, go straight to `handler`; `read` may read most of them faster.

        `purse` is the sender's own token bucket, which pays before anything is parsed. What does not decode, or
        what the handler answers None to, takes the ordinary way to the namespace.
        """
        self.hot_events += (HotEvent(namespace, event, payload, handler, purse, usual, read),)

    def socket_of(self, sid: str, namespace: str) -> HotWebSocket | None:
        """The live socket behind a namespace's sid."""
        try:
            return self.live.get(self.manager.rooms[namespace][None][sid])
        except KeyError:
            return None

    def cast(self, namespace: str, room: Room, event: str, data: Any) -> int:
        """Lossy, to this node's members of a room, nothing awaited: a member that is behind misses it.

        Answers how many got it.
        """
        sent = self.manager.cast(namespace, room, event, data)
        self.stats["lossy_sent"] += sent
        return sent

    def watched(self, namespace: str, room: Room) -> bool:
        """Whether anybody here would hear a cast."""
        return (namespace, room) in self.manager.casts

    def emit_fact(self, sid: str, namespace: str, event: str, data: Any) -> int:
        """A fact to one socket, written at once and in order; a peer that is 256 KiB behind is cut.

        Answers the bytes written, 0 when the socket is gone. After `page_bytes` of them await `drained`.
        """
        ws = self.socket_of(sid, namespace)
        if ws is None:
            return 0
        framed = event_frame(namespace, event, data)
        if not ws.write(framed):
            return 0
        self.stats["facts_sent"] += 1
        return len(framed)

    async def drained(self, sid: str, namespace: str) -> bool:
        """Waits until everything written to this socket has left the process. False: it is gone."""
        ws = self.socket_of(sid, namespace)
        return ws is not None and await ws.drained()


#: What a client hears that begins with long polling, as stock clients do unless they are told.
ONLY_WEBSOCKET = (
    'Sockets are WebSocket only: connect with transports: ["websocket"] in the options of your Socket.IO client.'
)


def _why(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "details": {}}
