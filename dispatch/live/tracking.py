"""Where technicians are: the steps that a ping passes, and the live index that matching asks. In memory, no await."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.bus import Bus
from dispatch.clock import Clock
from dispatch.live.arrivals import Arrivals
from dispatch.live.roster import Roster, Technician
from dispatch.live.trail import Trail
from geo.eta import StraightLine
from geo.filter import DEFAULT_RULES, Fix, FixFilter, Kind, Ping, Verdict
from geo.index import FleetIndex
from storage import offers as offer_rows
from storage import roster as roster_rows
from storage.database.pool import Pool
from storage.offers import OpenJob
from storage.roster import TechnicianRow

log = logging.getLogger(__name__)

#: What a ping passes, in this order; a dropped one is counted by the step that dropped it.
STEPS = (
    "decode", "authorise", "rate", "clock", "accuracy", "jump", "duplicate", "index", "job", "fan_out", "history",
)  # fmt: skip

#: Reports per second and at once, by the domain's time, per technician (not per socket).
RATE_PER_S, RATE_BURST = 1.0, 5.0
#: Fixes in one report.
MOST_FIXES = 50
#: Jobs are read anew this often in real seconds, in case a hint was lost.
JOBS_POLL_S = 5.0
#: How often a node reads what other nodes saved, in real seconds, and how far back for slow transactions.
POSITIONS_POLL_S, POSITIONS_OVERLAP_S = 3.0, 10.0

#: As it comes from the wire: t_ms, lat, lng, accuracy_m, speed_mps, heading_deg.
RawFix = Sequence[float | None]


@dataclass(slots=True)
class Seen:
    """A technician's live position: degrees, metres, unix seconds of the domain's time.

    `sure` is the last fix that decisions may be based on; a vaguer one is shown and nothing more.
    """

    id: UUID
    no: int
    lat: float
    lng: float
    accuracy_m: float
    fix_at_s: float
    speed_mps: float | None = None
    heading_deg: float | None = None
    is_dispatchable: bool = True
    sure: Fix | None = None


@dataclass(slots=True)
class Bucket:
    """How many reports a technician may still send; filled by the domain's time."""

    tokens: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a batch: admitted, standing still, and dropped by step."""

    admitted: int
    refreshed: int
    dropped: dict[str, int]


Watcher = Callable[[Seen, OpenJob], None]


class Tracker:
    """The live half of the engine. `report()` is the hot path: no await, no I/O, microseconds."""

    def __init__(self, pool: Pool, node_bus: Bus, clock: Clock, roster: Roster, *, history_days: int) -> None:
        self._pool, self._bus, self._clock, self._roster = pool, node_bus, clock, roster
        self.fleet = FleetIndex()
        self.eta = StraightLine()
        self.arrivals = Arrivals(self.eta)
        self.trail = Trail(pool, node_bus, clock, history_days)
        self.dropped: Counter[str] = Counter()
        #: What was taken, but for less: too vague, a jump that has not settled, standing still.
        self.degraded: Counter[str] = Counter()
        self.admitted = 0
        self._seen: dict[int, Seen] = {}
        self._filters: dict[int, FixFilter] = {}
        self._buckets: dict[int, Bucket] = {}
        self._numbers: dict[UUID, int] = {}
        self._people: dict[int, Technician] = {}
        self._watchers: list[Watcher] = []
        self._positions_read_s = time.monotonic()
        self._reload: set[UUID] = set()
        self._wake = asyncio.Event()

    # ------------------------------------------------------------ books

    def know(self, person: Technician) -> None:
        """The roster's news: capabilities and presence become columns of the index."""
        self._people[person.no] = person
        self._numbers[person.id] = person.no
        if not person.is_active:
            self.forget(person.no)
        elif person.no in self._seen:
            self.fleet.set_attributes(person.no, **self._columns(self._seen[person.no]))

    def _columns(self, seen: Seen) -> dict[str, Any]:
        person = self._people.get(seen.no)
        if person is None:
            return {"available": False}
        return {
            "skills": self._roster.skills.mask(person.categories),
            "tiers": self._roster.tier_bits.mask(person.tiers),
            "available": person.is_available and person.is_verified and seen.is_dispatchable,
            "rating": float("nan") if person.rating is None else person.rating,
        }

    def find(self, no: int) -> Seen | None:
        return self._seen.get(no)

    def find_by_id(self, technician_id: UUID) -> Seen | None:
        no = self._numbers.get(technician_id)
        return None if no is None else self._seen.get(no)

    def forget(self, no: int) -> None:
        """No longer on the map."""
        for book in (self._seen, self._filters, self._buckets):
            book.pop(no, None)
        self.fleet.remove(no)

    def restore(self, rows: Iterable[TechnicianRow], now_s: float) -> None:
        """The last positions from before the start; the old ones stay stale until their owners report."""
        for row in rows:
            if row.last_lat is None or row.last_lng is None or row.last_fix_at is None or not row.is_active:
                continue
            at_s = min(row.last_fix_at.timestamp(), now_s)
            fix = Fix(at_s, row.last_lat, row.last_lng, row.last_accuracy_m or 25.0)
            self._settle(row.no, fix, row.last_is_dispatchable is not False)

    def watch(self, watcher: Watcher) -> None:
        """`watcher` hears of every shown move of a technician who is on a job (the customer's map)."""
        self._watchers.append(watcher)

    # ------------------------------------------------------------ the ping's way

    def report(self, technician_id: UUID, fixes: Sequence[RawFix]) -> Report | None:
        """Takes a batch of fixes through the steps; None when the technician is unknown or reports too often."""
        no, now_s = self._numbers.get(technician_id), self._clock.timestamp()
        if no is None or not self._people[no].is_active:
            self.dropped["authorise"] += len(fixes)
            return None
        if not self._may_report(no, now_s):
            self.dropped["rate"] += len(fixes)
            return None
        admitted = refreshed = 0
        dropped: Counter[str] = Counter()
        for raw in fixes[:MOST_FIXES]:
            verdict = self._filter(no).admit(Ping(*raw), now_s)  # type: ignore[arg-type]
            if verdict.kind is Kind.DROPPED or verdict.fix is None:
                dropped[str(verdict.step)] += 1
            else:
                admitted += verdict.kind is Kind.ADMITTED
                refreshed += verdict.kind is Kind.REFRESHED
                if verdict.step is not None:
                    self.degraded[str(verdict.step)] += 1
                self._admit(no, verdict)
        self.dropped.update(dropped)
        self.admitted += admitted + refreshed
        if admitted or refreshed:
            self._show(no)
        return Report(admitted, refreshed, dict(dropped))

    def _filter(self, no: int) -> FixFilter:
        known = self._filters.get(no)
        if known is None:
            known = self._filters[no] = FixFilter()
        return known

    def _may_report(self, no: int, now_s: float) -> bool:
        bucket = self._buckets.get(no)
        if bucket is None:
            bucket = self._buckets[no] = Bucket(RATE_BURST, now_s)
        tokens = min(RATE_BURST, bucket.tokens + max(0.0, now_s - bucket.at_s) * RATE_PER_S)
        bucket.at_s = now_s
        bucket.tokens = tokens - 1.0 if tokens >= 1.0 else tokens
        return tokens >= 1.0

    def _admit(self, no: int, verdict: Verdict) -> None:
        """Index, job and history, for one fix; a refreshed one renews last-seen where it stands."""
        fix = verdict.fix
        assert fix is not None
        if verdict.kind is Kind.ADMITTED:
            seen = self._place(no, fix, verdict.dispatchable)
            self.trail.point(no, fix)
        else:
            seen = self._renew(no, fix, verdict.dispatchable)
        self.trail.moved(
            (seen.id, no, seen.lat, seen.lng, seen.accuracy_m, seen.fix_at_s, seen.is_dispatchable)
        )
        if verdict.decidable:
            seen.sure = fix
            self.arrivals.consider(seen.id, fix)

    def _renew(self, no: int, fix: Fix, is_dispatchable: bool) -> Seen:
        seen = self._seen[no]
        seen.fix_at_s = fix.at_s
        self.fleet.move(no, seen.lat, seen.lng, fix.at_s)
        self._let(seen, is_dispatchable)
        return seen

    def _place(self, no: int, fix: Fix, is_dispatchable: bool) -> Seen:
        seen = self._seen.get(no)
        if seen is None:
            seen = self._seen[no] = Seen(
                self._people[no].id, no, fix.lat, fix.lng, fix.accuracy_m, fix.at_s, fix.speed_mps, fix.heading_deg,
                is_dispatchable,
            )  # fmt: skip
            self.fleet.put(no, fix.lat, fix.lng, fix.at_s, **self._columns(seen))
            return seen
        seen.lat, seen.lng, seen.accuracy_m, seen.fix_at_s = fix.lat, fix.lng, fix.accuracy_m, fix.at_s
        seen.speed_mps, seen.heading_deg = fix.speed_mps, fix.heading_deg
        self.fleet.move(no, fix.lat, fix.lng, fix.at_s)
        self._let(seen, is_dispatchable)
        return seen

    def _let(self, seen: Seen, is_dispatchable: bool) -> None:
        """Offers may or may not be made from this position; the index hears of a change only."""
        if seen.is_dispatchable != is_dispatchable:
            seen.is_dispatchable = is_dispatchable
            self.fleet.set_attributes(seen.no, **self._columns(seen))

    def _show(self, no: int) -> None:
        seen = self._seen[no]
        for job in self.arrivals.shown(seen.id):
            for watcher in self._watchers:
                watcher(seen, job)

    # ------------------------------------------------------------ between nodes and restarts

    async def attach(self) -> None:
        """From now on hears of jobs and of the positions of other nodes, and reads the jobs that are open."""
        for seen in self._seen.values():
            self.fleet.set_attributes(seen.no, **self._columns(seen))
        self._bus.subscribe(bus.BOOKING_CHANGED, self._job_hinted)
        self._bus.on_positions(self._heard)
        await self.read_jobs()

    def _job_hinted(self, hint: bus.Hint) -> None:
        self._reload.add(UUID(hint["booking_id"]))
        self._wake.set()

    def _heard(self, batch: bytes) -> None:
        for no, at_s, lat, lng, accuracy_m, is_dispatchable in Trail.unpack(batch):
            self._hear(no, at_s, lat, lng, accuracy_m, is_dispatchable)

    def _hear(self, no: int, at_s: float, lat: float, lng: float, accuracy_m: float, is_dispatchable: bool) -> None:
        known, person = self._seen.get(no), self._people.get(no)
        # A thousandth of a second is what is lost on the way through the database.
        if person is not None and person.is_active and (known is None or known.fix_at_s < at_s - 0.001):
            self._settle(no, Fix(at_s, lat, lng, accuracy_m), is_dispatchable)
            self._show(no)

    def _settle(self, no: int, fix: Fix, is_dispatchable: bool = True) -> None:
        """A position that was judged elsewhere, or before the start: the filter goes on from it.

        It is neither saved nor shared again: that is the business of whoever judged it.
        """
        self._filters[no] = FixFilter(fix)
        seen = self._place(no, fix, is_dispatchable)
        if is_dispatchable and fix.accuracy_m <= DEFAULT_RULES.decidable_accuracy_m:
            seen.sure = fix

    async def run(self) -> None:
        """Until cancelled: refreshes jobs at hints, saves positions every few seconds."""
        await asyncio.gather(
            self._follow_jobs(),
            self._follow_positions(),
            self.trail.save_for_ever(),
        )

    async def flush(self) -> None:
        await self.trail.save()

    async def _follow_jobs(self) -> None:
        """At every hint; and all of them now and then, however busy the hints are, because one may have been lost."""
        next_poll = time.monotonic() + JOBS_POLL_S
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.05, next_poll - time.monotonic()))
            self._wake.clear()
            try:
                await self.refresh_jobs()
                if time.monotonic() >= next_poll:
                    next_poll = time.monotonic() + JOBS_POLL_S
                    await self.read_jobs()
            except Exception:
                log.warning("the jobs could not be refreshed", exc_info=True)
                await asyncio.sleep(1)
                self._wake.set()

    async def _follow_positions(self) -> None:
        """What other nodes saved, every few seconds: positions are shared faster by Redis, but never only by it."""
        while True:
            await asyncio.sleep(POSITIONS_POLL_S)
            try:
                await self.read_positions()
            except Exception as e:
                log.warning("the positions of other nodes wait for the database: %s", e)

    async def read_positions(self) -> None:
        """Takes over what other nodes saved since the last look and is newer than what is known here."""
        began_s = time.monotonic()
        back_s = began_s - self._positions_read_s + POSITIONS_OVERLAP_S
        async with self._pool.connection() as conn:
            found = await roster_rows.positions_since(conn, back_s=back_s, node_id=self.trail.node_id)
        self._positions_read_s = began_s
        for row in found:
            self._hear(row.no, row.fix_at_s, row.lat, row.lng, row.accuracy_m or 25.0, row.is_dispatchable)

    async def read_jobs(self) -> None:
        """Reads all open jobs: what a lost hint would have told. A hinted one is read again afterwards."""
        async with self._pool.connection() as conn:
            found = await offer_rows.open_jobs(conn, booking_id=None)
        self.arrivals.keep({job.booking_id for job in found})
        for job in found:
            self.arrivals.put(job)

    async def refresh_jobs(self) -> None:
        """Reads the bookings that were hinted at: a job appears, changes its state or ends."""
        wanted, self._reload = self._reload, set()
        try:
            async with self._pool.connection() as conn:
                for booking_id in list(wanted):
                    found = await offer_rows.open_jobs(conn, booking_id=booking_id)
                    if not found:
                        self.arrivals.drop(booking_id)
                    for job in found:
                        self.arrivals.put(job)
                    wanted.discard(booking_id)
        finally:
            self._reload |= wanted
