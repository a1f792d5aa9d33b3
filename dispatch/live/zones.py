"""The zones of this process: where services are offered, by whose clock, in which currency, when."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.bus import Bus
from dispatch.loops import Loop
from geo.zones import ZoneMap
from storage import zones as rows
from storage.database.pool import Pool
from storage.zones import PincodeRow, ZoneRow

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

    def __init__(self, pool: Pool, node_bus: Bus) -> None:
        self._pool, self._bus = pool, node_bus
        self._zones: list[Zone] = []
        #: Currency and time zone that all active zones agree on.
        self._shared_terms: tuple[str, str] | None = None
        self._boundaries: dict[UUID, dict[str, Any]] = {}
        self._by_id: dict[UUID, Zone] = {}
        self._by_code: dict[str, Zone] = {}
        self._centres: dict[str, Centre] = {}
        self._map: ZoneMap[UUID] = ZoneMap()
        self._version = ""
        self._is_hinted = False
        self._listeners: list[Callable[[], None]] = []
        #: At every hint, and now and then in case a hint was lost.
        self.loop = Loop("zones", self._freshen, every_s=POLL_S)

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
        return default if self._shared_terms is None else self._shared_terms

    def hours(self, zone_id: UUID | None) -> tuple[time, time, frozenset[int]]:
        """Local opening hours and ISO days of a zone, or the usual ones."""
        zone = self._by_id.get(zone_id) if zone_id else None
        return (OPENS, CLOSES, EVERY_DAY) if zone is None else (zone.opens, zone.closes, zone.days)

    def on_change(self, listener: Callable[[], None]) -> None:
        """`listener` is called when zones were read anew."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Reads everything, and from now on hears when zones change."""
        self._bus.subscribe(bus.ZONES_CHANGED, self._hinted)
        await self.reload()

    async def reload(self) -> None:
        """Reads everything anew."""
        async with self._pool.connection() as conn:
            version = await rows.version(conn) or ""
            found = await rows.everything(conn)
            pincodes = await rows.pincodes(conn)
        self._swap(found, pincodes)
        self._version = version
        for listener in self._listeners:
            listener()

    def _hinted(self, hint: bus.Hint) -> None:
        self._is_hinted = True
        self.loop.wake()

    async def _freshen(self) -> None:
        hinted, self._is_hinted = self._is_hinted, False
        try:
            async with self._pool.connection() as conn:
                version = await rows.version(conn) or ""
            if hinted or version != self._version:
                await self.reload()
        except BaseException:
            self._is_hinted |= hinted
            raise

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
        terms = {(z.currency, z.timezone) for z in zones if z.is_active}
        self._shared_terms = terms.pop() if len(terms) == 1 else None
        self._by_id = {z.id: z for z in zones}
        self._by_code = {z.code: z for z in zones}
        self._boundaries = {r.id: r.boundary for r in found}
        self._centres = {
            p.pincode: Centre(p.lat, p.lng, self._by_id[p.zone_id]) for p in pincodes if p.zone_id in self._by_id
        }
