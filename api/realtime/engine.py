"""The socket server: python-socketio on our own driver, with admission, grants, the hot path and fan-out."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import engineio
import socketio
from aiohttp import web
from engineio.async_socket import AsyncSocket
from socketio.exceptions import ConnectionRefusedError

from api.realtime.frames import HotPacket, encode, event_frame
from api.realtime.guard import COUNTERS, Addresses, Grant, Origins, QuietLog, SocketLimits, carries_token
from api.realtime.hot import Allowance, HotEvent, HotHandler
from api.realtime.transport import HotWebSocket, Joined

log = logging.getLogger(__name__)

#: How long a revoked session stays refused, so that a connect under way when it was revoked cannot slip in.
REVOKED_MEMORY_S = 60.0

ClientAddress = Callable[[web.Request], str]


def peer_address(request: web.Request) -> str:
    """The address of the TCP peer: right where no proxy stands in front."""
    return request.remote or "unknown"


class GrantKeeper:
    """Mixed into any Socket.IO manager: the library's own bookkeeping decides who holds a grant.

    A grant works from the moment the connect handler accepted until just before any disconnect handler runs.
    """

    server: HotServer

    async def connect(self, sid: str, namespace: str) -> Any:
        sid = await super().connect(sid, namespace)  # type: ignore[misc]
        ws = self.server.socket_of(sid, namespace)
        if ws is not None:
            await ws.joined(namespace)
        return sid

    def pre_disconnect(self, sid: str, namespace: str) -> Any:
        ws = self.server.socket_of(sid, namespace)
        if ws is not None:
            ws.left(namespace)
        return super().pre_disconnect(sid, namespace)  # type: ignore[misc]

    def basic_disconnect(self, sid: str, namespace: str, **kwargs: Any) -> Any:
        ws = self.server.socket_of(sid, namespace)
        if ws is not None:
            ws.left(namespace)
        return super().basic_disconnect(sid, namespace, **kwargs)  # type: ignore[misc]


class HotManager(GrantKeeper, socketio.AsyncManager):  # type: ignore[misc]
    """The bookkeeping of one node."""


class HotRedisManager(GrantKeeper, socketio.AsyncRedisManager):  # type: ignore[misc]
    """The bookkeeping of one node among many; emits travel through Redis."""


class HotEngine(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO over WebSocket only, with our driver and without the library's tasks per socket."""

    hot: HotServer
    _async: dict[str, Any]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._async = {**self._async, "websocket": HotWebSocket, "translate_request": self._environ}

    def start_background_task(self, target: Any, *args: Any, **kwargs: Any) -> Any:
        """The driver pings with one timer per socket, so the library's ping task is never started."""
        if getattr(target, "__func__", None) is AsyncSocket._send_ping:
            return None
        return super().start_background_task(target, *args, **kwargs)

    async def handle_request(self, request: web.Request) -> web.StreamResponse:
        """Refuses before the handshake what may not connect; otherwise lives as long as the socket does."""
        key = self.hot.admit(request)
        if isinstance(key, web.Response):
            return key
        try:
            response: web.StreamResponse = await super().handle_request(request)
            return response
        finally:
            self.hot.addresses.leave(key)

    def _environ(self, request: web.Request) -> dict[str, Any]:
        # What the library reads, and no copy of the headers for as long as the socket lives.
        headers = request.headers
        return {
            "REQUEST_METHOD": request.method,
            "QUERY_STRING": request.query_string,
            "HTTP_CONNECTION": headers.get("Connection", ""),
            "HTTP_UPGRADE": headers.get("Upgrade", ""),
            "REMOTE_ADDR": self.hot.client_address(request),
            "aiohttp.request": request,
        }


class HotServer(socketio.AsyncServer):  # type: ignore[misc]
    """Socket.IO for clients that are not trusted; see DESIGN, Sockets."""

    def __init__(
        self,
        limits: SocketLimits | None = None,
        *,
        origins: Collection[str] = (),
        client_address: ClientAddress = peer_address,
        manager: GrantKeeper | None = None,
    ) -> None:
        assert_seams()
        self.limits = limits or SocketLimits()
        quiet = _quiet()
        super().__init__(
            client_manager=manager or HotManager(),
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
        self.live: dict[str, HotWebSocket] = {}
        self.hot_events: tuple[HotEvent, ...] = ()
        self.stats: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))
        self.note_abuse = QuietLog()
        self._revoked: dict[str, float] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self._closing = False

    def _engineio_server_class(self) -> type[HotEngine]:
        return HotEngine

    # -- life ------------------------------------------------------------------------------------------------

    def mount(self, app: web.Application, path: str = "socket.io") -> None:
        """Serves the sockets from `app`, and starts and ends with it."""
        self.attach(app, path)
        app.on_startup.append(self._start)
        app.on_shutdown.append(self._stop)

    async def _start(self, _: web.Application) -> None:
        self._sweeper = asyncio.create_task(self._sweep(), name="socket sweeper")

    async def _stop(self, _: web.Application) -> None:
        await self.close_all()

    async def close_all(self) -> None:
        """Tells every client to come back elsewhere (close code 1012) and ends within the shutdown limit."""
        self._closing = True
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
        await self.shutdown()

    # -- admission -------------------------------------------------------------------------------------------

    def admit(self, request: web.Request) -> str | web.Response:
        """The address key of an admitted request, or the refusal."""
        if self._closing:
            return self._refuse("shutdown", 503, "The server is closing; connect again shortly.")
        if request.method != "GET":
            return self._refuse("method", 405, "Sockets are opened with GET.")
        if carries_token(request.query.items()):
            return self._refuse("token_in_url", 400, "Send the token in `auth`, never in the URL.")
        if not self.origins.admits(request.headers.getall("Origin", ()), request.host):
            return self._refuse("origin", 403, "This origin may not open sockets.")
        key = self.addresses.enter(self.client_address(request))
        if key is None:
            return self._refuse("too_many_connections", 429, "Too many sockets from this address.")
        return key

    def _refuse(self, code: str, status: int, message: str) -> web.Response:
        self.stats[f"refused.{code}"] += 1
        body = {"message": message, "error": {"code": code, "message": message, "details": {}}}
        return web.Response(status=status, body=encode(body), content_type="application/json")

    # -- grants ----------------------------------------------------------------------------------------------

    def authorize(self, sid: str, namespace: str, grant: Grant, then: Joined | None = None) -> None:
        """For connect handlers, after the token was checked: the grant works once the handler accepts.

        `then` is awaited with the grant after the client was told that it is connected.
        Raises the library's ConnectionRefusedError when the session was revoked meanwhile or has expired.
        """
        if grant.session_id in self._revoked or grant.expires_at <= time.time():
            raise ConnectionRefusedError(
                "Sign in again.", {"code": "unauthorized", "message": "Sign in again.", "details": {}}
            )
        grant.sid, grant.namespace = sid, namespace
        ws = self.socket_of(sid, namespace)
        if ws is not None:
            ws.pending[namespace] = (grant, then)

    def grant_of(self, sid: str, namespace: str) -> Grant | None:
        """The grant that this socket acts under now."""
        ws = self.socket_of(sid, namespace)
        return ws.grants.get(namespace) if ws is not None else None

    def cut(self, sid: str, namespace: str, reason: str) -> None:
        """Cuts the socket behind a sid at the transport."""
        ws = self.socket_of(sid, namespace)
        if ws is not None:
            ws.cut(reason, code=4401 if reason == "expired" else 1011)

    def revoke(self, predicate: Callable[[Grant], bool]) -> int:
        """Cuts, at once, every socket of this node that holds such a grant; answers how many."""
        cut = 0
        for ws in list(self.live.values()):
            if any(predicate(grant) for grant in ws.held()):
                ws.cut("revoked", code=4401)
                cut += 1
        return cut

    def revoke_session(self, session_id: str) -> int:
        """Cuts the sockets of a session and refuses new ones under it."""
        now = time.monotonic()
        self._revoked = {key: until for key, until in self._revoked.items() if until > now}
        self._revoked[session_id] = now + REVOKED_MEMORY_S
        return self.revoke(lambda grant: grant.session_id == session_id)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_interval_s)
            now = time.time()
            for ws in list(self.live.values()):
                for grant in list(ws.grants.values()):
                    if grant.expires_at <= now:
                        ws.cut("expired", code=4401)

    # -- the hot path and what goes out ----------------------------------------------------------------------

    def hot_event(
        self,
        namespace: str,
        event: str,
        payload: Any,
        handler: HotHandler,
        *,
        allow: Allowance | None = None,
    ) -> None:
        """Frames of this event with a payload of the msgspec type `payload` go straight to `handler`.

        `allow` is the sender's own token bucket, asked before anything is parsed. What does not decode, or
        what the handler answers None to, takes the ordinary way to the namespace.
        """
        self.hot_events += (HotEvent(namespace, event, payload, handler, allow),)

    def socket_of(self, sid: str, namespace: str) -> HotWebSocket | None:
        """The live socket behind a namespace's sid."""
        try:
            return self.live.get(self.manager.rooms[namespace][None][sid])
        except KeyError:
            return None

    def cast(self, namespace: str, room: str, event: str, data: Any) -> int:
        """Lossy, to this node's members of a room, nothing awaited: a member that is behind misses it.

        Answers how many got it.
        """
        return self._to_room(namespace, room, event, data, lossy=True)

    def tell(self, namespace: str, room: str, event: str, data: Any) -> int:
        """A fact to this node's members of a room, in order with everything else written to them."""
        return self._to_room(namespace, room, event, data, lossy=False)

    def _to_room(self, namespace: str, room: str, event: str, data: Any, *, lossy: bool) -> int:
        framed: bytes | None = None
        sent = 0
        for _, eio_sid in self.manager.get_participants(namespace, room):
            ws = self.live.get(eio_sid)
            if ws is None:
                continue
            if framed is None:
                framed = event_frame(namespace, event, data)
            sent += ws.write(framed, lossy)
        self.stats["lossy_sent" if lossy else "facts_sent"] += sent
        return sent

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


def _quiet() -> logging.Logger:
    """The libraries' logger: what clients do wrong is counted by the guard, not told line by line."""
    found = logging.getLogger("api.realtime.library")
    found.setLevel(logging.ERROR)
    return found


def assert_seams() -> None:
    """The library's undocumented names that the engine stands on. Raises RuntimeError when one has moved."""
    expected = {
        AsyncSocket.close: ["self", "wait", "abort", "reason"],
        AsyncSocket.receive: ["self", "pkt"],
        AsyncSocket._send_ping: ["self"],
        socketio.AsyncManager.connect: ["self", "sid", "namespace"],
        socketio.AsyncManager.pre_disconnect: ["self", "sid", "namespace"],
        socketio.AsyncManager.basic_disconnect: ["self", "sid", "namespace", "kwargs"],
        engineio.AsyncServer.handle_request: ["self", "args", "kwargs"],
    }
    for function, parameters in expected.items():
        if list(inspect.signature(function).parameters) != parameters:
            raise RuntimeError(f"{function.__qualname__} is not as the socket engine expects")
    probe = engineio.AsyncServer(async_mode="aiohttp", logger=_quiet())
    if not {"websocket", "translate_request"} <= probe._async.keys():
        raise RuntimeError("The Engine.IO driver table is not as the socket engine expects")
    if not hasattr(AsyncSocket(probe, "probe"), "queue"):
        raise RuntimeError("AsyncSocket.queue is gone")
