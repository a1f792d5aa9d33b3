"""The customer's socket: facts of the own bookings, and the technician on the map while a job is on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.realtime import signin
from api.realtime.commands import Call, CommandNamespace, Commands
from api.realtime.engine import HotServer
from api.realtime.events import CUSTOMER, Resume, Track
from api.realtime.fanout import Fanout, Listener
from api.realtime.guard import Grant
from dispatch.engine import following
from dispatch.errors import Missing
from dispatch.live.reports import Seen
from dispatch.services import Services
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
    position = following.of_booking(services, booking.id, booking.technician_id)
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
        view = following.position(self._services, seen, job)
        if view is not None and self._server.cast(CUSTOMER, job.booking_id, "technician.moved", view):
            self._last[job.booking_id] = now_s
        if len(self._last) > 50_000:
            self._last = {k: v for k, v in self._last.items() if now_s - v < 60.0}


class CustomerNamespace(CommandNamespace[Services]):
    """Facts of all own bookings come by themselves; positions only of those that are tracked."""

    def __init__(self, services: Services, server: HotServer, fanout: Fanout, once: Any) -> None:
        super().__init__(commands, services, once)
        self.fanout = fanout
        self.positions = Positions(services, server, services.settings.sockets.room_interval_s)

    async def sign_in(self, environ: dict[str, Any], auth: dict[str, Any]) -> Grant:
        return await signin.grant(self.context, "customer", auth)

    async def joined(self, grant: Grant) -> None:
        grant.state = self.fanout.listener(grant.sid, grant.principal, CUSTOMER)
        await self.fanout.join_customer(grant.state)

    async def left(self, grant: Grant, reason: str) -> None:
        if grant.state is not None:
            self.fanout.leave(grant.state)
