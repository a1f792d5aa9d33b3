"""Alive, ready and the measures: cheap for everybody, and their inside for operators only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.app import drain
from api.edge import health
from api.edge.health import LIFE
from storage.database.errors import DatabaseFull
from tests.api.demo import DEMO
from tests.api.support import Client, serving
from tests.world import World


async def test_alive_and_not_ready_without_a_database(client: Client) -> None:
    async with client.get("/healthz") as response:
        assert response.status == 200
    async with client.get("/readyz") as response:
        assert response.status == 503 and response.headers["Retry-After"]
        assert (await response.json())["checks"] == {"database": "unreachable", "jobs": "unknown"}


async def test_ready(world: World) -> None:
    behind = [0.0]

    async def lag() -> float:
        return behind[0]

    async with serving(world.services, DEMO) as client:
        app = client.app
        assert app is not None
        app[LIFE].lag = lag

        async def ready() -> tuple[int, Any]:
            app[LIFE].checks.forget()
            async with client.get("/readyz") as response:
                return response.status, (await response.json())["checks"]

        assert await ready() == (200, {"database": "ok", "jobs": "ok"})
        behind[0] = 500
        assert await ready() == (503, {"database": "ok", "jobs": "500 s behind"})
        behind[0] = 0
        with pytest.raises(DatabaseFull):
            async with world.services.read():
                raise DatabaseFull("no room", "53100")
        assert await ready() == (503, {"database": "full", "jobs": "ok"})
        world.services.pool.full_at = time.monotonic() - health.FULL_S - 1
        assert await ready() == (200, {"database": "ok", "jobs": "ok"})
        drain(app)
        assert await ready() == (503, {"database": "ok", "jobs": "ok", "draining": "yes"})
        async with client.get("/metrics") as response:
            text = await response.text()
        assert 'dispatch_http_requests_total{method="GET",route="/readyz",status="503"}' in text
        assert 'dispatch_database_connections{state="open"}' in text


async def test_what_hangs_costs_the_time_of_one_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    timers_are_asked, never = asyncio.Event(), asyncio.Event()
    theirs = world.services.pool.connection

    async def lag() -> float:
        timers_are_asked.set()
        await never.wait()
        return 0.0

    @asynccontextmanager
    async def slow() -> AsyncIterator[Any]:
        # It answers when the other check has begun: one after the other it never would.
        await timers_are_asked.wait()
        async with theirs() as conn:
            yield conn

    monkeypatch.setattr(world.services.pool, "connection", slow)
    async with serving(world.services, DEMO) as client:
        assert client.app is not None
        client.app[LIFE].lag = lag
        async with client.get("/readyz") as response:
            assert (await response.json())["checks"] == {"database": "ok", "jobs": "unknown"}


async def test_asking_often_asks_the_database_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    theirs = world.services.pool.connection
    monkeypatch.setattr(world.services.pool, "connection", lambda: asked.append(1) or theirs())
    async with serving(world.services, DEMO) as client:
        for path in ("/readyz", "/metrics"):
            for _ in range(20):
                async with client.get(path) as response:
                    assert response.status == 200
    assert len(asked) < 10


async def test_a_disk_without_room_is_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1024

    world.services.settings.data.mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(health.shutil, "disk_usage", lambda path: Usage)
    async with serving(world.services, DEMO) as client, client.get("/readyz") as response:
        assert response.status == (200 if world.services.settings.database_url else 503)
