"""Every technician in memory: capabilities, hours and base, kept fresh by hints and a poll. Never authoritative."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID

from dispatch import bus
from dispatch.bus import Bus
from dispatch.live.hours import Hours, hours_of
from dispatch.live.zones import ZoneBook
from dispatch.loops import Loop
from geo.index import FleetIndex
from storage import roster as rows
from storage.database.pool import Pool

log = logging.getLogger(__name__)

#: How often a node looks for changes that no hint told it, in real seconds.
POLL_S = 5.0
#: Rows may commit later than their changed_at: a look goes back so much further than to the last one, in real seconds.
OVERLAP_S = 30.0
#: An import changes thousands: so many are read at a time, and so many taken over before everybody else has a turn.
PAGE, SLICE = 100, 16
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Technician:
    """A technician as matching sees them. Positions are degrees; `base` is where later jobs are measured from."""

    id: UUID
    no: int
    code: str
    name: str
    phone: str | None
    provider_id: UUID | None
    categories: frozenset[str]
    tiers: frozenset[str]
    hours: Hours
    radius_m: float
    base: tuple[float, float] | None
    zone_id: UUID | None
    is_active: bool
    is_available: bool
    is_verified: bool
    rating: float | None
    cancellation_rate: float
    idle_since: datetime


class Bits:
    """Gives each word a bit, in the order of appearance; the index filters on the masks."""

    def __init__(self, width: int) -> None:
        self._bits: dict[str, int] = {}
        self._width = width

    def mask(self, words: Iterable[str]) -> int:
        """The mask of `words`. Words beyond the width share the last bit: the exact check comes later anyway."""
        value = 0
        for word in words:
            bit = self._bits.setdefault(word, len(self._bits))
            value |= 1 << min(bit, self._width - 1)
        return value


class Roster:
    """All technicians by id and number, with an index of their bases. Reads are synchronous and in memory."""

    def __init__(self, pool: Pool, node_bus: Bus, zones: ZoneBook) -> None:
        self._pool, self._bus, self._zones = pool, node_bus, zones
        self._by_id: dict[UUID, Technician] = {}
        self._by_no: dict[int, Technician] = {}
        self.bases = FleetIndex()
        self.skills = Bits(64)
        self.tier_bits = Bits(32)
        self._listeners: list[Callable[[Technician], None]] = []
        self._wanted: set[UUID] = set()
        #: Those who have no base of their own: theirs is the middle of their zone.
        self._in_the_middle: set[UUID] = set()
        #: Those whom a hint names at once, and every few seconds what no hint told.
        self.loop = Loop("roster", self._freshen, every_s=POLL_S)
        #: When the last look began (monotonic, real seconds), and what it found: that is not taken over again.
        self._looked_s = 0.0
        self._found: dict[UUID, datetime] = {}
        #: What was read later is taken over later.
        self._reading = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Technician]:
        return iter(self._by_id.values())

    def find(self, technician_id: UUID) -> Technician | None:
        return self._by_id.get(technician_id)

    def by_no(self, no: int) -> Technician | None:
        return self._by_no.get(no)

    def on_change(self, listener: Callable[[Technician], None]) -> None:
        """`listener` hears of every technician that was loaded or changed (the tracker keeps its columns so)."""
        self._listeners.append(listener)

    async def load(self) -> list[rows.TechnicianRow]:
        """Reads everyone; returns the rows, whose last positions the tracker starts from."""
        self._bus.subscribe(bus.TECHNICIAN_CHANGED, self._hinted)
        self._zones.on_change(self._zones_changed)
        self._looked_s = monotonic()
        async with self._pool.connection() as conn:
            found = await rows.everyone(conn)
        for row in found:
            self._put(row)
        return found

    async def refresh(self, ids: Iterable[UUID] = ()) -> None:
        """Reads those named; without names, whatever changed since the last look."""
        wanted = list(ids)
        if not wanted:
            await self._look()
            return
        async with self._reading, self._pool.connection() as conn:
            for start in range(0, len(wanted), PAGE):
                await self._take_over(await rows.named(conn, ids=wanted[start : start + PAGE]))

    async def _look(self) -> None:
        async with self._reading:
            began_s, found = monotonic(), dict[UUID, datetime]()
            last = rows.Touched(UUID(int=0), _LONG_AGO)
            async with self._pool.connection() as conn:
                while True:
                    page = await rows.touched(
                        conn, back_s=began_s - self._looked_s + OVERLAP_S, after_at=last.changed_at, after_id=last.id,
                        most=PAGE,
                    )  # fmt: skip
                    new = [row.id for row in page if self._found.get(row.id) != row.changed_at]
                    if new:
                        await self._take_over(await rows.named(conn, ids=new))
                    found |= {row.id: row.changed_at for row in page}
                    if len(page) < PAGE:
                        break
                    last = page[-1]
            self._found, self._looked_s = found, began_s

    async def _take_over(self, found: Sequence[rows.TechnicianRow]) -> None:
        for number, row in enumerate(found, 1):
            self._put(row)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    async def _freshen(self) -> float:
        wanted, self._wanted = self._wanted, set()
        try:
            if wanted:
                await self.refresh(wanted)
            if monotonic() >= self._looked_s + POLL_S:
                await self._look()
        except BaseException:
            self._wanted |= wanted
            raise
        return max(0.0, self._looked_s + POLL_S - monotonic())

    def _hinted(self, hint: bus.Hint) -> None:
        self._wanted.add(UUID(hint["technician_id"]))
        self.loop.wake()

    def _zones_changed(self) -> None:
        self._wanted |= self._in_the_middle
        self.loop.wake()

    def _put(self, row: rows.TechnicianRow) -> None:
        base = (row.base_lat, row.base_lng) if row.base_lat is not None and row.base_lng is not None else None
        self._in_the_middle.discard(row.id)
        if base is None and row.zone_id is not None and (zone := self._zones.find(row.zone_id)):
            base = (zone.centre_lat, zone.centre_lng)
            self._in_the_middle.add(row.id)
        person = Technician(
            row.id, row.no, row.code, row.name, row.phone, row.provider_id,
            frozenset(row.categories), frozenset(row.tiers), hours_of(row.working_hours, row.days_off),
            float(row.service_radius_m), base, row.zone_id, row.is_active, row.is_available,
            row.onboarding_status == "verified", row.rating,
            row.cancelled_bookings / row.total_bookings if row.total_bookings else 0.0, row.idle_since,
        )  # fmt: skip
        self._by_id[row.id] = self._by_no[row.no] = person
        if base is None or not person.is_active:
            self.bases.remove(row.no)
        else:
            self.bases.put(
                row.no, *base, 0.0,
                skills=self.skills.mask(person.categories), tiers=self.tier_bits.mask(person.tiers),
                available=person.is_verified, rating=float("nan") if person.rating is None else person.rating,
            )  # fmt: skip
        for listener in self._listeners:
            listener(person)
