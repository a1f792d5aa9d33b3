"""General limits: in one process, shared through a real Redis, and without it when it is gone."""

from __future__ import annotations

import asyncio

from storage.ratelimits import RateCounters


async def outcomes(counters: RateCounters, key: str, times: int) -> list[bool]:
    """Whether each of so many requests was within 3 a minute."""
    return [await counters.hit(key, 3, 60) == 0 for _ in range(times)]


async def test_in_one_process() -> None:
    counters = RateCounters()
    assert await outcomes(counters, "a", 5) == [True, True, True, False, False]
    assert await outcomes(counters, "b", 1) == [True]
    assert 1 <= await counters.hit("a", 3, 60) <= 60
    await counters.close()


async def test_nodes_count_together_and_alone_when_redis_is_gone(
    redis_server: tuple[str, asyncio.subprocess.Process],
) -> None:
    url, process = redis_server
    one, two = RateCounters(url), RateCounters(url)
    assert await outcomes(one, "a", 2) == [True, True]
    assert await outcomes(two, "a", 2) == [True, False]
    assert 1 <= await one.hit("a", 3, 60) <= 60
    process.kill()
    await process.wait()
    assert await outcomes(one, "a", 4) == [True, True, True, False]
    await one.close()
    await two.close()
