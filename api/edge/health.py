"""For those who run it: alive, ready, and the measures. Asking often costs next to nothing."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.core import CORE
from api.edge.metrics import FIGURES_S, Figures, Measures, look_up
from api.edge.operators import is_operator, operators_only
from dispatch.services import Services
from storage import clock
from storage.database.errors import StorageError

#: A check that takes longer has failed, in seconds.
CHECK_S = 2.0
#: Work that is overdue by more makes the node not ready, in seconds of the domain's time.
MAX_LAG_S = 60.0
#: What was found is good for so long: who asks a thousand times a second asks the database once.
KEPT_S = 1.0
#: So long after something could not be written for want of room a node is not ready.
FULL_S = 30.0
#: The embedded database needs a write-ahead segment or two, in bytes.
LEAST_FREE_BYTES = 32 * 1024 * 1024

Lag = Callable[[], Awaitable[float]]
T = TypeVar("T")


class Kept(Generic[T]):
    """An answer that is made at most once in so many seconds, however many ask."""

    def __init__(self, kept_s: float = KEPT_S) -> None:
        self._kept_s = kept_s
        self._value: T | None = None
        self._until = 0.0
        self._making = asyncio.Lock()

    async def get(self, make: Callable[[], Awaitable[T]]) -> T:
        async with self._making:
            if self._value is None or time.monotonic() >= self._until:
                self._value = await make()
                self._until = time.monotonic() + self._kept_s
            return self._value

    def forget(self) -> None:
        """The next one who asks learns the present state."""
        self._until = 0.0


@dataclass(slots=True)
class Life:
    """Whether this node still takes new callers, and how far its timers are behind."""

    lag: Lag | None = None
    is_draining: bool = False
    checks: Kept[dict[str, str]] = field(default_factory=Kept)
    measures: Kept[bytes] = field(default_factory=Kept)
    figures: Kept[Figures] = field(default_factory=lambda: Kept(FIGURES_S))


LIFE = web.AppKey("dispatch_life", Life)


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")


async def healthz(request: web.Request) -> web.Response:
    """The process answers."""
    return _json(200, {"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """This node can take work: it is not draining, its database answers and has room, its timers are not behind.

    A balancer needs the status only; what is wrong is told to operators.
    """
    life, services = request.app[LIFE], request.app[CORE].services

    async def look() -> dict[str, str]:
        # Both at once: what hangs costs whoever asks the time of one check.
        names, asked = ["database"], [_database(services)]
        if life.lag is not None:
            names.append("jobs")
            asked.append(_jobs(life.lag))
        return dict(zip(names, await asyncio.gather(*asked), strict=True))

    checks = await life.checks.get(look)
    if life.is_draining:
        checks = {**checks, "draining": "yes"}
    ready = all(word == "ok" for word in checks.values())
    body: dict[str, object] = {"status": "ready" if ready else "not ready"}
    if is_operator(request):
        body["checks"] = checks
    response = _json(200 if ready else 503, body)
    if not ready:
        response.headers["Retry-After"] = "5"
    return response


async def _database(services: Services) -> str:
    try:
        async with asyncio.timeout(CHECK_S), services.read() as conn:
            await clock.get(conn)
    except (StorageError, TimeoutError):
        return "unreachable"
    return "full" if _is_full(services) else "ok"


def _is_full(services: Services) -> bool:
    """Reading goes on when the disk is full, so this is not learned by reading."""
    full_at = services.pool.full_at
    if full_at is not None and time.monotonic() - full_at < FULL_S:
        return True
    settings = services.settings
    if settings.database_url or not settings.data.exists():
        return False
    return shutil.disk_usage(settings.data).free < LEAST_FREE_BYTES


async def _jobs(lag: Lag) -> str:
    try:
        async with asyncio.timeout(CHECK_S):
            behind_s = await lag()
    except (StorageError, TimeoutError):
        return "unknown"
    return "ok" if behind_s <= MAX_LAG_S else f"{behind_s:.0f} s behind"


@operators_only
async def metrics(request: web.Request) -> web.Response:
    """In Prometheus' text form."""

    async def look() -> bytes:
        figures = await life.figures.get(lambda: look_up(services))
        return generate_latest(Measures(request.app, figures))

    life, services = request.app[LIFE], request.app[CORE].services
    body = await life.measures.get(look)
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


def add_health(app: web.Application) -> None:
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
