"""Who speaks to the server that is tried: HTTP, Socket.IO by hand, raw bytes; and what it costs the server."""

from __future__ import annotations

import asyncio
import io
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp

from tests.processes import House

#: Longest wait for anything that the server owes.
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Reply:
    """An answer: the body is JSON where it is any, else text."""

    status: int
    headers: dict[str, str]
    body: Any
    size: int

    @property
    def data(self) -> Any:
        """What is said inside the envelope, or everything where an answer has none."""
        return self.body.get("data", self.body)

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        return str(self.body["message"])


@dataclass
class Trial:
    """A running server; `pid` is None where it was not started by us, `data` where nobody said where its data lie."""

    url: str
    http: aiohttp.ClientSession
    house: House
    pid: int | None
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    #: Tokens of customers who were made for a test and may have booked something.
    customers: list[str] = field(default_factory=list)

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> Reply:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if isinstance(body, bytes):
            extra: dict[str, Any] = {"data": io.BytesIO(body)}
            sent.setdefault("Content-Type", "application/json")
        else:
            extra = {} if body is None else {"json": body}
        async with self.http.request(method, self.url + path, headers=sent, **extra) as reply:
            raw = await reply.read()
            try:
                said: Any = json.loads(raw)
            except ValueError:
                said = raw.decode(errors="replace")
            return Reply(reply.status, dict(reply.headers), said, len(raw))

    async def ok(self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Any:
        """The data of an answer that must be a good one."""
        reply = await self.call(method, path, body, token=token, **headers)
        assert reply.status in (200, 201), (path, reply.status, reply.body)
        return reply.data

    async def token(self, kind: str, name: str) -> str:
        """A token for development, minted by the command."""
        if (kind, name) not in self.tokens:
            self.tokens[kind, name] = (await self.house.said("token", kind, name)).strip()
        return self.tokens[kind, name]

    async def raw(self, sent: bytes) -> bytes:
        """What comes back to bytes that need be no HTTP, until the server closes or is silent."""
        where = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(sent)
            await writer.drain()
            got = b""
            while chunk := await asyncio.wait_for(reader.read(65_536), 2.0 if got else PATIENCE_S):
                got += chunk
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return got

    @asynccontextmanager
    async def cheap(self, cpu_s: float) -> AsyncIterator[None]:
        """What happens inside costs the server at most so much of a processor; unchecked where it is not ours."""
        before = cpu_seconds(self.pid) if self.pid else 0.0
        yield
        if self.pid:
            spent = cpu_seconds(self.pid) - before
            assert spent <= cpu_s, f"{spent:.2f} s of a processor"

    @asynccontextmanager
    async def socket(self, namespace: str, token: str | None) -> AsyncIterator[Socket]:
        """A connected socket of a namespace; `socket.welcome` is the packet that answered the sign-in."""
        async with self.http.ws_connect(
            self.url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket", max_msg_size=0
        ) as ws:
            socket = Socket(ws, namespace)
            assert (await ws.receive_str(timeout=PATIENCE_S)).startswith("0{")
            if token is not None:
                await ws.send_str(f"40{namespace}," + json.dumps({"token": token}))
                socket.welcome = await socket.packet()
            yield socket


@dataclass
class Socket:
    """Socket.IO spoken by hand."""

    ws: aiohttp.ClientWebSocketResponse
    namespace: str
    welcome: str = ""
    heard: list[Any] = field(default_factory=list)

    async def packet(self) -> str:
        """The next text that is no ping; empty when the server has cut the connection."""
        while True:
            message = await self.ws.receive(timeout=PATIENCE_S)
            if message.type is not aiohttp.WSMsgType.TEXT:
                return ""
            if message.data == "2":
                await self.ws.send_str("3")
            else:
                return str(message.data)

    async def ask(self, event: str, payload: dict[str, Any], number: int = 1) -> dict[str, Any]:
        """A command and its acknowledgement; what is told meanwhile is kept in `heard`."""
        await self.ws.send_str(f"42{self.namespace},{number}" + json.dumps([event, payload]))
        begin = f"43{self.namespace},{number}"
        while packet := await self.packet():
            if packet.startswith(begin):
                answer: dict[str, Any] = json.loads(packet[len(begin) :])[0]
                return answer
            self.heard.append(packet)
        raise AssertionError("the connection was cut")

    async def command(self, event: str, **payload: Any) -> dict[str, Any]:
        return await self.ask(event, {"command_id": str(uuid4()), **payload})

    async def is_cut(self) -> bool:
        """Whether the server ends the connection."""
        try:
            while await self.packet():
                pass
        except TimeoutError:
            return False
        return True


def cpu_seconds(pid: int) -> float:
    """Processor time that the process itself has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def until(look: Any, why: str) -> Any:
    """Polls an awaitable until it gives something; the bound only ends a test that has failed."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := await look()):
        assert time.monotonic() < deadline, why
        await asyncio.sleep(0.1)
    return value
