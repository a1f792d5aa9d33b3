"""The customer's socket: facts of the own bookings, and the technician on the map while a job is on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.realtime import signin
from api.realtime.commands import Call, CommandNamespace, Commands
from api.realtime.engine import HotServer
from api.realtime.events import CUSTOMER, Resume, Track
from api.realtime.fanout import Fanout, Listener
from api.realtime.guard import Grant
from dispatch.errors import Missing
from dispatch.live.arrivals import SHOWN
from dispatch.live.reports import Seen
from dispatch.services import Services
from geo.arrival import DEFAULT_LINES
from geo.eta import Eta
from geo.filter import Fix
from geo.geodesy import haversine_m
from storage import bookings as booking_rows
from storage.offers import OpenJob

commands: Commands[Services] = Commands(CUSTOMER)


@commands.command("track.start", Track)
async def track_start(services: Services, call: Call, body: Track) -> dict[str, Any]:
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=body.booking_id)
    if booking is None or booking.account_id != call.grant.principal:
        raise Missing("booking")
    listener: Listener = call.grant.state
    await listener.fanout.server.enter_room(call.grant.sid, booking.id, namespace=CUSTOMER)
    seen = services.tracker.find_by_id(booking.technician_id) if booking.technician_id else None
    job = services.tracker.arrivals.find(booking.id)
    position = None
    if seen is not None and job is not None and job.state in SHOWN:
        position = position_view(services, seen, job)
    return {
        "epoch": listener.fanout.epoch, "seq": booking.event_seq, "booking_id": str(booking.id),
        "status": booking.status, "technician": position,
    }  # fmt: skip


@commands.command("track.stop", Track)
async def track_stop(services: Services, call: Call, body: Track) -> dict[str, Any]:
    listener: Listener = call.grant.state
    await listener.fanout.server.leave_room(call.grant.sid, body.booking_id, namespace=CUSTOMER)
    return {"booking_id": str(body.booking_id)}


@commands.command("resume", Resume)
async def resume(services: Services, call: Call, body: Resume) -> dict[str, Any]:
    listener: Listener = call.grant.state
    found = await listener.fanout.resume(listener, body.epoch, body.streams, is_party=False)
    return {"epoch": found.epoch, "streams": found.heads, "reset": found.reset}


def position_view(services: Services, seen: Seen, job: OpenJob) -> dict[str, Any] | None:
    """Where the technician is for this customer: position, age, ETA with its confidence. Nothing of other jobs.

    Shown is the last position that is believed (None: there is none); the ETA goes by the last that is sure.
    """
    fix, sure = seen.believed, seen.sure
    if fix is None:
        return None
    now_s = services.clock.timestamp()
    away_m = haversine_m(fix.lat, fix.lng, job.lat, job.lng)
    eta: Eta | None = None
    if sure is not None:
        # Usually they are one.
        sure_m = away_m if sure is fix else haversine_m(sure.lat, sure.lng, job.lat, job.lng)
        eta = _eta(services, sure, sure_m, now_s, job)
    return {
        "booking_id": job.booking_id, "lat": fix.lat, "lng": fix.lng,
        "at": datetime.fromtimestamp(fix.at_s, UTC), "accuracy_m": fix.accuracy_m, "heading_deg": fix.heading_deg,
        "distance_m": round(away_m), "eta_s": None if eta is None else round(eta.seconds),
        "eta_confidence": None if eta is None else round(eta.confidence, 2),
        "fix_age_s": round(max(0.0, now_s - fix.at_s), 1),
    }  # fmt: skip


def _eta(services: Services, fix: Fix, away_m: float, now_s: float, job: OpenJob) -> Eta | None:
    """When they will be there, from the last sure fix, which is so far off; None when nothing honest can be said. Who
    has arrived is there, unless the position says that they are not."""
    eta = services.tracker.eta.over(away_m, fix_age_s=max(0.0, now_s - fix.at_s), accuracy_m=fix.accuracy_m)
    if not eta.is_honest:
        return None
    if job.state == "in_transit":
        return eta
    return eta._replace(seconds=0.0) if away_m - fix.accuracy_m <= DEFAULT_LINES.left_m else None


class Positions:
    """Casts moves to the rooms that watch them: the latest wins, throttled per room, never in a fact's way."""

    def __init__(self, services: Services, server: HotServer, interval_s: float) -> None:
        self._services, self._server, self._interval_s = services, server, interval_s
        self._last: dict[UUID, float] = {}
        services.tracker.watch(self.moved)

    def moved(self, seen: Seen, job: OpenJob) -> None:
        if not self._server.watched(CUSTOMER, job.booking_id):
            return
        now_s = self._services.clock.timestamp()
        if now_s - self._last.get(job.booking_id, float("-inf")) < self._interval_s:
            return
        view = position_view(self._services, seen, job)
        if view is not None and self._server.cast(CUSTOMER, job.booking_id, "technician.moved", view):
            self._last[job.booking_id] = now_s
        if len(self._last) > 50_000:
            self._last = {k: v for k, v in self._last.items() if now_s - v < 60.0}


class CustomerNamespace(CommandNamespace[Services]):
    """Facts of all own bookings come by themselves; positions only of those that are tracked."""

    def __init__(self, services: Services, server: HotServer, fanout: Fanout, once: Any) -> None:
        super().__init__(commands, services, once)
        self._fanout = fanout
        self.positions = Positions(services, server, services.settings.sockets.room_interval_s)

    async def sign_in(self, environ: dict[str, Any], auth: dict[str, Any]) -> Grant:
        return await signin.grant(self.context, "customer", auth)

    async def joined(self, grant: Grant) -> None:
        grant.state = self._fanout.listener(grant.sid, grant.principal, CUSTOMER)
        await self._fanout.join_customer(grant.state)

    async def left(self, grant: Grant, reason: str) -> None:
        if grant.state is not None:
            self._fanout.leave(grant.state)
