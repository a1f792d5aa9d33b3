"""Counters of requests per window: in this process, or in Redis for all; a lost Redis refuses nobody."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger(__name__)

PREFIX = "dispatch:limits"
#: After a failure of Redis this process counts alone for so long.
BREAK_S = 2.0


class RateCounters:
    """Sliding windows in real time. Money and identity are protected by storage.quotas."""

    def __init__(self, redis_url: str = "") -> None:
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._shared_from = 0.0
        self._redis: Redis | None = None
        if redis_url:
            from storage.redis import connect

            self._redis = connect(redis_url)
            storage = RedisStorage(
                f"async+{redis_url}",
                wrap_exceptions=True,
                implementation="redispy",
                key_prefix=PREFIX,
                connection_pool=self._redis.connection_pool,  # type: ignore[arg-type]
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    async def hit(self, key: str, amount: int, window_s: int) -> float:
        """Counts one request. 0 when it is within `amount` per `window_s`, else the seconds to wait."""
        item = RateLimitItemPerSecond(amount, window_s)
        if self._shared is not None and time.monotonic() >= self._shared_from:
            try:
                return await _hit(self._shared, item, key)
            except (StorageError, OSError, TimeoutError):
                self._shared_from = time.monotonic() + BREAK_S
                log.warning("Redis does not count requests just now; each node counts its own")
        return await _hit(self._local, item, key)

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()


async def _hit(limiter: SlidingWindowCounterRateLimiter, item: RateLimitItemPerSecond, key: str) -> float:
    if await limiter.hit(item, key):
        return 0.0
    reset_at, _ = await limiter.get_window_stats(item, key)
    return max(reset_at - time.time(), 1.0)
