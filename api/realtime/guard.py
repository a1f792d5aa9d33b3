"""Who may hold a socket and how much it may ask: limits, buckets, grants, origins, addresses, counters."""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

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
    "paused",
    "facts_sent",
    "refused.shutdown",
    "refused.method",
    "refused.token_in_url",
    "refused.origin",
    "refused.body",
    "refused.transport",
    "refused.protocol",
    "refused.handshake",
    "refused.too_many_connections",
    "refused.too_fast",
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
    "cut.unjudged",
    "cut.too_fast",
    "cut.replaced",
    "cut.failed",
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
    max_unsigned_bytes: int = 8 * 1024  # of whoever has not signed in
    most_waiting: int = 64  # frames that wait behind a command before reading stops, and their bytes
    most_waiting_bytes: int = 128 * 1024
    hard_queue_bytes: int = 256 * 1024
    soft_queue_bytes: int = 32 * 1024  # above it positions are skipped
    page_bytes: int = 64 * 1024
    max_queued_messages: int = 500
    events_per_s: float = 20.0  # of one principal, in all its sockets; location frames have as many again
    events_burst: float = 40.0
    bytes_per_event: int = 8 * 1024  # a frame costs one event, and one more for each of these
    unsigned_per_s: float = 1.0  # frames before signing in
    unsigned_burst: float = 10.0
    flood_per_s: float = 1.0  # refusals that are borne, before the socket is cut
    flood_burst: float = 100.0
    max_depth: int = 16
    max_per_address: int = 200  # many phones share one carrier's address
    max_per_session: int = 10  # one more, and the oldest is cut


class Bucket:
    """A token bucket on the monotonic clock; it starts full."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self._rate, self._burst, self._tokens, self._at = rate_per_s, burst, burst, monotonic()

    def take(self, cost: float = 1.0) -> bool:
        """Takes `cost` tokens if there are that many; otherwise takes none and answers False."""
        now = monotonic()
        tokens = self._tokens + (now - self._at) * self._rate
        if tokens > self._burst:
            tokens = self._burst
        self._at = now
        if tokens < cost:
            self._tokens = tokens
            return False
        self._tokens = tokens - cost
        return True


class Budget:
    """What one principal may ask, in all its sockets together: commands, and location frames apart."""

    __slots__ = ("__weakref__", "events", "reports")

    def __init__(self, limits: SocketLimits) -> None:
        self.events = Bucket(limits.events_per_s, limits.events_burst)
        self.reports = Bucket(limits.events_per_s, limits.events_burst)


#: Budgets are remembered for so long after a joining, and so many of them.
_RECENT_S, _MOST_RECENT = 60.0, 50_000


class Budgets:
    """The budget of every principal that holds a socket, or joined lately: coming again gives nothing back."""

    def __init__(self, limits: SocketLimits) -> None:
        self._limits = limits
        self._held: WeakValueDictionary[tuple[str, Any], Budget] = WeakValueDictionary()
        self._recent: deque[tuple[float, Budget]] = deque(maxlen=_MOST_RECENT)

    def of(self, namespace: str, principal: Any) -> Budget:
        found = self._held.get((namespace, principal))
        if found is None:
            found = self._held[namespace, principal] = Budget(self._limits)
        now = monotonic()
        while self._recent and self._recent[0][0] < now:
            self._recent.popleft()
        self._recent.append((now + _RECENT_S, found))
        return found


@dataclass(slots=True, eq=False)
class Grant:
    """What an authenticated socket may act as in one namespace, until `expires_at` (real unix s).

    `state` belongs to the namespace; the engine fills in `sid`, `namespace` and `budget`.
    """

    principal: Any
    session_id: str
    expires_at: float
    state: Any = None
    sid: str = ""
    namespace: str = ""
    budget: Budget = field(init=False)


class Origins:
    """The exact origins that browsers may connect from: the server's own host, and those that are configured."""

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
        return origin in self._allowed or _names_host(origin, host.lower())


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
        key.lower() in _TOKEN_KEYS or (value.count(".") == 2 and value.startswith("eyJ")) for key, value in query
    )


#: Addresses whose pace is remembered; then all start anew.
_MOST_ADDRESSES = 10_000


class Addresses:
    """How many sockets each client address holds, and how fast it opens them; an IPv6 client is its /64.

    An address may open all its sockets twice at once (everybody behind it may lose the network together), and then as
    many in ten seconds.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: Counter[str] = Counter()
        self._opening: dict[str, Bucket] = {}

    def has_room(self, address: str) -> bool:
        """Whether this address holds fewer than it may."""
        return self._held[_address_key(address)] < self._limit

    def enter(self, address: str) -> str | None:
        """Counts one more socket; answers the key to leave with, or None when it opens them too fast or has all."""
        key = _address_key(address)
        bucket = self._opening.get(key)
        if bucket is None:
            if len(self._opening) >= _MOST_ADDRESSES:
                self._opening.clear()
            bucket = self._opening[key] = Bucket(self._limit / 10, 2 * self._limit)
        if not self.has_room(address) or not bucket.take():
            return None
        self._held[key] += 1
        return key

    def leave(self, key: str) -> None:
        self._held[key] -= 1
        if self._held[key] <= 0:
            del self._held[key]


@lru_cache(4096)
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
