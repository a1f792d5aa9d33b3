"""For those who run it: alive, ready, and the measures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.edge.metrics import measure
from api.route import CORE
from dispatch.services import Services
from storage import clock
from storage.database.errors import StorageError

#: A check that takes longer has failed, in seconds.
CHECK_S = 2.0
#: Work that is overdue by more makes the node not ready, in seconds of the domain's time.
MAX_LAG_S = 60.0

Lag = Callable[[], Awaitable[float]]


@dataclass(slots=True)
class Life:
    """Whether this node still takes new callers, and how far its timers are behind."""

    lag: Lag | None = None
    is_draining: bool = False


LIFE = web.AppKey("dispatch_life", Life)


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


async def healthz(request: web.Request) -> web.Response:
    """The process answers."""
    return _json(200, {"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """This node can take work: it is not draining, its database answers, its timers are not behind."""
    life, services = request.app[LIFE], request.app[CORE].services
    checks: dict[str, object] = {"database": await _database(services)}
    if life.lag is not None:
        checks["jobs"] = await _jobs(life.lag)
    if life.is_draining:
        checks["draining"] = "yes"
    ready = all(word == "ok" for word in checks.values())
    return _json(200 if ready else 503, {"status": "ready" if ready else "not ready", "checks": checks})


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(CHECK_S), services.read() as conn:
            await clock.get(conn)
    except (StorageError, TimeoutError):
        return "unreachable"
    return "ok"


async def _jobs(lag: Lag) -> str:
    try:
        async with asyncio.timeout(CHECK_S):
            behind_s = await lag()
    except (StorageError, TimeoutError):
        return "unknown"
    return "ok" if behind_s <= MAX_LAG_S else f"{behind_s:.0f} s behind"


async def metrics(request: web.Request) -> web.Response:
    """In Prometheus' text form."""
    await measure(request.app)
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def add_health(app: web.Application) -> None:
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
