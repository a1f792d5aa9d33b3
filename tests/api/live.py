"""A whole server for tests: real HTTP and sockets on loopback, real loops, a clock that runs from a Monday morning."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import socketio
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from api.app import create_app
from api.realtime.attach import SERVER
from api.realtime.engine import HotServer
from dispatch.access.dev_tokens import mint_dev_token, open_dev_session
from dispatch.billing import ledger
from dispatch.billing.ledger import Line
from dispatch.live.sessions import Pair
from dispatch.process import runtime
from dispatch.seeding.seed import seed
from dispatch.services import Services
from tests.api.support import OurServer
from tests.world import NOON, test_settings


@dataclass
class Person:
    """A signed-in client: REST by `call`, a socket by `connect`, and everything that the socket was told."""

    live: Live
    kind: str
    token: str
    sio: socketio.AsyncClient | None = None
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200, **headers: str) -> Any:
        """One request; fails with the answer when the status is not the expected one."""
        sent = {"Authorization": f"Bearer {self.token}", **{k.replace("_", "-"): v for k, v in headers.items()}}
        async with self.live.http.request(method, self.live.url + path, json=body, headers=sent) as reply:
            answer = await reply.json()
            assert expect is None or reply.status == expect, (reply.status, answer)
            return answer

    async def connect(self, **auth: Any) -> None:
        self.sio = socketio.AsyncClient(reconnection=False)

        async def heard(event: str, data: dict[str, Any]) -> None:
            self.heard.append((event, data))

        self.sio.on("*", heard, namespace=f"/{self.kind}")
        await self.sio.connect(
            self.live.url, auth={"token": self.token, **auth}, namespaces=[f"/{self.kind}"], transports=["websocket"],
            wait_timeout=60,
        )  # fmt: skip

    async def ask(self, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """A command over the socket, and its acknowledgement."""
        assert self.sio is not None
        answer: dict[str, Any] = await self.sio.call(event, payload, namespace=f"/{self.kind}", timeout=60)
        return answer

    async def hears(self, told: str, /, **wanted: Any) -> dict[str, Any]:
        """Waits until the socket was told such an event, and gives its data."""

        def found() -> dict[str, Any] | None:
            for name, data in self.heard:
                if name == told and all(data.get(k) == v for k, v in wanted.items()):
                    return data
            return None

        return await until(found, f"{self.kind} should hear {told} {wanted}; heard {[h[0] for h in self.heard]}")

    async def close(self) -> None:
        if self.sio is not None:
            await self.sio.disconnect()


async def until(found: Callable[[], Any], why: str, seconds: float = 60.0) -> Any:
    """Polls until there is something; the bound only ends a test that has failed."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.01)
    return value


@dataclass
class Live:
    services: Services
    server: TestServer
    http: ClientSession
    people: list[Person] = field(default_factory=list)

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    @property
    def sockets(self) -> HotServer:
        return self.server.app[SERVER]

    async def person(self, kind: str, name: str) -> Person:
        """Signed in by a minted token: `technician`/PT-001, `customer`/+91..., `admin`/an address, `service`/any."""
        made = Person(self, kind, await mint_dev_token(self.services, kind, name))
        self.people.append(made)
        return made

    async def pair(self, kind: str, name: str) -> Pair:
        """A whole sign-in of such a person, as a page keeps it."""
        return await open_dev_session(self.services, kind, name)

    async def value(self, sql: str, *values: Any) -> Any:
        async with self.services.read() as conn:
            return await conn.fetchval(sql, *values)


@asynccontextmanager
async def live_server(
    dsn: str, folder: Path, *, technicians: int = 3, customers: int = 2, **settings: Any
) -> AsyncIterator[Live]:
    """A seeded server whose domain clock starts on a Monday morning and runs at real speed."""
    conn = await asyncpg.connect(dsn)
    await conn.execute("UPDATE app_clock SET real_at = clock_timestamp(), app_at = $1, speed = 1", NOON)
    await conn.close()
    async with runtime.open_services(test_settings(folder, **settings), dsn) as services:
        await seed(services, technicians=technicians, customers=customers)
        server = OurServer(create_app(services))
        await server.start_server()
        try:
            async with ClientSession() as http:
                live = Live(services, server, http)
                yield live
                for person in live.people:
                    await person.close()
        finally:
            await server.close()


async def give(live: Live, account_id: UUID, minor: int) -> None:
    """The house puts money into a wallet, as after a refund."""
    async with live.services.transaction() as tx:
        lines = [Line(ledger.wallet(account_id, "INR"), minor), Line(ledger.platform("refunds", "INR"), -minor)]
        await ledger.post(tx, "goodwill", str(uuid4()), lines)
