"""Writing zones: what a zone must be, and what every node hears of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.errors import Invalid
from dispatch.live.zones import CLOSES, EVERY_DAY, OPENS
from dispatch.localtime import zone as known_timezone
from dispatch.services import Tx
from geo.zones import centre, parse_geojson, to_geojson
from storage import zones as rows


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


async def put(tx: Tx, zone: ZoneIn) -> UUID:
    """Writes a zone by its code; every node hears of it after the commit. Raises Invalid naming what is
    wrong.
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
    for pincode in zone.pincodes:
        await rows.put_pincode(tx.conn, pincode=pincode, zone_id=zone_id, lat=lat, lng=lng)
    tx.hint(bus.ZONES_CHANGED, {})
    return zone_id
