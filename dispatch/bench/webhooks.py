"""The bench part of the webhooks: what endpoints that never answer cost those that do, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from dispatch.adapters.webhooks import HttpPoster
from dispatch.bench.figures import Figure, Rounds
from dispatch.bench.stage import Stage
from dispatch.config import Settings
from dispatch.events import SYSTEM
from dispatch.parties import integrations
from dispatch.parties.integrations import NewIntegration
from dispatch.process.runtime import open_services
from dispatch.services import Services
from dispatch.simulation.report import percentile
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.owners import Owner
from dispatch.webhooks.worker import WebhookWorker

#: Endpoints that answer and that never do, events for each, and how long an answer takes, in seconds.
HEALTHY, DEAD, EACH, ANSWER_S = 90, 10, 100, 0.05
#: What the dead ones may add to the 95th percentile of the others.
MOST_TIMES = 1.2
HOST, EVENT = "127.0.0.1", "security.alert"
ALONE, BESIDE = "alone", "beside dead ones"
#: A run that takes so long, in seconds, stands still.
GIVEN_UP_S = 600.0


@dataclass
class Receivers:
    """All endpoints behind one port: `/dead` takes what comes and says nothing, any other answers."""

    arrived: list[float] = field(default_factory=list)
    url: str = ""
    expected: int = 0
    all_came: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, count: int) -> None:
        """A run begins, in which so many are to arrive at those that answer."""
        self.arrived, self.expected = [], count
        self.all_came.clear()

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        if request.match_info["name"] == "dead":
            await self.closing.wait()
            return web.Response(status=503)
        await asyncio.sleep(ANSWER_S)
        self.arrived.append(time.perf_counter())
        if len(self.arrived) == self.expected:
            self.all_came.set()
        return web.Response(status=204)


@asynccontextmanager
async def receivers() -> AsyncIterator[Receivers]:
    """They listen on a free port of this machine for this block."""
    found = Receivers()
    app = web.Application()
    app.router.add_post("/{name}", found.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        found.url = f"http://{HOST}:{runner.addresses[0][1]}"
        yield found
    finally:
        found.closing.set()
        await runner.cleanup()


def part(stage: Stage) -> list[Figure]:
    """10,000 events at once: how long those that answer wait for theirs, without the dead ones and beside them."""
    settings = Settings(
        database_url="", data=stage.folder / "webhooks", log_level="error", webhooks={"open_hosts": [HOST]}
    )
    with stage.empty() as dsn:
        return asyncio.run(_measure(stage, settings, dsn))


async def _measure(stage: Stage, settings: Settings, dsn: str) -> list[Figure]:
    async with open_services(settings, dsn, with_workers=False) as services, receivers() as there:
        return await measure(services, there, stage.rounds, healthy=HEALTHY, dead=DEAD, each=stage.few(EACH))


async def measure(
    services: Services, there: Receivers, rounds: int, *, healthy: int, dead: int, each: int
) -> list[Figure]:
    """Rounds with and without the dead ones by turns, sent by one worker."""
    seen, worker = Rounds(), WebhookWorker(services, HttpPoster([HOST]))
    living = [await _endpoint(services, f"{there.url}/{n}", str(n)) for n in range(healthy)]
    worker.start()
    try:
        for number in range(rounds):
            seen_alone = await _waits_s(services, there, living, [], each)
            hanging = [await _endpoint(services, f"{there.url}/dead", f"dead-{number}-{n}") for n in range(dead)]
            seen_beside = await _waits_s(services, there, living, hanging, each)
            for who, waits in ((ALONE, seen_alone), (BESIDE, seen_beside)):
                seen.add(who, "p95", percentile(waits, 0.95) or 0.0)
                seen.add(who, "rate", len(waits) / max(waits))
            async with services.transaction() as tx:
                for owner in hanging:
                    await endpoints.delete_all(tx, owner, SYSTEM)
    finally:
        await worker.stop()
    alone, beside = seen.of(ALONE, "p95") or 0.0, seen.of(BESIDE, "p95") or 0.0
    count = f"{healthy} endpoints, {each} events each at once"
    return [
        Figure("webhooks", "event to arrival, p95", "s", beside, ALONE, alone, note=count,
               wanted=f">= {1 / MOST_TIMES:.2f}x ({dead} dead ones)"),
        Figure("webhooks", "delivered", "/s", seen.of(BESIDE, "rate") or 0.0, ALONE, seen.of(ALONE, "rate"),
               is_rate=True, note=count),
    ]  # fmt: skip


async def _endpoint(services: Services, url: str, name: str) -> Owner:
    """An app of its own with one endpoint."""
    async with services.transaction() as tx:
        made = await integrations.make(tx, NewIntegration(f"App {name}", f"app.{name}@example.com", ""), SYSTEM)
        owner = Owner("integration", made.id)
        await endpoints.create(tx, owner, SYSTEM, url=url, events=[EVENT])
    return owner


async def _waits_s(
    services: Services, there: Receivers, living: Sequence[Owner], dead: Sequence[Owner], each: int
) -> list[float]:
    """How long each event for those that answer took to arrive, in seconds from the commit that made it."""
    there.expect(len(living) * each)
    async with services.transaction() as tx:
        for k in range(each):
            for owner in (*dead, *living):
                await deliveries.publish(tx, owner, EVENT, {"kind": "bench", "text": str(k)}, stream=str(k))
    begun = time.perf_counter()
    async with asyncio.timeout(GIVEN_UP_S):
        await there.all_came.wait()
    return [at - begun for at in there.arrived]
