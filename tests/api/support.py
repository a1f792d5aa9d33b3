"""A server without a database, and one with: what the tests of the API core stand on."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, get_port_socket
from yarl import URL

from api.app import SERVER_OPTIONS, create_app
from api.edge.connections import Book, listen
from api.route import Audience
from api.wire.parsing import BODY_S
from dispatch.clock import Clock, Reading
from dispatch.config import Settings
from dispatch.live.standing import Seen
from dispatch.services import Tx
from dispatch.tokens import Tokens
from storage.database.errors import DatabaseAway
from storage.database.pool import Conn, Pool
from storage.sessions import LivingSession

Client = TestClient[Any, Any]

KEYS = {"test": b"k" * 32}
NOW = 1_705_744_800.0  # 2024-01-20T10:00:00Z


@dataclass
class FakeSessions:
    """Every session stands, but those that are named dead."""

    dead: set[UUID] = field(default_factory=set)

    @property
    def standing(self) -> FakeSessions:
        return self

    async def of(self, session_id: UUID, realm: str) -> Seen | None:
        return None if session_id in self.dead else _seen(session_id, realm)


def _seen(session_id: UUID, realm: str) -> Seen:
    row = LivingSession(session_id, realm, uuid4(), "owner", {}, uuid4(), uuid4(), uuid4())
    return Seen(row, 0.0)


@dataclass
class FakeServices:
    """As much of the container as the API core touches; without a pool the database is away."""

    settings: Settings = field(default_factory=lambda: Settings(env="test", database_url="postgresql://nowhere"))
    clock: Clock = field(default_factory=lambda: Clock(Reading(0.0, NOW, 0.0)))
    tokens: Tokens = field(default_factory=lambda: Tokens(KEYS))
    sessions: FakeSessions = field(default_factory=FakeSessions)
    pool: Pool | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        if self.pool is None:
            raise DatabaseAway("there is none")
        async with self.pool.transaction() as conn:
            tx = Tx(conn, self)  # type: ignore[arg-type]
            yield tx
        tx.committed()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Conn]:
        if self.pool is None:
            raise DatabaseAway("there is none")
        async with self.pool.connection() as conn:
            yield conn

    def statement(self) -> AbstractAsyncContextManager[Conn]:
        return self.read()


class OurServer(TestServer):
    """The library's server for tests with the connections of the real one."""

    async def start_server(self, loop: asyncio.AbstractEventLoop | None = None, **options: Any) -> None:
        if self.started:
            return
        runner = self.runner = web.AppRunner(self.app, handler_cancellation=True, **options)
        await runner.setup()
        listener = get_port_socket(self.host, 0, socket.AF_INET)
        self.port, self.scheme = listener.getsockname()[1], "http"
        self._root = URL(f"http://{self.host}:{self.port}")
        book = Book(Clock(), head_timeout_s=600.0, most_per_peer=None)
        self._listening = await listen(runner, listener, book, backlog=128, **options)

    async def close(self) -> None:
        if self.started and not self.closed:
            self._listening.close()
        await super().close()


@asynccontextmanager
async def serving(services: Any, audiences: Sequence[Audience]) -> AsyncIterator[Client]:
    """A client of a server that runs these audiences, made as the real one is."""
    server = OurServer(create_app(services, with_sockets=False, audiences=audiences))
    await server.start_server(**SERVER_OPTIONS)
    async with TestClient(server) as client:
        yield client


def bearer(services: Any, realm: str, subject: UUID | None = None, *, ttl_s: float = 600) -> dict[str, str]:
    """An Authorization header of somebody signed in."""
    token = services.tokens.mint(realm, str(subject or uuid4()), uuid4(), ttl_s)
    return {"Authorization": f"Bearer {token}"}


async def announce(server: TestServer, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    """Sends the head of a request with a body, and nothing of the body; status and code of the answer.

    Whoever waits for the body does not answer, so that a refusal came before any of it was read.
    """
    reader, writer = await asyncio.open_connection(server.host, server.port)
    lines = {"Host": "here", "Content-Type": "multipart/form-data; boundary=b", "Content-Length": "4096", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode())
    try:
        # Shorter than a body is waited for.
        async with asyncio.timeout(BODY_S * 0.75):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(answer.lower().partition("content-length: ")[2].partition("\r\n")[0])
            body = json.loads(await reader.readexactly(length))
    finally:
        writer.close()
    return int(answer.split()[1]), str(body["error"]["code"])
