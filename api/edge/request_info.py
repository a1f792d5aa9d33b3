"""What an endpoint may know of the request beyond its inputs."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import web

#: A request id from outside is kept when it looks like one.
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """Who asks, from where. `network` is what counters use: an IPv4 address, or the /64 of an IPv6 one."""

    request_id: str
    ip: str
    network: str
    user_agent: str
    idempotency_key: str | None
    headers: Mapping[str, str]


INFO = web.RequestKey("dispatch_info", RequestInfo)


def info_of(request: web.Request, trusted_hops: int) -> RequestInfo:
    """Reads the request's head; nothing in it is believed but what the trusted proxies wrote."""
    given = request.headers.get("X-Request-ID", "")
    ip = client_ip(request.remote, request.headers.getall("X-Forwarded-For", ()), trusted_hops)
    return RequestInfo(
        request_id=given if _SANE_ID.fullmatch(given) else uuid4().hex,
        ip=ip,
        network=network_of(ip),
        user_agent=request.headers.get("User-Agent", "")[:300],
        idempotency_key=request.headers.get("X-Idempotency-Key"),
        headers=request.headers,
    )


def client_ip(peer: str | None, forwarded: tuple[str, ...] | list[str], trusted_hops: int) -> str:
    """The address that the outermost trusted proxy saw; what clients put in front of it is not believed."""
    seen = peer or "unknown"
    if trusted_hops:
        named = [part.strip() for line in forwarded for part in line.split(",") if part.strip()]
        if named:
            seen = named[-trusted_hops] if len(named) >= trusted_hops else named[0]
    try:
        address = ipaddress.ip_address(seen.split("%")[0])
    except ValueError:
        return peer or "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)


def network_of(ip: str) -> str:
    """One caller as counters see it: whoever has an IPv6 address has the whole /64."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
