"""Zones: where services are offered, by whose clock and in which currency; drawn, imported, changed live."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field, StringConstraints

from api.admin.services import ServiceOut, service_out
from api.audiences import Admin, admin
from api.shared.objects import Geometry
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import Body, BookingTime, Currency, Degrees, Query, View
from api.wire.results import Page
from api.wire.uploads import Upload, UploadRules
from dispatch.engine import zone_import, zones
from dispatch.errors import Invalid, Missing
from dispatch.live.roster import Technician
from dispatch.ports import media
from dispatch.services import Services
from storage import services as service_rows
from storage import zones as rows
from storage.zones import ZoneFile, ZoneSummary

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^\S+$")]
Zone = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64)]
Pincode = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=12)]
Weekday = Annotated[int, Field(ge=1, le=7, strict=True)]

ZONES = Grammar(
    key="zones", source=rows.all_zones,
    filters={"is_active": Once(bool), "city": str, "state": str, "currency": str, "timezone": str},
)  # fmt: skip
GEOJSON = UploadRules(
    {"file": 1}, 16 * 2**20, frozenset({"application/geo+json", "application/json", media.TEXT})
)  # fmt: skip


class ZoneChange(Body):
    """What may be changed of a zone; what is absent stays, a null takes a city or a state away. `boundary` is a GeoJSON
    Polygon or MultiPolygon."""

    keeps_null: ClassVar[frozenset[str]] = frozenset({"city", "state"})

    name: Name | None = None
    city: Name | None = None
    state: Name | None = None
    boundary: Geometry | None = None
    timezone: Zone | None = None
    currency: Currency | None = None
    opens: BookingTime | None = None
    closes: BookingTime | None = None
    days: Annotated[list[Weekday], Field(min_length=1, max_length=7)] | None = None
    pincodes: Annotated[list[Pincode], Field(max_length=2000)] | None = None
    is_active: bool | None = None


class NewZone(ZoneChange):
    """A new zone; without a code it gets one from city and name."""

    name: Name
    code: Code | None = None
    boundary: Geometry


class ImportQuery(Query):
    """For features that do not say it themselves; `skip_bad` leaves out what is wrong and imports the rest."""

    timezone: Zone | None = None
    currency: Currency | None = None
    name_property: Name | None = None
    city: Name | None = None
    state: Name | None = None
    skip_bad: bool = False


class ZoneRow(View):
    """`services` have a price in its currency, `technicians` are bound to it; others may serve it too."""

    id: UUID
    code: str
    name: str
    city: str | None
    state: str | None
    centre_lat: Degrees
    centre_lng: Degrees
    timezone: str
    currency: str
    opens: time
    closes: time
    days: list[int]
    pincodes: list[str]
    is_active: bool
    services: int
    technicians: int
    created_at: datetime
    updated_at: datetime


class ZoneOut(ZoneRow):
    boundary: Geometry


class ZoneChanged(View):
    zone: ZoneOut


class ImportedOut(View):
    created: list[str]
    updated: list[str]
    skipped: list[str]
    warnings: list[str]


class ServingOut(View):
    """`is_bound`: to this zone alone; the others live in it."""

    partner_id: UUID
    partner_code: str
    name: str
    service_categories: list[str]
    service_tiers: list[str]
    is_available: bool
    is_bound: bool
    rating: float | None


class ServingAll(View):
    technicians: list[ServingOut]
    total: int


#: So many are shown.
_MOST_SERVING = 500


@admin.route("GET", "/zones", permission="zones:read", listing=ZONES, tags=["zones"])
async def list_zones(services: Services, caller: Admin, listing: Listing) -> Page[ZoneRow]:
    """All zones by code, inactive ones too, without their boundaries."""
    async with services.read() as conn:
        return Page.of(await rows.all_zones.page(conn, listing.wanted), lambda z: ZoneRow(**_fields(z)))


@admin.route("POST", "/zones", idempotency="optional", status=201, permission="zones:write", tags=["zones"])
async def create(services: Services, caller: Admin, body: NewZone) -> ZoneChanged:
    """A new zone; services are offered in it at once, on every node."""
    given = _given(body)
    async with services.transaction() as tx:
        made = await zones.create(tx, caller.actor, body.code, given)
    await services.zones.reload()
    return ZoneChanged(zone=zone_out(made))


@admin.route("POST", "/zones/import", permission="zones:write", tags=["zones"])
async def import_file(
    services: Services, caller: Admin, query: ImportQuery, upload: Annotated[Upload, GEOJSON]
) -> ImportedOut:
    """Zones from a GeoJSON file in the field `file`: every feature is one, and those of a known code are drawn anew.

    What neither the file nor the query says of a zone that is there stays: its hours, its clock, its currency, and
    whether it is active.
    """
    if not upload.files:
        raise Invalid({"file": "Send one GeoJSON file in this field."})
    sent = upload.files[0]
    done = await zone_import.import_content(
        services, sent.content, sent.name, timezone=query.timezone, currency=query.currency,
        name_property=query.name_property, city=query.city, state=query.state, skip_bad=query.skip_bad,
        actor=caller.actor,
    )  # fmt: skip
    return ImportedOut(
        created=list(done.created), updated=list(done.updated), skipped=list(done.skipped),
        warnings=list(done.warnings),
    )  # fmt: skip


@admin.route("GET", "/zones/{id}", permission="zones:read", tags=["zones"])
async def one(services: Services, caller: Admin, id: UUID) -> ZoneChanged:
    """One zone with its boundary."""
    return ZoneChanged(zone=zone_out(await _get(services, id)))


async def _change(services: Services, caller: Admin, zone_id: UUID, body: ZoneChange) -> ZoneChanged:
    async with services.transaction() as tx:
        changed = await zones.change(tx, caller.actor, zone_id, _given(body), body.is_active)
    await services.zones.reload()
    return ZoneChanged(zone=zone_out(changed))


@admin.route("PUT", "/zones/{id}", permission="zones:write", tags=["zones"])
async def put(services: Services, caller: Admin, id: UUID, body: ZoneChange) -> ZoneChanged:
    """Change a zone; what is absent stays. In one that is not active nothing new is booked."""
    return await _change(services, caller, id, body)


@admin.route("PATCH", "/zones/{id}", permission="zones:write", tags=["zones"])
async def patch(services: Services, caller: Admin, id: UUID, body: ZoneChange) -> ZoneChanged:
    """The same under another method."""
    return await _change(services, caller, id, body)


@admin.route("GET", "/zones/{id}/services", permission="zones:read", tags=["zones"])
async def zone_services(services: Services, caller: Admin, id: UUID) -> list[ServiceOut]:
    """What can be booked in a zone: services with a price in its currency."""
    zone = await _get(services, id)
    async with services.read() as conn:
        return [service_out(services, s) for s in await service_rows.in_currency(conn, currency=zone.currency)]


@admin.route("GET", "/zones/{id}/technicians", permission="zones:read", tags=["zones"])
async def zone_technicians(services: Services, caller: Admin, id: UUID) -> ServingAll:
    """Who serves a zone: verified technicians who are bound to it, or to none and have their base in it."""
    await _get(services, id)
    found = sorted(zones.serving(services, id), key=lambda who: who.code)
    return ServingAll(technicians=[_serving(who, id) for who in found[:_MOST_SERVING]], total=len(found))


async def _get(services: Services, zone_id: UUID) -> ZoneFile:
    async with services.read() as conn:
        found = await rows.get(conn, zone_id=zone_id)
    if found is None:
        raise Missing("zone")
    return found


def _given(body: ZoneChange) -> dict[str, Any]:
    """The fields of a ZoneIn that are given."""
    sent = body.model_dump(include=body.model_fields_set - {"code", "is_active"})
    given = {n: v for n, v in sent.items() if v is not None or n in body.keeps_null}
    if "days" in given:
        given["days"] = frozenset(given["days"])
    if "pincodes" in given:
        given["pincodes"] = tuple("".join(p.split()).upper() for p in given["pincodes"])
    return given


def _fields(z: ZoneSummary) -> dict[str, Any]:
    return {name: getattr(z, name) for name in ZoneRow.model_fields}


def zone_out(z: ZoneFile) -> ZoneOut:
    return ZoneOut(**_fields(z), boundary=z.boundary)


def _serving(who: Technician, zone_id: UUID) -> ServingOut:
    return ServingOut(
        partner_id=who.id, partner_code=who.code, name=who.name, service_categories=sorted(who.categories),
        service_tiers=sorted(who.tiers), is_available=who.is_available, is_bound=who.zone_id == zone_id,
        rating=who.rating,
    )  # fmt: skip
