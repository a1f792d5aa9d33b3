"""Who may hold a socket and how much it may ask: limits, buckets, grants, origins, addresses, counters."""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

#: Every counter that a server keeps, so that each metric exists from the first scrape.
COUNTERS = (
    "opened",
    "closed",
    "joined",
    "hot_frames",
    "slow_frames",
    "hot_fallback",
    "hot_errors",
    "events_limited",
    "frames_limited",
    "lossy_sent",
    "lossy_skipped",
    "facts_sent",
    "refused.shutdown",
    "refused.method",
    "refused.token_in_url",
    "refused.origin",
    "refused.too_many_connections",
    "cut.auth_timeout",
    "cut.refused",
    "cut.slow_reader",
    "cut.flood",
    "cut.too_big",
    "cut.too_deep",
    "cut.binary",
    "cut.malformed",
    "cut.ping_timeout",
    "cut.expired",
    "cut.revoked",
    "cut.closed_by_server",
    "cut.join_failed",
    "cut.shutdown",
)


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """What one socket may do before it is cut at the transport. Tests shrink the times."""

    auth_timeout_s: float = 5.0
    ping_interval_s: float = 25.0
    ping_timeout_s: float = 20.0
    linger_s: float = 1.0  # a cut peer gets this long to take its last bytes
    drain_timeout_s: float = 30.0  # for one page of a replay
    shutdown_timeout_s: float = 2.0
    sweep_interval_s: float = 1.0
    max_frame_bytes: int = 64 * 1024
    hard_queue_bytes: int = 256 * 1024
    soft_queue_bytes: int = 32 * 1024  # above it positions are skipped
    page_bytes: int = 64 * 1024
    max_queued_messages: int = 500
    events_per_s: float = 20.0
    events_burst: float = 40.0
    flood_burst: float = 100.0  # refusals, refilled at events_per_s, before the socket is cut
    max_depth: int = 16
    max_per_address: int = 200  # many phones share one carrier's address


class Bucket:
    """A token bucket on the monotonic clock; it starts full."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate, self._burst, self._tokens, self._at = rate_per_s, burst, burst, monotonic()

    def take(self, cost: float = 1.0) -> bool:
        """Takes `cost` tokens if there are that many; otherwise takes none and answers False."""
        now = monotonic()
        tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        enough = tokens >= cost
        self._tokens = tokens - cost if enough else tokens
        return enough


@dataclass(slots=True, eq=False)
class Grant:
    """What an authenticated socket may act as in one namespace, until `expires_at` (real unix s).

    `state` belongs to the namespace; the engine fills in `sid` and `namespace`.
    """

    principal: Any
    session_id: str
    expires_at: float
    state: Any = None
    sid: str = ""
    namespace: str = ""


class Origins:
    """The exact origins that browsers may connect from; none configured means the server's own host only."""

    def __init__(self, allowed: Collection[str] = ()) -> None:
        if any("*" in origin for origin in allowed):
            raise ValueError("Socket origins are an exact list; a wildcard is not allowed.")
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    def admits(self, origins: Collection[str], host: str) -> bool:
        """`origins` are the request's Origin headers; native apps send none and are admitted."""
        if not origins:
            return True
        if len(origins) > 1:
            return False
        origin = next(iter(origins)).lower()
        if self._allowed:
            return origin in self._allowed
        return _names_host(origin, host.lower())


def _names_host(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    port = {"http": ":80", "https": ":443"}.get(parts.scheme)
    if port is None or parts.path or parts.query or not parts.netloc:
        return False
    return parts.netloc.removesuffix(port) == host.removesuffix(port)


_TOKEN_KEYS = frozenset(
    {"token", "access_token", "accesstoken", "id_token", "refresh_token", "auth", "authorization", "jwt"}
    | {"bearer", "api_key", "apikey"}
)


def carries_token(query: Collection[tuple[str, str]]) -> bool:
    """Whether a query string holds a credential, by name or by the looks of a JWT: URLs end up in logs."""
    return any(
        key.lower() in _TOKEN_KEYS or (value.count(".") == 2 and value.startswith("eyJ"))
        for key, value in query
    )


class Addresses:
    """How many sockets each client address holds; an IPv6 client is its /64."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: Counter[str] = Counter()

    def enter(self, address: str) -> str | None:
        """Counts one more socket; answers the key to leave with, or None when there are too many."""
        key = _address_key(address)
        if self._held[key] >= self._limit:
            return None
        self._held[key] += 1
        return key

    def leave(self, key: str) -> None:
        self._held[key] -= 1
        if self._held[key] <= 0:
            del self._held[key]


def _address_key(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class QuietLog:
    """One line per reason and period, with how many were kept quiet: abuse must not fill a disk."""

    def __init__(self, period_s: float = 10.0) -> None:
        self._period_s = period_s
        self._next: dict[str, float] = {}
        self._quiet: Counter[str] = Counter()

    def __call__(self, reason: str, address: str) -> None:
        now = monotonic()
        if now < self._next.get(reason, 0.0):
            self._quiet[reason] += 1
            return
        self._next[reason] = now + self._period_s
        log.warning("socket cut: %s from %s (%d more before)", reason, address, self._quiet.pop(reason, 0))
