"""Counters of requests per window: in this process, or in Redis for all; a lost Redis refuses nobody."""

from __future__ import annotations

import logging
from time import monotonic, time
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger(__name__)

PREFIX = "dispatch:limits"
#: After a failure of Redis this process counts alone for so long.
BREAK_S = 2.0
#: Callers that one process counts; beyond it those whose windows have passed are forgotten, then all.
MOST_COUNTED = 200_000


class Windows:
    """Sliding windows in this process, by the two-bucket estimate: what the window before weighs by its rest.

    The library's own does the same with a task and two locks per hit, which costs as much as the rest of a request.
    """

    def __init__(self) -> None:
        #: Key -> (start of the window, its count, the count of the one before).
        self._seen: dict[str, tuple[float, int, int]] = {}

    def hit(self, key: str, amount: int, window_s: int) -> float:
        """Counts one. 0 when it is within `amount` per `window_s`, else the seconds to wait; a refused one is free."""
        now = monotonic()
        start = now - now % window_s
        began, count, before = self._seen.get(key, (start, 0, 0))
        if began != start:
            count, before = 0, count if start - began <= window_s else 0
        left_s = start + window_s - now
        if before * (left_s / window_s) + count >= amount:
            # The window before has to fade, or this one has to end.
            faded_s = left_s if count >= amount else left_s - window_s * (amount - count) / before
            return max(faded_s, 1.0)
        if len(self._seen) >= MOST_COUNTED and key not in self._seen:
            self._forget(now, window_s)
        self._seen[key] = (start, count + 1, before)
        return 0.0

    def _forget(self, now: float, window_s: int) -> None:
        self._seen = {key: seen for key, seen in self._seen.items() if now - seen[0] < 2 * window_s}
        if len(self._seen) >= MOST_COUNTED:
            self._seen.clear()


class RateCounters:
    """Sliding windows in real time. Money and identity are protected by storage.quotas."""

    def __init__(self, redis_url: str = "") -> None:
        self._local = Windows()
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._shared_from = 0.0
        self._redis: Redis | None = None
        if redis_url:
            from storage.redis import connect

            self._redis = connect(redis_url)
            storage = RedisStorage(
                # How it is reached is the pool's business: a socket's address would name no library.
                "async+redis://",
                wrap_exceptions=True,
                implementation="redispy",
                key_prefix=PREFIX,
                connection_pool=self._redis.connection_pool,  # type: ignore[arg-type]
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, key: str, amount: int, window_s: int) -> float:
        """Counts one request. 0 when it is within `amount` per `window_s`, else the seconds to wait."""
        if self._shared is not None and monotonic() >= self._shared_from:
            try:
                return await _hit(self._shared, RateLimitItemPerSecond(amount, window_s), key)
            except (StorageError, OSError, TimeoutError):
                self._shared_from = monotonic() + BREAK_S
                log.warning("Redis does not count requests just now; each node counts its own")
        return self._local.hit(key, amount, window_s)

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()


async def _hit(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItemPerSecond, key: str) -> float:
    if await limiter.hit(item, key):
        return 0.0
    reset_at, _ = await limiter.get_window_stats(item, key)
    return max(reset_at - time(), 1.0)
