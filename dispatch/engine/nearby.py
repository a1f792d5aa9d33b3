"""Who is where now: the live index around a point or in a box, with what the roster knows of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from dispatch.engine import lifecycle
from dispatch.live.roster import Technician
from dispatch.services import Services
from geo.geodesy import haversine_m

Presence = Literal["online", "busy", "offline", "stale"]
#: Of a crowded place so many of the nearest are looked at.
MOST = 5_000


@dataclass(frozen=True, slots=True)
class Filters:
    """All of the categories and tiers; `availability` is a presence, "available" (online or busy) or "any"."""

    categories: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    availability: str = "any"
    is_verified: bool | None = None
    min_rating: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A technician where they were last seen; `job` is the state of the job that they are on."""

    technician: Technician
    lat: float
    lng: float
    distance_m: float | None
    presence: Presence
    job: str | None
    fix_age_s: float
    fix_at: datetime
    is_dispatchable: bool


def around(services: Services, lat: float, lng: float, radius_m: float, wanted: Filters) -> list[Seen]:
    """Within the radius, the nearest first."""
    skills = services.roster.skills.mask(wanted.categories)
    tiers = services.roster.tier_bits.mask(wanted.tiers)
    hits = services.tracker.fleet.match(
        lat, lng, radius_m, skill_mask=skills, tier_mask=tiers, min_rating=wanted.min_rating or 0.0,
        available_only=False, limit=MOST,
    )  # fmt: skip
    return _judged(services, hits.keys.tolist(), wanted, (lat, lng))


def in_box(services: Services, south: float, west: float, north: float, east: float, wanted: Filters) -> list[Seen]:
    """In the box, by code; `west` > `east` crosses the antimeridian. Raises ValueError for no box."""
    numbers = services.tracker.fleet.in_box(south, west, north, east)[:MOST].tolist()
    return sorted(_judged(services, numbers, wanted, None), key=lambda seen: seen.technician.code)


def _judged(
    services: Services, numbers: Iterable[int], wanted: Filters, point: tuple[float, float] | None
) -> list[Seen]:
    found = (_seen(services, no, point) for no in numbers)
    return [one for one in found if one is not None and _fits(one, wanted)]


def _seen(services: Services, no: int, point: tuple[float, float] | None) -> Seen | None:
    seen, person = services.tracker.find(no), services.roster.by_no(no)
    if seen is None or person is None or not person.is_active:
        return None
    age_s = services.clock.timestamp() - seen.fix_at_s
    presence, job = presence_of(services, person, age_s)
    return Seen(
        person, seen.lat, seen.lng, haversine_m(seen.lat, seen.lng, *point) if point else None, presence, job, age_s,
        datetime.fromtimestamp(0, UTC) + timedelta(seconds=seen.fix_at_s), seen.is_dispatchable,
    )  # fmt: skip


def presence_of(services: Services, person: Technician, fix_age_s: float) -> tuple[Presence, str | None]:
    """How somebody stands, and the state of the job that has come furthest; an accepted one for later makes nobody
    busy."""
    under_way = [j.state for j in services.tracker.arrivals.of_technician(person.id) if j.state != "accepted"]
    job = max(under_way, key=lifecycle.ASSIGNMENT_STATES.index, default=None)
    if not person.is_available:
        return "offline", job
    if fix_age_s > services.settings.dispatch.fresh_fix_s:
        return "stale", job
    return ("busy" if job else "online"), job


def _fits(one: Seen, wanted: Filters) -> bool:
    who = one.technician
    return (
        wanted.categories <= who.categories
        and wanted.tiers <= who.tiers
        and (wanted.is_verified is None or who.is_verified is wanted.is_verified)
        and (wanted.min_rating is None or (4.0 if who.rating is None else who.rating) >= wanted.min_rating)
        and (
            wanted.availability in ("any", one.presence)
            or (wanted.availability == "available" and one.presence in ("online", "busy"))
        )
    )
