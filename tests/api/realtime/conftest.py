"""A socket server on a loopback port with one small namespace, and clients that behave and that do not."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import orjson
import pytest
import socketio
from aiohttp import WSMsgType, web

from api.edge.connections import Book, listen
from api.realtime.commands import Call, CommandNamespace, Commands
from api.realtime.engine import HotServer
from api.realtime.events import TECHNICIAN, LocationReport, OfferAccept, Resume
from api.realtime.frames import encode
from api.realtime.guard import Bucket, Grant, SocketLimits
from api.realtime.locations import LocationFrame
from dispatch.clock import Clock
from dispatch.errors import Conflict, NotSignedIn, Unavailable
from storage.database.errors import DatabaseAway

PATIENCE_S = 60.0


async def until(condition: Callable[[], Any], what: str) -> Any:
    """Waits for something to become true, within a generous deadline."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        await asyncio.sleep(0.005)
    return found


@dataclass
class World:
    """What the test namespace remembers."""

    joined: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    hot: list[LocationFrame] = field(default_factory=list)
    slow: list[LocationReport] = field(default_factory=list)
    lifetime_s: float = 3600.0
    location_bucket: Bucket = field(default_factory=lambda: Bucket(1000, 1000))
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    #: Sign-ins that wait at the gate.
    judging: int = 0


commands: Commands[World] = Commands(TECHNICIAN)


@commands.command("location.report", LocationReport)
async def report(world: World, call: Call, body: LocationReport) -> dict[str, int]:
    world.slow.append(body)
    return {"accepted": len(body.fixes)}


@commands.command("resume", Resume)
async def resume(world: World, call: Call, body: Resume) -> dict[str, Any]:
    return {"epoch": "", "streams": {}, "reset": []}


@commands.command("offer.accept", OfferAccept)
async def accept(world: World, call: Call, body: OfferAccept) -> dict[str, str]:
    if body.offer_id == UUID(int=0):
        raise Conflict("Somebody was faster.", details={"winner": "another"})
    if body.offer_id == UUID(int=1):
        raise RuntimeError("a secret of the inside")
    if body.offer_id == UUID(int=2):
        await world.gate.wait()
    return {"offer_id": str(body.offer_id)}


class Technicians(CommandNamespace[World]):
    """Whoever says `good` may come in; the rest of the token is the session."""

    async def sign_in(self, environ: dict[str, Any], auth: dict[str, Any]) -> Grant:
        word, _, session = str(auth.get("token", "")).partition(":")
        if word == "broken":
            raise RuntimeError("a secret of the inside")
        if word == "away":
            raise DatabaseAway("gone")
        if word == "busy":
            raise Unavailable
        if word == "stuck":
            await asyncio.sleep(60)
        if word == "slow":
            self.context.judging += 1
            await self.context.gate.wait()
            self.context.judging -= 1
            word = "good"
        if word != "good":
            raise NotSignedIn
        return Grant(session, session, time.time() + self.context.lifetime_s)

    async def joined(self, grant: Grant) -> None:
        self.context.joined.append(grant.session_id)
        await self.enter_room(grant.sid, "all")

    async def left(self, grant: Grant, reason: str) -> None:
        self.context.left.append((grant.session_id, reason))


@dataclass
class Running:
    """One server that is up."""

    server: HotServer
    world: World
    runner: web.AppRunner
    listener: socket.socket
    accepting: asyncio.Server

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    async def close(self) -> None:
        self.accepting.close()
        self.listener.close()
        await self.runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stats(self) -> dict[str, int]:
        return self.server.stats

    def tell(self, event: str, data: Any) -> int:
        """A fact to everybody who has joined; answers how many got it."""
        sids = [grant.sid for live in list(self.server.live.values()) for grant in live.grants.values()]
        return sum(self.server.emit_fact(sid, TECHNICIAN, event, data) > 0 for sid in sids)

    def sid_of(self, session: str) -> str:
        """The namespace's sid of a session."""
        for live in self.server.live.values():
            for grant in live.grants.values():
                if grant.session_id == session:
                    return grant.sid
        raise AssertionError(f"{session} is not connected")


Serve = Callable[..., Awaitable[Running]]


async def start_server(**options: Any) -> Running:
    """A server on a free port; `options` are fields of SocketLimits or arguments of HotServer."""
    names = SocketLimits.__dataclass_fields__
    limits = SocketLimits(**{k: options.pop(k) for k in list(options) if k in names})
    server = HotServer(limits, **options)
    world = World()
    server.register_namespace(Technicians(commands, world))

    def take(grant: Grant, frame: LocationFrame) -> bytes:
        world.hot.append(frame)
        return encode({"ok": True, "data": {"accepted": len(frame.fixes)}})

    server.hot_event(TECHNICIAN, "location.report", LocationFrame, take, purse=lambda _: world.location_bucket)
    app = web.Application()
    server.mount(app)
    runner = web.AppRunner(app, shutdown_timeout=2.0)
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0))
    book = Book(Clock(), head_timeout_s=PATIENCE_S, most_per_peer=None)
    accepting = await listen(runner, listener, book, backlog=100)
    return Running(server, world, runner, listener, accepting)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers; they are taken down afterwards."""
    running: list[Running] = []

    async def start(**options: Any) -> Running:
        running.append(await start_server(**options))
        return running[-1]

    yield start
    for one in running:
        await one.close()


async def refused(running: Running, query: str = "", **headers: str) -> tuple[int, str]:
    """Asks for a socket that is not given: the status and the code of the refusal."""
    url = f"{running.url}/socket.io/?EIO=4&transport=websocket{query}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, (await response.json())["error"]["code"]


class Raw:
    """A client that speaks WebSocket frames and nothing more: it can misbehave in every way."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def send(self, text: str) -> None:
        await self.ws.send_str(text)

    async def receive(self) -> str:
        """The next packet that is not a heartbeat; an assertion when the connection ends instead."""
        while True:
            message = await self.ws.receive(timeout=PATIENCE_S)
            assert message.type is WSMsgType.TEXT, message
            if message.data == "2":
                await self.ws.send_str("3")
                continue
            return str(message.data)

    async def sign_in(self, session: str = "s1", word: str = "good") -> str:
        """Joins the namespace and answers the library's reply."""
        assert (await self.receive()).startswith("0")
        await self.send(f'40/technician,{{"token":"{word}:{session}"}}')
        return await self.receive()

    async def ask(self, ack_id: int, event: str, payload: Any) -> Any:
        """Sends an event and waits for its acknowledgement; facts in between are dropped."""
        await self.send(f"42/technician,{ack_id}{orjson.dumps([event, payload]).decode()}")
        head = f"43/technician,{ack_id}["
        while not (answer := await self.receive()).startswith(head):
            pass
        return orjson.loads(answer[len(head) - 1 :])[0]

    async def closed(self) -> int | None:
        """Reads on until the server ends the connection; answers the close code, if there was one."""
        while True:
            message = await self.ws.receive(timeout=PATIENCE_S)
            if message.type is WSMsgType.CLOSE:
                return int(message.data)
            if message.type in (WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR):
                return None


def masked(payload: bytes) -> bytes:
    """One short text frame with the mask 0, which changes nothing."""
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload


class Plain:
    """A TCP client with a tiny receive buffer that reads only when told to."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @classmethod
    async def open(cls, running: Running) -> Plain:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", running.port))
        await loop.sock_sendall(
            sock,
            b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
        )
        peer = cls(sock)
        await peer.read_until(b'"maxPayload"')
        return peer

    async def sign_in(self, session: str) -> None:
        await self.send(b'40/technician,{"token":"good:%b"}' % session.encode())
        await self.read_until(b'"sid"')

    async def send(self, payload: bytes) -> None:
        """One short text frame."""
        await self.raw(masked(payload))

    async def raw(self, data: bytes) -> None:
        """Any bytes; what the server has cut already is not heard any more."""
        with contextlib.suppress(ConnectionError):
            await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def read_until(self, needle: bytes) -> bytes:
        """All that comes until then, what came with it included."""
        seen = b""
        while needle not in seen:
            chunk = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._sock, 1024), PATIENCE_S)
            assert chunk, seen
            seen += chunk
        return seen

    def close(self) -> None:
        self._sock.close()


Stalled = Callable[..., Awaitable[Running]]


@pytest.fixture
async def stalled(serve: Serve) -> AsyncIterator[Stalled]:
    """A server with a signed-in member `stuck` that has stopped reading."""
    opened: list[Plain] = []

    async def start(**limits: float) -> Running:
        running = await serve(**limits)
        opened.append(await Plain.open(running))
        await opened[-1].sign_in("stuck")
        return running

    yield start
    for one in opened:
        one.close()


Dial = Callable[..., Awaitable[Raw]]


@pytest.fixture
async def dial() -> AsyncIterator[Dial]:
    """Opens raw connections."""
    async with aiohttp.ClientSession() as session:

        async def open_one(running: Running, query: str = "", **options: Any) -> Raw:
            ws = await session.ws_connect(
                f"{running.url}/socket.io/?EIO=4&transport=websocket{query}", max_msg_size=0, **options
            )
            return Raw(ws)

        yield open_one


Connect = Callable[..., Awaitable[socketio.AsyncClient]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects the official Python client."""
    clients: list[socketio.AsyncClient] = []

    async def open_one(running: Running, session: str = "s1", **options: Any) -> socketio.AsyncClient:
        client = socketio.AsyncClient(**{"reconnection": False, **options})
        clients.append(client)
        await client.connect(
            running.url,
            namespaces=[TECHNICIAN],
            auth={"token": f"good:{session}"},
            transports=["websocket"],
            wait_timeout=60,
        )
        return client

    yield open_one
    for client in clients:
        await client.disconnect()
        if client.eio.http is not None:
            await client.eio.http.close()


FIX = [1_760_000_000_000, 12.97, 77.59, 8.0, 5.5, 90.0]
OFFER = {"command_id": str(uuid4()), "offer_id": str(uuid4())}
