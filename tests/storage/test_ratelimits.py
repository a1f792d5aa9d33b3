"""General limits: in one process, shared through a real Redis, and without it when it is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from storage import ratelimits
from storage.ratelimits import RateCounters, Windows
from storage.tools import bench_redis


async def outcomes(counters: RateCounters, key: str, times: int) -> list[bool]:
    """Whether each of so many requests was within 3 a minute."""
    return [await counters.hit(key, 3, 60) == 0 for _ in range(times)]


@pytest.mark.usefixtures("still_windows")
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


async def test_a_window_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [600.0]
    monkeypatch.setattr(ratelimits, "monotonic", lambda: now[0])
    windows = Windows()
    assert [windows.hit("a", 3, 60) for _ in range(4)] == [0, 0, 0, 60]
    now[0] = 659.0
    assert windows.hit("a", 3, 60) == 1
    # Half of the next window: half of what went before still counts, and a refused one was free.
    now[0] = 690.0
    assert [windows.hit("a", 3, 60) == 0 for _ in range(3)] == [True, True, False]
    now[0] = 1000.0
    assert [windows.hit("a", 3, 60) == 0 for _ in range(4)] == [True, True, True, False]


async def test_what_one_process_counts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimits, "MOST_COUNTED", 3)
    windows = Windows()
    for n in range(50):
        assert windows.hit(f"caller {n}", 1, 60) == 0
    assert sum(windows.hit(f"caller {n}", 1, 60) > 0 for n in range(47, 50)) <= 3


async def test_a_redis_is_reached_through_its_socket_too(tmp_path: Path) -> None:
    with bench_redis.rival_socket() as (path, _):
        assert path is not None, "the tests bring a redis-server"
        one, two = RateCounters(f"unix://{path}"), RateCounters(f"unix://{path}")
        assert await outcomes(one, "a", 3) == [True, True, True]
        assert await outcomes(two, "a", 1) == [False]
        await one.close()
        await two.close()
