"""Posts to the endpoints of others: nowhere but to public machines, in bounded time, reading little of the answer.

Where a name leads is looked at when it is connected to, each time: every address that it resolves to must be public,
and the socket is made for exactly those. A name that nobody answers for holds up no other (names.py). No redirect is
followed, no proxy of the environment used, no cookie kept.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from dispatch import urls
from dispatch.adapters.names import Names
from dispatch.ports.webhooks import Answer, NoAnswer

#: From the beginning to the end of the answer's head, and to a connection, in real seconds.
TOTAL_S, CONNECT_S = 15.0, 5.0
#: The most that is read of an answer, in bytes, and how long that may take once its head is there.
READ_BYTES, READ_S = 16 * 1024, 3.0
_INSIDE = "The address leads into a private network."


class _Inside(OSError):
    """A name or an address that leads into a private network."""


class _Guard(AbstractResolver):
    """Resolves names and refuses those of which any address is not public: one that changes between looks is caught."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(urls.is_public(one["host"]) for one in found):
            raise _Inside(_INSIDE)
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _public_socket(address: Any) -> socket.socket:
    """The last look, at what is really connected to; literal addresses pass no resolver."""
    family, kind, protocol, _, where = address
    if not urls.is_public(str(where[0])):
        raise _Inside(_INSIDE)
    return socket.socket(family=family, type=kind, proto=protocol)


class HttpPoster:
    """`open_hosts` are those of development: they may be private, and are spoken to over http too."""

    def __init__(
        self, open_hosts: Collection[str] = (), *, resolver: AbstractResolver | None = None, total_s: float = TOTAL_S
    ) -> None:
        self._open_hosts = frozenset(open_hosts)
        self._resolver = resolver
        self._timeout = aiohttp.ClientTimeout(total=total_s, connect=CONNECT_S)
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if complaint := urls.complaint_of(url, self._open_hosts):
            raise NoAnswer(f"The address {complaint}.")
        session = self._session((urlsplit(url).hostname or "").lower() in self._open_hosts)
        sent = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "dispatch-webhooks/1"}
        try:
            async with session.post(url, data=body, headers={**sent, **headers}, allow_redirects=False) as response:
                return Answer(response.status, await _beginning(response), _retry_after_s(response))
        except aiohttp.ConnectionTimeoutError:
            raise NoAnswer(f"No connection could be made within {CONNECT_S:.0f} seconds.") from None
        except TimeoutError:
            raise NoAnswer(f"There was no answer within {self._timeout.total:.0f} seconds.") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswer(_reason(error)) from None

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def _session(self, is_open: bool) -> aiohttp.ClientSession:
        if is_open not in self._sessions:
            plain = self._resolver or Names()
            # How many there may be at once is the business of whoever calls.
            connector = (
                aiohttp.TCPConnector(limit=0, resolver=plain)
                if is_open
                else aiohttp.TCPConnector(
                    limit=0, resolver=_Guard(plain), use_dns_cache=False, socket_factory=_public_socket
                )
            )
            self._sessions[is_open] = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False,
                trust_env=False,
            )  # fmt: skip
        return self._sessions[is_open]


async def _beginning(response: aiohttp.ClientResponse) -> str:
    """The beginning of the answer. Its status has come, so an endless or slow rest changes nothing: it is cut off."""
    read = bytearray()
    try:
        async with asyncio.timeout(READ_S):
            while len(read) < READ_BYTES and (piece := await response.content.read(READ_BYTES - len(read))):
                read += piece
    except (TimeoutError, aiohttp.ClientError):
        pass
    if not response.content.at_eof():
        response.close()
    return read.decode("utf-8", errors="replace").replace("\x00", "")


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else None


def _reason(error: Exception) -> str:
    """What happened, in words that name none of our own addresses."""
    causes = {type(e) for e in (error, error.__cause__, getattr(error, "os_error", None)) if e is not None}
    if any(issubclass(cause, _Inside) for cause in causes):
        return _INSIDE
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "Its name could not be resolved."
    if isinstance(error, aiohttp.ClientSSLError):
        return "Its certificate or its TLS is not valid."
    if isinstance(error, aiohttp.ClientConnectorError):
        return "No connection could be made."
    if isinstance(error, aiohttp.ClientResponseError):
        return "Its answer is not HTTP."
    return "The connection broke before there was an answer."
