"""Who is where: technicians around a point or in a box, from memory, as positions come in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from api.audiences import Admin, admin
from api.wire.models import Degrees, Query, View
from dispatch.engine import nearby
from dispatch.errors import Invalid
from dispatch.services import Services

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class NearbyQuery(Query):
    """Either a point (`lat`, `lng`) with a radius, or a box; west may be greater than east across 180 degrees."""

    lat: Latitude | None = None
    lng: Longitude | None = None
    radius_km: Annotated[float, Field(gt=0, le=200)] = 5.0
    south: Latitude | None = None
    west: Longitude | None = None
    north: Latitude | None = None
    east: Longitude | None = None
    service_category: list[str] = []
    service_tier: list[str] = []
    availability: Literal["online", "busy", "offline", "stale", "available", "any"] = "any"
    verified: bool | None = None
    min_rating: Annotated[float, Field(ge=0, le=5)] | None = None
    max_results: Annotated[int, Field(ge=1, le=500)] = 100

    @model_validator(mode="after")
    def _one_of_both(self) -> NearbyQuery:
        point, box = (self.lat, self.lng), (self.south, self.west, self.north, self.east)
        has_point, has_box = any(v is not None for v in point), any(v is not None for v in box)
        if has_point == has_box:
            raise ValueError("send lat and lng, or south, west, north and east")
        if None in (point if has_point else box):
            raise ValueError("send lat and lng together, or all four sides of the box")
        return self


class NearbyOut(View):
    """`distance_m` is null where a box was asked for; `fix_age_s` is how old the position is."""

    partner_id: UUID
    partner_code: str
    name: str
    lat: Degrees
    lng: Degrees
    distance_m: int | None
    presence: Literal["online", "busy", "offline", "stale"]
    job: str | None
    fix_age_s: int
    fix_at: datetime
    service_categories: list[str]
    service_tiers: list[str]
    rating: float | None
    is_verified: bool
    is_dispatchable: bool


class FoundOut(View):
    """`total` are all who fit; the nearest `max_results` of them are shown."""

    technicians: list[NearbyOut]
    total: int


@admin.route("GET", "/technicians/nearby", permission="technicians:read", tags=["partners"])
async def find(services: Services, caller: Admin, query: NearbyQuery) -> FoundOut:
    """Technicians by where they are now, the nearest first."""
    wanted = nearby.Filters(
        frozenset(query.service_category), frozenset(query.service_tier), query.availability, query.verified,
        query.min_rating,
    )  # fmt: skip
    if query.lat is not None and query.lng is not None:
        found = nearby.around(services, query.lat, query.lng, query.radius_km * 1000, wanted)
    elif query.south is not None and query.north is not None and query.west is not None and query.east is not None:
        if query.north < query.south:
            raise Invalid({"north": "must not be south of the box's southern side"})
        found = nearby.in_box(services, query.south, query.west, query.north, query.east, wanted)
    else:
        raise AssertionError("the query's model asks for one of both")
    return FoundOut(technicians=[_shown(one) for one in found[: query.max_results]], total=len(found))


def _shown(one: nearby.Seen) -> NearbyOut:
    who = one.technician
    return NearbyOut(
        partner_id=who.id, partner_code=who.code, name=who.name, lat=one.lat, lng=one.lng,
        distance_m=None if one.distance_m is None else round(one.distance_m), presence=one.presence, job=one.job,
        fix_age_s=round(one.fix_age_s), fix_at=one.fix_at, service_categories=sorted(who.categories),
        service_tiers=sorted(who.tiers), rating=who.rating, is_verified=who.is_verified,
        is_dispatchable=one.is_dispatchable,
    )  # fmt: skip
