"""Looks up where names lead that somebody else chose: one whose server never answers holds up nobody else.

The system's resolver may take half a minute for such a name, and the event loop's own lookups share a few threads
(four of libuv's, of which names get two), also with those of our database and senders. So each name that is being
looked up has a thread of its own, and whoever asks for the same name meanwhile waits for that one: there are never
more threads than names.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_Key = tuple[str, int, int]
#: The addresses as the system gives them, or why there are none.
_Found = tuple[list[Any], OSError | None]


class Names(AbstractResolver):
    """Whoever gives up waiting leaves the lookup to those who come after."""

    def __init__(self) -> None:
        self._running: dict[_Key, asyncio.Future[_Found]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError for a name that leads nowhere."""
        looked = self._running.get((host, port, family)) or self._begin(host, port, family)
        addresses, error = await asyncio.shield(looked)
        if error is not None:
            raise error
        return [
            ResolveResult(
                hostname=host, host=address[0], port=address[1], family=kind, proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in addresses
            # An address of one network card alone (its last number) is never a public machine's.
            if kind == socket.AF_INET or not address[3]
        ]  # fmt: skip

    async def close(self) -> None:
        """What is being looked up ends by itself; its thread keeps no process alive."""

    def _begin(self, host: str, port: int, family: int) -> asyncio.Future[_Found]:
        loop, key = asyncio.get_running_loop(), (host, port, family)
        found: asyncio.Future[_Found] = loop.create_future()

        def done(addresses: list[Any], error: OSError | None) -> None:
            self._running.pop(key, None)
            if not found.done():
                found.set_result((addresses, error))

        def look() -> None:
            addresses: list[Any] = []
            error: OSError | None = None
            try:
                addresses = list(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, 0, socket.AI_ADDRCONFIG))
            except OSError as failure:
                error = failure
            except UnicodeError as failure:
                error = socket.gaierror(socket.EAI_NONAME, str(failure))
            try:
                loop.call_soon_threadsafe(done, addresses, error)
            except RuntimeError:
                # The loop has ended meanwhile, and with it everybody who asked.
                return

        threading.Thread(target=look, name="lookup", daemon=True).start()
        self._running[key] = found
        return found
