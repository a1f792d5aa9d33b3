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
from dispatch.live.tracking import Seen
from dispatch.services import Services
from geo.eta import Point
from geo.geodesy import haversine_m
from storage import bookings as booking_rows
from storage.offers import OpenJob

commands: Commands[Services] = Commands(CUSTOMER)


def room_of(booking_id: UUID) -> str:
    return f"booking:{booking_id}"


@commands.command("track.start", Track)
async def track_start(services: Services, call: Call, body: Track) -> dict[str, Any]:
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=body.booking_id)
    if booking is None or booking.account_id != call.grant.principal:
        raise Missing("booking")
    listener: Listener = call.grant.state
    await listener.fanout.server.enter_room(call.grant.sid, room_of(booking.id), namespace=CUSTOMER)
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
    await listener.fanout.server.leave_room(call.grant.sid, room_of(body.booking_id), namespace=CUSTOMER)
    return {"booking_id": str(body.booking_id)}


@commands.command("resume", Resume)
async def resume(services: Services, call: Call, body: Resume) -> dict[str, Any]:
    listener: Listener = call.grant.state
    found = await listener.fanout.resume(listener, body.epoch, body.streams, is_party=False)
    return {"epoch": found.epoch, "streams": found.heads, "reset": found.reset}


def position_view(services: Services, seen: Seen, job: OpenJob) -> dict[str, Any]:
    """Where the technician is for this customer: position, age, ETA with its confidence. Nothing of other jobs."""
    distance_m = haversine_m(seen.lat, seen.lng, job.lat, job.lng)
    age_s = max(0.0, services.clock.timestamp() - seen.fix_at_s)
    eta = services.tracker.eta.between(Point(seen.lat, seen.lng), Point(job.lat, job.lng), fix_age_s=age_s)
    return {
        "booking_id": str(job.booking_id), "lat": seen.lat, "lng": seen.lng,
        "at": datetime.fromtimestamp(seen.fix_at_s, UTC), "accuracy_m": seen.accuracy_m,
        "heading_deg": seen.heading_deg, "distance_m": round(distance_m),
        "eta_s": 0 if job.state != "in_transit" else round(eta.seconds),
        "eta_confidence": round(eta.confidence, 2), "fix_age_s": round(age_s, 1),
    }  # fmt: skip


class Positions:
    """Casts moves to the rooms that watch them: the latest wins, throttled per room, never in a fact's way."""

    def __init__(self, services: Services, server: HotServer, interval_s: float) -> None:
        self._services, self._server, self._interval_s = services, server, interval_s
        self._last: dict[UUID, float] = {}
        services.tracker.watch(self.moved)

    def moved(self, seen: Seen, job: OpenJob) -> None:
        now_s = self._services.clock.timestamp()
        if now_s - self._last.get(job.booking_id, float("-inf")) < self._interval_s:
            return
        if self._server.cast(
            CUSTOMER, room_of(job.booking_id), "technician.moved", position_view(self._services, seen, job)
        ):
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
