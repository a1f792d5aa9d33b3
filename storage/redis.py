"""The hints of many nodes over Redis pub/sub: short waits, a breaker, and nothing lost when it is gone."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from uuid import uuid4

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

#: Every channel name in one place.
HINTS = "dispatch:hints"
POSITIONS = "dispatch:positions"

#: No wait for Redis is longer than this, in seconds.
TIMEOUT_S = 0.25
#: A reader that heard nothing for so long asks whether anybody is there.
SILENCE_S = 5.0
#: After a failure nothing is tried for so long.
BREAK_S = 2.0
#: Messages that wait for Redis; the oldest are dropped beyond it.
BACKLOG = 10_000
#: The topic by which a node says that it could not tell others something. Nodes of before know no such topic.
LOST = "hints.lost"

Deliver = Callable[[str, dict[str, object]], None]
DeliverBytes = Callable[[bytes], None]


def connect(url: str) -> Redis:
    """A client that never waits long and never retries by itself."""
    return Redis.from_url(
        url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, retry=Retry(NoBackoff(), 0),
        health_check_interval=5,
    )  # fmt: skip


async def ping(url: str) -> None:
    """Returns when Redis answers; raises what is wrong otherwise."""
    redis = connect(url)
    try:
        await redis.execute_command("PING")  # type: ignore[no-untyped-call]
    finally:
        await redis.aclose()


async def memory_bytes(url: str) -> int:
    """What its data take; raises what is wrong otherwise."""
    redis = connect(url)
    try:
        told = await redis.info("memory")
        return int(told["used_memory"])
    finally:
        await redis.aclose()


class RedisHints:
    """Carries hints and position batches between nodes. Own messages are not heard again."""

    def __init__(self, url: str, deliver: Deliver, positions: DeliverBytes | None = None) -> None:
        self._redis, self._reader = connect(url), Redis.from_url(url, socket_connect_timeout=1.0)
        self._deliver, self._positions = deliver, positions
        self._me = uuid4().bytes
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(BACKLOG)
        self._tasks: list[asyncio.Task[None]] = []
        self.dropped = 0
        #: Since when every hint of others has been heard (monotonic, seconds); infinite while some may be missed.
        self.heard_since = math.inf

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._read())]

    def on_positions(self, listener: DeliverBytes) -> None:
        self._positions = listener

    def publish(self, topic: str, hint: dict[str, object]) -> None:
        self._put(HINTS, orjson.dumps([topic, hint]))

    def publish_positions(self, batch: bytes) -> None:
        self._put(POSITIONS, batch)

    def _put(self, channel: str, payload: bytes) -> None:
        if self._queue.full():
            self._queue.get_nowait()
            self.dropped += 1
        self._queue.put_nowait((channel, self._me + payload))

    async def _write(self) -> None:
        while True:
            channel, payload = await self._queue.get()
            try:
                await self._redis.publish(channel, payload)
            except (RedisError, OSError, TimeoutError) as e:
                self.dropped += 1
                log.warning("Redis is away, hints are dropped: %s", e)
                await asyncio.sleep(BREAK_S)
                # Tried until it is heard: who has heard all the time does not know what was not said.
                self.publish(LOST, {})

    async def _read(self) -> None:
        while True:
            try:
                async with self._reader.pubsub() as pubsub:
                    await pubsub.subscribe(HINTS, POSITIONS)
                    await self._listen(pubsub)
            except (RedisError, OSError, TimeoutError) as e:
                log.warning("Redis is away, hints are not heard: %s", e)
            self.heard_since = math.inf
            await asyncio.sleep(BREAK_S)

    async def _listen(self, pubsub: PubSub) -> None:
        """Hears until the connection fails. A silent one is asked for a sign of life: a partition sends no goodbye."""
        heard_at = asked_at = time.monotonic()
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            now = time.monotonic()
            if message is not None:
                heard_at = now
                self._heard(message)
            elif now - heard_at > 2 * SILENCE_S and asked_at > heard_at:
                raise TimeoutError("no sign of life from Redis")
            elif now - heard_at >= SILENCE_S:
                asked_at = now
                await asyncio.wait_for(pubsub.ping(), 1.0)

    def _heard(self, message: dict[str, object]) -> None:
        data = message.get("data")
        if (message.get("type"), message.get("channel")) == ("subscribe", HINTS.encode()):
            # Also when the library has connected anew by itself.
            self.heard_since = time.monotonic()
            return
        if message.get("type") != "message" or not isinstance(data, bytes) or data[:16] == self._me:
            return
        try:
            if message.get("channel") == POSITIONS.encode():
                if self._positions is not None:
                    self._positions(data[16:])
                return
            topic, hint = orjson.loads(data[16:])
            if topic == LOST:
                self.heard_since = time.monotonic()
            self._deliver(topic, hint)
        except Exception as e:
            # Whoever can write to Redis must not be able to stop this node from listening.
            log.warning("a message of another node was dropped: %s", e)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()
        await self._reader.aclose()
