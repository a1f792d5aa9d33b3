"""What an endpoint may know of the request beyond its inputs."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import web

from dispatch.access.networks import UNKNOWN, network_of

#: A request id from outside is kept when it looks like one.
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
#: "203.0.113.9:5555" and "[2001:db8::1]:443": proxies may write the port, too.
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.%\w]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")
_LONGEST_AGENT = 300


# Not frozen, which would cost more than all that is read here: one is made for each request.
@dataclass(slots=True)
class RequestInfo:
    """Who asks, from where; what nobody asks for is not read."""

    request_id: str
    ip: str
    headers: Mapping[str, str]

    @property
    def network(self) -> str:
        """What counters use: an IPv4 address, or the /64 of an IPv6 one."""
        return network_of(self.ip)

    @property
    def user_agent(self) -> str:
        return agent_of(self.headers)

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("X-Idempotency-Key")


INFO = web.RequestKey("dispatch_info", RequestInfo)


def info_of(request: web.Request, trusted_hops: int) -> RequestInfo:
    """Reads the request's head; nothing in it is believed but what the trusted proxies wrote."""
    headers = request.headers
    given = headers.get("X-Request-ID")
    forwarded = headers.getall("X-Forwarded-For", ()) if trusted_hops else ()
    request_id = given if given is not None and SANE_ID.fullmatch(given) else os.urandom(16).hex()
    return RequestInfo(request_id, client_ip(request.remote, forwarded, trusted_hops), headers)


def agent_of(headers: Mapping[str, str]) -> str:
    """What a client calls itself, as it may be kept."""
    return readable(headers.get("User-Agent", "")[:_LONGEST_AGENT])


def readable(text: str) -> str:
    """A header's text as it may be kept: bytes that are no UTF-8, and what no column takes, become question marks."""
    if text.isascii() and text.isprintable():
        return text
    text = text.encode("utf-8", "replace").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else "?" for c in text)


def client_ip(peer: str | None, forwarded: Sequence[str], trusted_hops: int) -> str:
    """The address that the outermost trusted proxy saw; what clients put in front of it is not believed."""
    if trusted_hops and forwarded:
        named = [part.strip() for line in forwarded for part in line.split(",") if part.strip()]
        if named:
            seen = _address(named[-trusted_hops] if len(named) >= trusted_hops else named[0])
            if seen is not None:
                return seen
    return (_address(peer) or peer) if peer else UNKNOWN


@lru_cache(maxsize=8192)
def _address(text: str) -> str | None:
    """An address in its shortest form, without port and zone; None when it is none."""
    if (found := _WITH_PORT.fullmatch(text)) is not None:
        text = found[1] or found[2]
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)
