"""Where the technician is for whoever waits for them: position, age, and an ETA that is honest or not there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dispatch.live.arrivals import AWAY_M, SHOWN
from dispatch.live.reports import Seen
from dispatch.services import Services
from geo.arrival import DEFAULT_LINES
from geo.eta import Eta
from geo.filter import Fix
from geo.geodesy import haversine_m
from storage.offers import OpenJob


def of_booking(services: Services, booking_id: UUID, technician_id: UUID | None) -> dict[str, Any] | None:
    """The same for a booking, from "on the way" to "done"; None before, after, and when nobody knows."""
    seen = services.tracker.find_by_id(technician_id) if technician_id else None
    job = services.tracker.arrivals.find(booking_id)
    if seen is None or job is None or job.technician_id != technician_id or job.state not in SHOWN:
        return None
    return position(services, seen, job)


def position(services: Services, seen: Seen, job: OpenJob) -> dict[str, Any] | None:
    """Where the technician is for this customer: position, age, ETA with its confidence. Nothing of other jobs.

    Shown is the last position that is believed (None: there is none); the ETA goes by the last that is sure. Who went
    away from the door after they had begun, or when the visit was to be over, may have forgotten to say that it is
    done: where they are then is not told. Where the door is not known, nobody can tell how far they are from it.
    """
    fix, sure = seen.believed, seen.sure
    if fix is None:
        return None
    now_s = services.clock.timestamp()
    away_m = None if job.is_approximate else haversine_m(fix.lat, fix.lng, job.lat, job.lng)
    has_worked = job.state == "in_progress" or (job.state == "arrived" and now_s >= job.ends_at.timestamp())
    if has_worked and (away_m is None or away_m - fix.accuracy_m >= AWAY_M):
        return None
    eta: Eta | None = None
    if sure is not None and away_m is not None:
        # Usually they are one.
        sure_m = away_m if sure is fix else haversine_m(sure.lat, sure.lng, job.lat, job.lng)
        eta = _eta(services, sure, sure_m, now_s, job)
    return {
        "booking_id": job.booking_id, "lat": fix.lat, "lng": fix.lng,
        "at": datetime.fromtimestamp(fix.at_s, UTC), "accuracy_m": fix.accuracy_m, "heading_deg": fix.heading_deg,
        "distance_m": None if away_m is None else round(away_m), "eta_s": None if eta is None else round(eta.seconds),
        "eta_confidence": None if eta is None else round(eta.confidence * 100.0) / 100.0,
        "fix_age_s": round(max(0.0, now_s - fix.at_s) * 10.0) / 10.0,
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
