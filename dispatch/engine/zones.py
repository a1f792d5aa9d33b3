"""The zones of this process: where services are offered, by whose clock, in which currency, when."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

from dispatch import bus
from dispatch.errors import Invalid
from dispatch.localtime import zone as known_timezone
from dispatch.transaction import Tx
from geo.zones import ZoneMap, centre, parse_geojson, to_geojson
from storage import zones as rows
from storage.zones import PincodeRow, ZoneRow

if TYPE_CHECKING:
    from dispatch.services import Services

log = logging.getLogger(__name__)

#: How often a node looks for changes that no hint told it, in real seconds.
POLL_S = 60.0
#: Opening hours where no zone is asked (R84's example).
OPENS, CLOSES = time(8), time(20)
EVERY_DAY = frozenset(range(1, 8))


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone as the rules see it: local opening hours, ISO days, degrees."""

    id: UUID
    code: str
    name: str
    city: str | None
    state: str | None
    centre_lat: float
    centre_lng: float
    timezone: str
    currency: str
    opens: time
    closes: time
    days: frozenset[int]
    is_active: bool


@dataclass(frozen=True, slots=True)
class Centre:
    """The middle of a pincode, in degrees."""

    lat: float
    lng: float
    zone: Zone


class ZoneBook:
    """All zones in memory, swapped as a whole. Reads are synchronous."""

    def __init__(self) -> None:
        self._zones: list[Zone] = []
        self._boundaries: dict[UUID, dict[str, Any]] = {}
        self._by_id: dict[UUID, Zone] = {}
        self._by_code: dict[str, Zone] = {}
        self._centres: dict[str, Centre] = {}
        self._map: ZoneMap[UUID] = ZoneMap()
        self._version = ""
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._zones)

    @property
    def serves_everywhere(self) -> bool:
        """With no zones defined, services are offered everywhere."""
        return not self._zones

    @property
    def zones(self) -> list[Zone]:
        """All of them, by code; inactive ones too."""
        return list(self._zones)

    def find(self, zone_id: UUID) -> Zone | None:
        return self._by_id.get(zone_id)

    def by_code(self, code: str) -> Zone | None:
        return self._by_code.get(code)

    def boundary(self, zone_id: UUID) -> dict[str, Any] | None:
        """The zone's GeoJSON geometry."""
        return self._boundaries.get(zone_id)

    def locate(self, lat: float, lng: float) -> Zone | None:
        """The active zone in which a point lies; where two overlap, the smaller."""
        zone_id = self._map.locate(lat, lng)
        return None if zone_id is None else self._by_id[zone_id]

    def by_pincode(self, pincode: str) -> Centre | None:
        """The centre of a pincode in an active zone."""
        found = self._centres.get("".join(pincode.split()).upper())
        return found if found and found.zone.is_active else None

    def by_city(self, city: str) -> Zone | None:
        """An active zone of the city: the first by code."""
        wanted = city.strip().casefold()
        return next((z for z in self._zones if z.is_active and (z.city or "").casefold() == wanted), None)

    def terms(self, default: tuple[str, str]) -> tuple[str, str]:
        """Currency and time zone where no address says more: the zones' own if they agree, else the given
        ones.
        """
        found = {(z.currency, z.timezone) for z in self._zones if z.is_active}
        return found.pop() if len(found) == 1 else default

    def hours(self, zone_id: UUID | None) -> tuple[time, time, frozenset[int]]:
        """Local opening hours and ISO days of a zone, or the usual ones."""
        zone = self._by_id.get(zone_id) if zone_id else None
        return (OPENS, CLOSES, EVERY_DAY) if zone is None else (zone.opens, zone.closes, zone.days)

    async def load(self, services: Services) -> None:
        """Reads everything, and from now on hears when zones change."""
        services.bus.subscribe(bus.ZONES_CHANGED, lambda _: self._wake.set())
        await self.reload(services)

    async def reload(self, services: Services) -> None:
        """Reads everything anew."""
        async with services.read() as conn:
            version = await rows.version(conn) or ""
            found = await rows.everything(conn)
            pincodes = await rows.pincodes(conn)
        self._swap(found, pincodes)
        self._version = version

    async def keep_fresh(self, services: Services) -> None:
        """Runs until cancelled: at every hint, and now and then in case a hint was lost."""
        while True:
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_S)
            except TimeoutError:
                pass
            hinted = self._wake.is_set()
            self._wake.clear()
            try:
                async with services.read() as conn:
                    version = await rows.version(conn) or ""
                if hinted or version != self._version:
                    await self.reload(services)
            except Exception:
                log.warning("the zones could not be refreshed", exc_info=True)
                await asyncio.sleep(1)
                if hinted:
                    self._wake.set()

    def _swap(self, found: list[ZoneRow], pincodes: list[PincodeRow]) -> None:
        zones = [
            Zone(
                r.id, r.code, r.name, r.city, r.state, r.centre_lat, r.centre_lng, r.timezone, r.currency,
                r.opens,
                r.closes, frozenset(r.days), r.is_active,
            )
            for r in found
        ]  # fmt: skip
        # Built first: if a boundary were broken, the old zones would stay as a whole.
        self._map = ZoneMap((r.id, r.boundary) for r in found if r.is_active)
        self._zones = zones
        self._by_id = {z.id: z for z in zones}
        self._by_code = {z.code: z for z in zones}
        self._boundaries = {r.id: r.boundary for r in found}
        self._centres = {
            p.pincode: Centre(p.lat, p.lng, self._by_id[p.zone_id])
            for p in pincodes
            if p.zone_id in self._by_id
        }


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
