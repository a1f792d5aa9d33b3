"""The technician's socket: presence, location on the hot path, offers, jobs, resume."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Any

from api.realtime import signin
from api.realtime.commands import Call, CommandNamespace, Commands, refusal
from api.realtime.engine import HotServer
from api.realtime.events import (
    MAX_FIXES,
    TECHNICIAN,
    JobAdvance,
    LocationReport,
    OfferAccept,
    OfferReject,
    PresenceSet,
    Resume,
)
from api.realtime.fanout import Fanout, Listener
from api.realtime.frames import encode
from api.realtime.guard import Grant
from api.realtime.hot import HotHandler, Reader
from api.realtime.locations import LocationFrame, WholeFrame
from api.realtime.once import command_tx
from dispatch.engine import jobs, offers, presence
from dispatch.errors import DispatchError
from dispatch.live.native import Batch
from dispatch.live.reports import Report
from dispatch.live.tracking import Tracker
from dispatch.services import Services
from storage.bookings import Booking

commands: Commands[Services] = Commands(TECHNICIAN)

#: What pays for the frames of one technician, by real time and before anything is parsed: the domain's own rate comes
#: later.
_REPORTS = attrgetter("budget.reports")
#: A clock that is off by less is not worth a word: so much is the way through the network.
TOLD_OFFSET_MS = 1000


@commands.command("presence.set", PresenceSet)
async def presence_set(services: Services, call: Call, body: PresenceSet) -> dict[str, Any]:
    seen_at = await presence.set_available(command_tx(), call.grant.principal, body.online)
    return {"is_available": body.online, "last_seen_at": seen_at.isoformat()}


@commands.command("offer.accept", OfferAccept)
async def offer_accept(services: Services, call: Call, body: OfferAccept) -> dict[str, Any]:
    tx = command_tx()
    offer = await offers.offer_of(tx, call.grant.principal, offer_id=body.offer_id)
    return _job(await offers.accept(tx, call.grant.principal, offer))


@commands.command("offer.reject", OfferReject)
async def offer_reject(services: Services, call: Call, body: OfferReject) -> dict[str, Any]:
    tx = command_tx()
    offer = await offers.offer_of(tx, call.grant.principal, offer_id=body.offer_id)
    await offers.reject(tx, call.grant.principal, offer, body.reason)
    return {"offer_id": str(offer.id), "state": "rejected"}


@commands.command("job.advance", JobAdvance)
async def job_advance(services: Services, call: Call, body: JobAdvance) -> dict[str, Any]:
    tx, me = command_tx(), call.grant.principal
    if body.step == "completed":
        booking, _ = await jobs.complete(tx, body.booking_id, me)
    else:
        booking = await jobs.advance(
            tx, body.booking_id, me, body.step, estimated_arrival=body.estimated_arrival, start_code=body.start_code
        )
    return {**_job(booking), "step": body.step}


@commands.command("location.report", LocationReport)
async def location_report(services: Services, call: Call, body: LocationReport) -> dict[str, Any]:
    # The long way of a frame that the hot path let through; it takes the same steps.
    report = services.tracker.report
    grant = call.grant
    return _told(report(grant.principal, body.fixes, sent_at_ms=body.sent_at_ms, device=grant.session_id))


@commands.command("resume", Resume)
async def resume(services: Services, call: Call, body: Resume) -> dict[str, Any]:
    listener: Listener = call.grant.state
    found = await listener.fanout.resume(listener, body.epoch, body.streams, is_party=True)
    return {"epoch": found.epoch, "streams": found.heads, "reset": found.reset}


def _job(booking: Booking) -> dict[str, Any]:
    return {"booking_id": str(booking.id), "booking_number": booking.number, "status": booking.status}


def _told(report: Report) -> dict[str, Any]:
    told: dict[str, Any] = {"admitted": report.admitted, "refreshed": report.refreshed, "dropped": report.dropped}
    if report.recorded:
        told["recorded"] = report.recorded
    if abs(report.clock_offset_ms) >= TOLD_OFFSET_MS:
        told["clock_offset_ms"] = report.clock_offset_ms
    return told


def hot_location(tracker: Tracker) -> HotHandler:
    """The synchronous handler of location frames: the steps, then the acknowledgement."""
    clean = [encode({"ok": True, "data": _told(Report(number, 0, {}))}) for number in range(MAX_FIXES + 1)]

    take = tracker.report

    def handle(grant: Grant, frame: LocationFrame | WholeFrame | Batch) -> bytes:
        fixes = frame if isinstance(frame, Batch) else frame.fixes
        try:
            report = take(grant.principal, fixes, sent_at_ms=frame.sent_at_ms, device=grant.session_id)
        except DispatchError as error:
            return encode(refusal(error))
        admitted, refreshed, dropped, recorded, offset_ms = report
        if not (refreshed or dropped or recorded) and -TOLD_OFFSET_MS < offset_ms < TOLD_OFFSET_MS:
            return clean[admitted]
        return encode({"ok": True, "data": _told(report)})

    return handle


def quick_reader(tracker: Tracker) -> Reader | None:
    """How most location frames are read, where there is a native module."""
    return None if tracker.native is None else partial(tracker.native.read, Batch)


class TechnicianNamespace(CommandNamespace[Services]):
    """One stream per technician: offers, jobs, earnings."""

    def __init__(self, services: Services, server: HotServer, fanout: Fanout, once: Any) -> None:
        super().__init__(commands, services, once)
        self.fanout = fanout
        server.hot_event(
            TECHNICIAN, "location.report", LocationFrame, hot_location(services.tracker),
            purse=_REPORTS, usual=WholeFrame, read=quick_reader(services.tracker),
        )  # fmt: skip

    async def sign_in(self, environ: dict[str, Any], auth: dict[str, Any]) -> Grant:
        return await signin.grant(self.context, "technician", auth)

    async def joined(self, grant: Grant) -> None:
        grant.state = self.fanout.listener(grant.sid, grant.principal, TECHNICIAN)
        await self.fanout.join_party(grant.state)

    async def left(self, grant: Grant, reason: str) -> None:
        if grant.state is not None:
            self.fanout.leave(grant.state)
