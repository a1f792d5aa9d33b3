"""What Prometheus reads: what this process counts and holds, and how the business stands, by the database.

Names are read here top to bottom. What the database says is asked once in FIGURES_S, of indexes that hold only what
waits; every node says the same of it, so that a query takes `max`, not `sum`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.core import CORE
from api.realtime.attach import SERVER
from api.realtime.engine import HotServer
from dispatch.live.tracking import STEPS
from dispatch.outbox.sweeper import AT_ONCE
from dispatch.services import Services
from storage import figures as rows
from storage.database.errors import StorageError
from storage.figures import Figure

log = logging.getLogger(__name__)

#: How old the database's answer may be, in real seconds, and how long it may take.
FIGURES_S, LOOK_S = 10.0, 2.0
#: What may wait without end is counted up to so many.
MOST = 100_000

#: Figure of the database -> what its label says (none: one value), and what it is.
FIGURES: Mapping[str, tuple[str | None, str]] = {
    "bookings_open": ("status", "Bookings that are not over"),
    "offers_open": (None, "Offers that wait for an answer"),
    "manual_queue": (None, "Bookings that wait for a person"),
    "timers_overdue_seconds": (None, "How late the most overdue timer is, in the domain's time"),
    "outbox_waiting": ("channel", f"Messages that are not sent yet, up to {MOST}"),
    "outbox_lag_seconds": ("channel", "How long the most overdue message has been due"),
    "webhooks_waiting": (None, f"Events that are not delivered yet, up to {MOST}"),
    "webhooks_lag_seconds": (None, "How long the most overdue delivery has been due, in the domain's time"),
    "tasks": ("state", "Work that is asked for, runs, or is held for a person"),
    "tasks_lag_seconds": (None, "How long the most overdue work has been due"),
    "money_waiting": ("what", "What is still to be asked of the payment gateway, and events of it to be worked on"),
    "money_lag_seconds": (None, "How long the most overdue of them has been due"),
    "alerts_open": ("kind", "Alerts that nobody has resolved"),
    "revenue_30d_minor": ("currency", "Revenue of the last thirty days that are over, in the smallest units"),
    "paid_bookings_30d": ("currency", "Bookings paid in those days"),
    "average_order_minor": ("currency", "Revenue over paid bookings of those days, in the smallest units"),
    "customers_60d": ("which", "Who booked from sixty to thirty days ago, and who of them has booked again since"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the database and Redis say; `rows` is None while the database is away."""

    rows: list[Figure] | None
    redis_bytes: int | None


async def look_up(services: Services) -> Figures:
    """Never raises: what is away is what operators want to see."""
    return Figures(*await asyncio.gather(_present(services), _redis(services.settings.redis_url)))


async def _present(services: Services) -> list[Figure] | None:
    try:
        async with asyncio.timeout(LOOK_S), services.read() as conn:
            return await rows.present(conn, most=MOST, channels=list(AT_ONCE))
    except (StorageError, TimeoutError) as e:
        log.warning("the database has no figures: %s", e or type(e).__name__)
        return None


async def _redis(url: str) -> int | None:
    if not url:
        return None
    # Only where there is one: many servers run without.
    from storage import redis

    try:
        async with asyncio.timeout(LOOK_S):
            return await redis.memory_bytes(url)
    except Exception:  # whatever is wrong with it, it is not there
        return None


class Measures(Collector):
    """Everything of one application; what the process counts itself stands in prometheus_client's own registry."""

    def __init__(self, app: web.Application, figures: Figures) -> None:
        self._app, self._figures = app, figures

    def collect(self) -> Iterator[Metric]:
        services = self._app[CORE].services
        yield from REGISTRY.collect()
        yield from _pool(services)
        yield from _pings(services)
        if SERVER in self._app:
            yield from _sockets(self._app[SERVER])
        yield from _business(self._figures.rows)
        if services.replica is not None:
            yield _gauge("replica_up", "Whether the read replica answers", float(services.replica.is_here))
        if services.settings.redis_url:
            told = self._figures.redis_bytes
            yield _gauge("redis_up", "Whether Redis answers", float(told is not None))
            if told is not None:
                yield _gauge("redis_memory_bytes", "What the data in Redis take", told)


def _pool(services: Services) -> Iterator[Metric]:
    pool = services.pool
    counts = {"open": pool.size, "idle": pool.idle, "most": services.settings.database.pool_max}
    yield _gauges("database_connections", "Connections of this process, and the most it may open", "state", counts)


def _pings(services: Services) -> Iterator[Metric]:
    tracker, fleet = services.tracker, services.tracker.fleet
    taken = {"admitted": tracker.admitted, "dropped": sum(tracker.dropped.values())}
    dropped = {step: tracker.dropped.get(step, 0) for step in STEPS}
    degraded = {step: tracker.degraded.get(step, 0) for step in STEPS}
    yield _counters("pings", "Pings, by what became of them", "outcome", taken)
    yield _counters("pings_dropped", "Pings dropped, by the step that dropped them", "step", dropped)
    yield _counters("pings_degraded", "Admitted pings that decide nothing or are no move", "step", degraded)
    yield _counter("arrivals_detected", "Arrivals detected", tracker.arrivals.detected)
    yield _counter(
        "history_points_lost", "Points of the history given up while the database was away", tracker.trail.lost_points
    )
    yield _gauge("index_entries", "Technicians with a known position, in the index", len(fleet))
    yield _gauge("technicians_known", "Technicians in memory", len(services.roster))


def _sockets(server: HotServer) -> Iterator[Metric]:
    live = list(server.live.values())
    joined = Counter(grant.namespace for socket in live for grant in socket.grants.values())
    by_namespace = {name: joined.get(name, 0) for name in server.namespace_handlers}
    yield _gauge("sockets_open", "Open sockets of this process", len(live))
    yield _gauges("sockets_joined", "Sockets in a namespace", "namespace", by_namespace)
    yield _gauge("socket_queue_bytes", "What waits to be read by all peers", sum(s.queued_bytes for s in live))
    yield _counters("socket_events", "What the sockets' guard and hot path counted", "event", server.stats)


def _business(found: Iterable[Figure] | None) -> Iterator[Metric]:
    yield _gauge("database_up", "Whether the database answers", float(found is not None))
    families = {
        name: GaugeMetricFamily(f"dispatch_{name}", what, labels=None if label is None else [label])
        for name, (label, what) in FIGURES.items()
    }
    for figure in found or ():
        label, _ = FIGURES[figure.name]
        families[figure.name].add_metric([] if label is None else [figure.label], figure.value)
    yield from families.values()


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"dispatch_{name}", what, value=value)


def _gauges(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"dispatch_{name}", what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _counter(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"dispatch_{name}", what, value=value)


def _counters(name: str, what: str, label: str, values: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(f"dispatch_{name}", what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
