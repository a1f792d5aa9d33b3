"""Where technicians are: the steps that a ping passes, and the live index that matching asks. In memory, no await."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.bus import Bus
from dispatch.clock import Clock
from dispatch.errors import DispatchError, NotAllowed, Unavailable
from dispatch.live.arrivals import SHOWN, Arrivals, TrackedJob
from dispatch.live.devices import Devices
from dispatch.live.native import Batch, Native
from dispatch.live.reporter import Reporter
from dispatch.live.reports import Judged, Judging, Report, Seen, TooOften, Unreadable
from dispatch.live.roster import Roster, Technician
from dispatch.live.trail import Trail
from dispatch.loops import Loop
from geo.eta import StraightLine
from geo.filter import DEFAULT_RULES, Fix, FixFilter, Ping, Step, complaints, read_ping, read_time_ms
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

#: Fixes in one report.
MOST_FIXES = 50
#: A fix that comes late belongs into history if the trail has nothing so near to its time, in seconds.
LATE_S = 10.0
#: Jobs are read anew this often in real seconds, in case a hint was lost.
JOBS_POLL_S = 5.0
#: How often a node reads what other nodes saved, in real seconds, and how far back for slow transactions.
POSITIONS_POLL_S, POSITIONS_OVERLAP_S = 3.0, 10.0

_TAKEN_AT = itemgetter(0)

Watcher = Callable[[Seen, OpenJob], None]


class Tracker:
    """The live half of the engine. `report()` is the hot path: no await, no I/O, microseconds."""

    def __init__(
        self, pool: Pool, node_bus: Bus, clock: Clock, roster: Roster, *, history_days: int, devices: Devices
    ) -> None:
        self._pool, self._bus, self._clock, self._roster = pool, node_bus, clock, roster
        self._history_s = history_days * 86_400.0
        self.fleet = FleetIndex()
        self.eta = StraightLine()
        self.arrivals = Arrivals(self.eta)
        self.trail = Trail(pool, node_bus, clock, history_days)
        self.dropped: Counter[str] = Counter()
        #: What was taken, but for less: too vague, a jump that has not settled, standing still.
        self.degraded: Counter[str] = Counter()
        self.admitted = 0
        #: The short way in C, where a process has it: how batches are read, and judged.
        self.native: Native | None = None
        self._devices = devices
        #: By number and by id.
        self._reporters: dict[int, Reporter] = {}
        self._by_id: dict[UUID, Reporter] = {}
        self._watchers: list[Watcher] = []
        self._positions_read_s = time.monotonic()
        self._reload: set[UUID] = set()
        self._next_poll = 0.0
        self._jobs_loop = Loop("jobs on the way", self._follow_jobs, every_s=JOBS_POLL_S)
        #: Jobs at hints; what other nodes saved (Redis shares positions faster, but never alone); the trail.
        self.loops = [
            self._jobs_loop,
            Loop("positions of other nodes", self.read_positions, every_s=POSITIONS_POLL_S),
            *self.trail.loops,
        ]

    # ------------------------------------------------------------ books

    def know(self, person: Technician) -> None:
        """The roster's news: capabilities and presence become columns of the index."""
        known = self._reporters.get(person.no)
        if known is None or not person.is_active:
            self._begin(person)
        else:
            known.person = person
            if known.seen is not None:
                self.fleet.set_attributes(person.no, **self._columns(known))

    def _begin(self, person: Technician) -> None:
        """Nothing is known of them but who they are."""
        self.fleet.remove(person.no)
        reporter = Reporter(person, self.arrivals.of(person.id), self._devices.bucket())
        self._reporters[person.no] = self._by_id[person.id] = reporter

    def _columns(self, reporter: Reporter) -> dict[str, Any]:
        person, seen = reporter.person, reporter.seen
        return {
            "skills": self._roster.skills.mask(person.categories),
            "tiers": self._roster.tier_bits.mask(person.tiers),
            "available": person.is_available and person.is_verified and seen is not None and seen.is_dispatchable,
            "rating": float("nan") if person.rating is None else person.rating,
        }

    def find(self, no: int) -> Seen | None:
        known = self._reporters.get(no)
        return None if known is None else known.seen

    def find_by_id(self, technician_id: UUID) -> Seen | None:
        known = self._by_id.get(technician_id)
        return None if known is None else known.seen

    def forget(self, no: int) -> None:
        """No longer on the map."""
        known = self._reporters.get(no)
        if known is not None:
            self._begin(known.person)

    def restore(self, rows: Iterable[TechnicianRow], now_s: float) -> None:
        """The last positions from before the start; the old ones stay stale until their owners report."""
        for row in rows:
            if row.last_lat is None or row.last_lng is None or row.last_fix_at is None or not row.is_active:
                continue
            at_s = min(row.last_fix_at.timestamp(), now_s)
            fix = Fix(at_s, row.last_lat, row.last_lng, row.last_accuracy_m or 25.0)
            self._settle(self._reporters[row.no], fix, row.last_is_dispatchable is not False)

    def watch(self, watcher: Watcher) -> None:
        """`watcher` hears of every shown move of a technician who is on a job (the customer's map)."""
        self._watchers.append(watcher)

    # ------------------------------------------------------------ the ping's way

    def report(
        self, technician_id: UUID, rows: Sequence[object] | Batch, *, sent_at_ms: object = None, device: str = ""
    ) -> Report:
        """Takes a batch of fixes through the steps. `sent_at_ms` is the phone's own time of sending, if it says so;
        `device` tells the phones of one technician apart.

        Raises Unreadable, NotAllowed, Unavailable (not known here yet) and TooOften; nothing was taken then.
        """
        now_s = self._clock.timestamp()
        dropped: dict[str, int] = {}
        # decode
        if isinstance(rows, Batch):
            batch, size, newest_ms = rows, rows.size, rows.newest_ms
        else:
            pings, batch, size = self._decode(rows), None, len(rows)
            newest_ms = pings[-1].t_ms
            if len(pings) < size:
                dropped[Step.DECODE.value] = size - len(pings)
        # authorise
        reporter = self._by_id.get(technician_id)
        if reporter is None or not reporter.person.is_active:
            raise self._not_authorised(reporter, size)
        # rate
        wait_s = reporter.bucket.wait_s(now_s)
        if wait_s > 0.0:
            raise self._too_often(wait_s, size)
        # clock; without a send time the newest fix stands for it
        sent_ms = None if sent_at_ms is None else read_time_ms(sent_at_ms)
        device_s = (newest_ms if sent_ms is None else sent_ms) / 1000.0
        offset_s = reporter.clocks[device].hear(device_s, now_s, is_sent=sent_ms is not None)
        # clock of each fix, accuracy, jump, duplicate: the filter's own steps, in their order
        judged = None if batch is None else self._judge_natively(reporter, batch, now_s, offset_s)
        if judged is None:
            judged = self._judge(reporter, pings if batch is None else batch.pings(), now_s, offset_s, dropped)
        times, packed, samples, decided, placed, newest, believed, sure, is_dispatchable, refreshed, recorded = judged
        if newest is not None:
            # index
            seen = self._index(reporter, placed, newest, is_dispatchable)
            seen.believed, seen.sure = believed or seen.believed, sure or seen.sure
            self.trail.moved(seen)
            # job, fan_out
            if reporter.jobs:
                for fix in decided:
                    self.arrivals.consider(reporter.jobs, fix)
                self._fan_out(seen, reporter.jobs)
            # history
            if packed:
                self.trail.rows(packed, times)
            elif times:
                self.trail.points(seen.no, times, samples)
        if dropped:
            self.dropped.update(dropped)
        admitted = len(times)
        self.admitted += admitted + refreshed
        return Report(admitted, refreshed, dropped, recorded, round(offset_s * 1000.0))

    def _judge_natively(self, reporter: Reporter, batch: Batch, now_s: float, offset_s: float) -> Judged | None:
        """A batch of clean fixes and of those that stand still, with its rows of the history; None for another, of
        which nothing is done yet."""
        start = reporter.filter.start()
        if start is None or self.native is None:
            return None
        last, shown = start
        judged = self.native.run(
            Judged, Fix, batch.packed, reporter.person.no, last, shown, now_s, offset_s, reporter.jobs
        )
        if judged is None:
            return None
        assert judged.newest is not None, "all of them were taken"
        reporter.filter.go_on(judged.newest, batch.newest_ms / 1000.0, judged.placed)
        if judged.refreshed:
            self.degraded[Step.DUPLICATE.value] += judged.refreshed
        return judged

    def _judge(
        self, reporter: Reporter, pings: list[Ping], now_s: float, offset_s: float, dropped: dict[str, int]
    ) -> Judged:
        """A clean batch in one pass; another one by one after its clean start, and by the pass again where it is clean
        again."""
        filter_, at = reporter.filter, 0
        run = filter_.admit_run(pings, 0, now_s, offset_s)
        if len(run) == len(pings):
            return Judged.clean(run, pings, filter_.last, is_on_job=bool(reporter.jobs))
        judging = Judging()
        while True:
            if run:
                judging.take_run(run, pings[at : at + len(run)], filter_.last)
                at += len(run)
            if at == len(pings):
                return judging.done()
            ping = pings[at]
            verdict = filter_.admit(ping, now_s, offset_s)
            if verdict.fix is not None:
                judging.take(verdict, verdict.fix)
                if verdict.step is not None:
                    self.degraded[verdict.step.value] += 1
            elif verdict.step is Step.CLOCK and self._record(reporter, ping, offset_s, now_s):
                judging.record()
            else:
                dropped[str(verdict.step)] = dropped.get(str(verdict.step), 0) + 1
            at += 1
            run = filter_.admit_run(pings, at, now_s, offset_s)

    def _decode(self, rows: Sequence[object]) -> list[Ping]:
        """The rows that are fixes, oldest first: each is judged alone. Raises Unreadable when none is."""
        # Nobody works in the Gulf of Guinea; the rest of a Ping that a decoder made is in its bounds.
        pings = [row for row in rows if type(row) is Ping and (row[1] or row[2])]
        if len(pings) < len(rows):
            pings = [ping for ping in map(read_ping, rows[:MOST_FIXES]) if ping is not None]
        if not pings:
            self.dropped[Step.DECODE.value] += len(rows)
            problems = {
                f"fixes.{n}.{place}".rstrip("."): text
                for n, row in enumerate(rows[:MOST_FIXES])
                for place, text in complaints(row).items()
            }
            raise Unreadable(problems or {"fixes": "There is no fix in it."})
        if len(pings) > 1:
            pings.sort(key=_TAKEN_AT)
        return pings

    def _not_authorised(self, reporter: Reporter | None, size: int) -> DispatchError:
        self.dropped["authorise"] += size
        if reporter is None:
            return Unavailable("This technician is not known here yet; try again shortly.", retry_after_s=1.0)
        return NotAllowed("This technician does not work here at present, so positions are not taken.")

    def _too_often(self, wait_s: float, size: int) -> DispatchError:
        self.dropped["rate"] += size
        return TooOften(retry_after_s=wait_s, details={"retry_after_s": wait_s})

    def _record(self, reporter: Reporter, ping: Ping, offset_s: float, now_s: float) -> bool:
        """A fix that is no news of anybody, such as one of an emptied backlog, still belongs into history."""
        at_s, newest_s = ping.t_ms / 1000.0 + offset_s, reporter.filter.newest_s
        is_late = at_s <= newest_s - LATE_S or now_s - at_s > DEFAULT_RULES.max_age_s
        if not is_late or now_s - at_s > self._history_s:
            return False
        accuracy_m = DEFAULT_RULES.assumed_accuracy_m if ping.accuracy_m is None else ping.accuracy_m
        fix = Fix(at_s, ping.lat, ping.lng, accuracy_m, ping.speed_mps, ping.heading_deg)
        self.trail.late(reporter.person.no, fix)
        return True

    def _index(self, reporter: Reporter, placed: Fix | None, newest: Fix, is_dispatchable: bool) -> Seen:
        """Where a batch ended goes to the index: nobody saw where it was in between. Who only stood still is seen anew
        where they stand. The index hears of a change only of whether offers may be made from there."""
        seen, no = reporter.seen, reporter.person.no
        if seen is None:
            assert placed is not None, "who was never seen has moved"
            at_s, lat, lng, accuracy_m, speed_mps, heading_deg = placed
            seen = reporter.seen = Seen(
                reporter.person.id, no, lat, lng, accuracy_m, at_s, speed_mps, heading_deg, is_dispatchable
            )
            self.fleet.put(no, lat, lng, at_s, **self._columns(reporter))
        else:
            if placed is not None:
                _, seen.lat, seen.lng, seen.accuracy_m, seen.speed_mps, seen.heading_deg = placed
            if seen.is_dispatchable != is_dispatchable:
                seen.is_dispatchable = is_dispatchable
                self.fleet.set_attributes(no, **self._columns(reporter))
        seen.fix_at_s = newest.at_s
        self.fleet.move(no, seen.lat, seen.lng, newest.at_s)
        return seen

    def _fan_out(self, seen: Seen, jobs: Sequence[TrackedJob]) -> None:
        if seen.believed is None:
            return
        for job in jobs:
            if job.row.state in SHOWN:
                for watcher in self._watchers:
                    watcher(seen, job.row)

    # ------------------------------------------------------------ between nodes and restarts

    async def attach(self) -> None:
        """From now on hears of jobs and of the positions of other nodes, and reads the jobs that are open."""
        for reporter in self._reporters.values():
            if reporter.seen is not None:
                self.fleet.set_attributes(reporter.person.no, **self._columns(reporter))
        self._bus.subscribe(bus.BOOKING_CHANGED, self._job_hinted)
        self._bus.on_positions(self._heard)
        await self.read_jobs()

    def learn_job(self, job: OpenJob) -> None:
        """A job that this node has just committed: the next ping knows it, whenever the rows are read again."""
        self._reload.add(job.booking_id)
        self.arrivals.put(job)

    def forget_job(self, booking_id: UUID) -> None:
        """The same of one that has ended."""
        self._reload.add(booking_id)
        self.arrivals.drop(booking_id)

    def _job_hinted(self, hint: bus.Hint) -> None:
        # Nodes of the version before do not say it.
        if hint.get("may_have_job", True):
            self._reload.add(UUID(hint["booking_id"]))
            self._jobs_loop.wake()

    def _heard(self, batch: bytes) -> None:
        for no, at_s, lat, lng, accuracy_m, is_dispatchable in Trail.unpack(batch):
            self._hear(no, at_s, lat, lng, accuracy_m, is_dispatchable)

    def _hear(self, no: int, at_s: float, lat: float, lng: float, accuracy_m: float, is_dispatchable: bool) -> None:
        reporter = self._reporters.get(no)
        if reporter is None or not reporter.person.is_active:
            return
        # A thousandth of a second is what is lost on the way through the database.
        if reporter.seen is None or reporter.seen.fix_at_s < at_s - 0.001:
            seen = self._settle(reporter, Fix(at_s, lat, lng, accuracy_m), is_dispatchable)
            self._fan_out(seen, reporter.jobs)

    def _settle(self, reporter: Reporter, fix: Fix, is_dispatchable: bool) -> Seen:
        """A position that was judged elsewhere, or before the start: the filter goes on from it.

        It is neither saved nor shared again: that is the business of whoever judged it.
        """
        reporter.filter = FixFilter(fix, is_trusted=is_dispatchable)
        seen = self._index(reporter, fix, fix, is_dispatchable)
        if is_dispatchable:
            seen.believed = fix
        if is_dispatchable and fix.accuracy_m <= DEFAULT_RULES.decidable_accuracy_m:
            seen.sure = fix
        return seen

    async def flush(self) -> None:
        await self.trail.save()

    async def _follow_jobs(self) -> float:
        """At every hint; and all of them now and then, however busy the hints are, because one may have been lost."""
        await self.refresh_jobs()
        if time.monotonic() >= self._next_poll:
            self._next_poll = time.monotonic() + JOBS_POLL_S
            await self.read_jobs()
        return max(0.05, self._next_poll - time.monotonic())

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
        self.arrivals.keep({job.booking_id for job in found} | self._reload)
        for job in found:
            if job.booking_id not in self._reload:
                self.arrivals.put(job)

    async def refresh_jobs(self) -> None:
        """Reads the bookings that were hinted at: a job appears, changes its state or ends."""
        wanted, self._reload = self._reload, set()
        try:
            async with self._pool.connection() as conn:
                for booking_id in list(wanted):
                    found = await offer_rows.open_jobs(conn, booking_id=booking_id)
                    if booking_id in self._reload:
                        # Changed meanwhile: what was read may be older than what is known.
                        continue
                    if not found:
                        self.arrivals.drop(booking_id)
                    for job in found:
                        self.arrivals.put(job)
                    wanted.discard(booking_id)
        finally:
            self._reload |= wanted
