"""Hosts that come and go: ports that lead to the tests' server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from dispatch.loops import end


class Door:
    """A port that leads to the tests' server for as long as it is open."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self.port = 0
        self.knocks = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._come_in, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """As when its machine dies: who was inside is thrown out, who comes is refused."""
        assert self._server is not None
        self._server.close()
        await end(self._pipes)

    async def _come_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks += 1
        there, here = await asyncio.open_unix_connection(self._socket)
        for source, target in ((reader, here), (there, writer)):
            pipe = asyncio.create_task(self._carry(source, target))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            try:
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            finally:
                target.close()


def socket_of(dsn: str) -> str:
    return f"{parse_qs(urlsplit(dsn).query)['host'][0]}/.s.PGSQL.5432"


@asynccontextmanager
async def one_door(dsn: str) -> AsyncIterator[tuple[Door, str]]:
    """A host that is the tests' server, and a DSN that names it."""
    door, parts = Door(socket_of(dsn)), urlsplit(dsn)
    await door.open()
    try:
        yield door, f"postgresql://{parts.username}@127.0.0.1:{door.port}{parts.path}?sslmode=disable"
    finally:
        await door.close()
