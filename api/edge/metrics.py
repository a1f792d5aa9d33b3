"""What the live half of the server counts, as Prometheus reads it: pings by step, sockets, timers, queues."""

from __future__ import annotations

from aiohttp import web
from prometheus_client import Gauge

from api.realtime.attach import SERVER
from api.route import CORE
from dispatch.live.tracking import STEPS
from storage import board as ops_rows
from storage import bookings
from storage.database.errors import StorageError

POOL = Gauge("dispatch_database_connections", "Connections of this process", ["state"])
PINGS = Gauge("dispatch_pings_total", "Pings since the start, by what became of them", ["outcome"])
DROPPED = Gauge(
    "dispatch_pings_dropped_total", "Pings dropped since the start, by the step that dropped them", ["step"]
)
DEGRADED = Gauge("dispatch_pings_degraded_total", "Admitted pings that decide nothing or are no move", ["step"])
ARRIVALS = Gauge("dispatch_arrivals_detected_total", "Arrivals detected since the start")
TRACKED = Gauge("dispatch_technicians_tracked", "Technicians with a known position")
ROSTER = Gauge("dispatch_technicians_known", "Technicians in memory")
SOCKETS = Gauge("dispatch_sockets_open", "Open sockets of this process")
SOCKET_EVENTS = Gauge(
    "dispatch_socket_events_total", "What the sockets' guard and hot path counted since the start", ["event"]
)
OVERDUE = Gauge("dispatch_timers_overdue_seconds", "How late the most overdue timer is, in the domain's time")
QUEUE = Gauge("dispatch_manual_queue", "Bookings that wait for a person")
HISTORY_LOST = Gauge("dispatch_history_points_lost_total", "Points of the history given up while the database was away")


async def measure(app: web.Application) -> None:
    """Sets every gauge to what it is now; what the database would have to say is left out while it is away."""
    services = app[CORE].services
    POOL.labels("open").set(services.pool.size)
    POOL.labels("idle").set(services.pool.idle)
    tracker = services.tracker
    PINGS.labels("admitted").set(tracker.admitted)
    PINGS.labels("dropped").set(sum(tracker.dropped.values()))
    for step in STEPS:
        DROPPED.labels(step).set(tracker.dropped.get(step, 0))
        DEGRADED.labels(step).set(tracker.degraded.get(step, 0))
    ARRIVALS.set(tracker.arrivals.detected)
    TRACKED.set(len(tracker.fleet))
    ROSTER.set(len(services.roster))
    HISTORY_LOST.set(tracker.trail.lost_points)
    if SERVER in app:
        SOCKETS.set(len(app[SERVER].live))
        for event, count in app[SERVER].stats.items():
            SOCKET_EVENTS.labels(event).set(count)
    try:
        async with services.read() as conn:
            OVERDUE.set(await bookings.overdue_s(conn) or 0.0)
            QUEUE.set(await ops_rows.queue_length(conn) or 0)
    except StorageError:
        pass
