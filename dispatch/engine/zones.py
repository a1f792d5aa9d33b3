"""Writing zones: what a zone must be, and what every node hears of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.engine import audit, waking
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import Actor
from dispatch.live.roster import Technician
from dispatch.live.zones import CLOSES, EVERY_DAY, OPENS
from dispatch.localtime import zone as known_timezone
from dispatch.services import Services, Tx
from geo.zones import centre, parse_geojson, to_geojson
from storage import zones as rows
from storage.zones import ZoneFile


@dataclass(frozen=True, slots=True)
class ZoneIn:
    """A zone as it is written: `boundary` is a GeoJSON Polygon or MultiPolygon in [lng, lat]."""

    code: str
    name: str
    boundary: dict[str, Any]
    timezone: str
    currency: str
    city: str | None = None
    state: str | None = None
    opens: time = OPENS
    closes: time = CLOSES
    days: frozenset[int] = EVERY_DAY
    pincodes: tuple[str, ...] = field(default=())


async def put(tx: Tx, zone: ZoneIn, actor: Actor | None = None) -> UUID:
    """Writes a zone by its code, and its pincodes beside those that it has; every node hears of it after the commit.

    A pincode is one zone's: of another that loses it `actor` is told in the audit. Raises Invalid naming what is wrong.
    """
    try:
        known_timezone(zone.timezone)
    except ValueError as e:
        raise Invalid({"timezone": str(e)}) from e
    if not (len(zone.currency) == 3 and zone.currency.isascii() and zone.currency.isupper()):
        raise Invalid({"currency": "A currency is three capital letters, such as INR."})
    if zone.closes <= zone.opens:
        raise Invalid({"closes": "A zone closes after it opens."})
    try:
        parts = parse_geojson(zone.boundary)
    except ValueError as e:
        raise Invalid({"boundary": str(e)}) from e
    if len(parts) != 1:
        raise Invalid({"boundary": "A zone has one boundary."})
    area = parts[0].geometry
    lat, lng = centre(area)
    zone_id = await rows.upsert(
        tx.conn, code=zone.code, name=zone.name, city=zone.city, state=zone.state, boundary=to_geojson(area),
        centre_lat=lat, centre_lng=lng, timezone=zone.timezone, currency=zone.currency, opens=zone.opens,
        closes=zone.closes, days=sorted(zone.days),
    )  # fmt: skip
    assert zone_id is not None
    await rows.move_pincodes(tx.conn, zone_id=zone_id, lat=lat, lng=lng)
    if zone.pincodes:
        await _take_pincodes(tx, zone_id, list(zone.pincodes), lat, lng, actor)
    tx.hint(bus.ZONES_CHANGED, {})
    # Where those who wait lie, and who works there, may have changed.
    await waking.rules_changed(tx)
    return zone_id


async def _take_pincodes(
    tx: Tx, zone_id: UUID, pincodes: list[str], lat: float, lng: float, actor: Actor | None
) -> None:
    losing = await rows.losing(tx.conn, zone_id=zone_id, pincodes=pincodes) if actor is not None else []
    await rows.put_pincodes(tx.conn, zone_id=zone_id, pincodes=pincodes, lat=lat, lng=lng)
    for other in losing:
        assert actor is not None, "nobody is told of without"
        change = {"pincodes": {"old": other.before, "new": other.after}}
        await audit.record(tx, actor, "update_zone", "zone", other.zone_id, change)


# ---------------------------------------------------------------- as staff draw them


class CodeTaken(Conflict):
    """There is a zone of this code already."""

    code = "code_taken"


async def create(tx: Tx, actor: Actor, code: str | None, given: Mapping[str, Any]) -> ZoneFile:
    """A new zone of the fields of a ZoneIn, audited. Raises CodeTaken, Invalid."""
    settings = tx.services.settings
    code = code or slug(" ".join(filter(None, (given.get("city"), given["name"]))))
    if not code:
        raise Invalid({"code": "Give the zone a code: its name has no letter or digit."})
    if await rows.claim(tx.conn, code=code) is None:
        raise CodeTaken
    terms = {"timezone": settings.timezone, "currency": settings.currency}
    made = await _written(tx, await put(tx, ZoneIn(code=code, **{**terms, **given}), actor))
    await audit.changed(tx, actor, "create_zone", "zone", made.id, None, made)
    return made


async def change(tx: Tx, actor: Actor, zone_id: UUID, given: Mapping[str, Any], is_active: bool | None) -> ZoneFile:
    """Changes fields of a ZoneIn and whether services are offered there, audited. Pincodes that are given are all that
    the zone has. Raises Missing, Invalid."""
    before = await rows.lock(tx.conn, zone_id=zone_id)
    if before is None:
        raise Missing("zone")
    known = {f.name: getattr(before, f.name) for f in fields(ZoneIn)}
    # Those that it has are not written again: another zone may have taken one a moment ago.
    known |= {"days": frozenset(before.days), "pincodes": ()}
    after = ZoneIn(**{**known, **given})
    await put(tx, after, actor)
    if "pincodes" in given:
        await rows.drop_pincodes(tx.conn, zone_id=zone_id, kept=list(after.pincodes))
    # Writing a zone makes it an active one.
    if not (before.is_active if is_active is None else is_active):
        await rows.set_active(tx.conn, code=before.code, is_active=False)
    changed = await _written(tx, zone_id)
    await audit.changed(tx, actor, "update_zone", "zone", zone_id, before, changed)
    return changed


async def _written(tx: Tx, zone_id: UUID) -> ZoneFile:
    found = await rows.get(tx.conn, zone_id=zone_id)
    assert found is not None, "it was written just now"
    return found


def serving(services: Services, zone_id: UUID) -> list[Technician]:
    """Active, verified technicians who serve a zone: those bound to it, and those bound to none who live in it."""
    return [
        who
        for who in services.roster
        if who.is_active and who.is_verified and (who.zone_id == zone_id or _lives_in(services, who, zone_id))
    ]


def _lives_in(services: Services, who: Technician, zone_id: UUID) -> bool:
    if who.zone_id is not None or who.base is None:
        return False
    zone = services.zones.locate(*who.base)
    return zone is not None and zone.id == zone_id


def slug(text: str) -> str:
    """A code of capital letters, digits and hyphens: Latin letters lose their accents, other scripts stay as they are,
    signs of vowels included.
    """
    kept: list[str] = []
    latin = False
    for char in unicodedata.normalize("NFKD", text):
        if unicodedata.category(char)[0] == "M":
            kept.append("" if latin else char)
        else:
            latin = unicodedata.name(char, "").startswith("LATIN ")
            kept.append(char if char.isalnum() else " ")
    return "-".join(unicodedata.normalize("NFC", "".join(kept)).upper().split())
