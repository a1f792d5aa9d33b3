"""Coming nearer and being there: what the fixes of a technician on a job say, once each, as facts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from geo.arrival import Advance, Approach, Rung, advance, far_box, skim
from geo.eta import StraightLine
from geo.filter import Fix
from geo.geodesy import Box
from storage.offers import OpenJob

#: A customer sees the technician from "on the way" to "done", never before and never after.
SHOWN = ("in_transit", "arrived", "in_progress")
#: Detections that wait to be written.
BACKLOG = 10_000
#: Who has surely gone this far from the door has left it, and is not fetching something from the van.
AWAY_M = 250.0
#: Who never said that they are on the way may be detected at the door from so long before the start on: earlier
#: they may be there for somebody else.
UNSAID_AHEAD_S = 1800.0


@dataclass(slots=True)
class TrackedJob:
    """An accepted job and how near its technician has come. `left` is the fix that showed them leaving the door,
    while they are away; `is_told` that it was told."""

    row: OpenJob
    approach: Approach
    #: Outside it nobody is near; None where there is no such box.
    far: Box | None
    set_out: Fix | None = None
    left: Fix | None = None
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class Detection:
    """A rung of the ladder that was reached."""

    booking_id: UUID
    technician_id: UUID
    rung: Rung


@dataclass(frozen=True, slots=True)
class Departure:
    """A technician who had arrived went away again, at `left_at_s` (unix seconds), and is `distance_m` off now."""

    booking_id: UUID
    technician_id: UUID
    left_at_s: float
    distance_m: float


class Arrivals:
    """Jobs by technician. `consider()` is on the ping's path; engine/detections writes what it found."""

    def __init__(self, eta: StraightLine) -> None:
        self._eta = eta
        self._by_booking: dict[UUID, TrackedJob] = {}
        self._by_technician: dict[UUID, list[TrackedJob]] = {}
        self._found: asyncio.Queue[Detection | Departure] = asyncio.Queue(BACKLOG)
        self.detected = 0

    def put(self, row: OpenJob) -> None:
        """A job appeared or changed its state; what is known of the approach stays."""
        known = self._by_booking.get(row.booking_id)
        if known is not None and known.row.assignment_id == row.assignment_id:
            if (known.row.state, row.state) == ("arrived", "in_transit"):
                # The arrival was taken back: they are coming anew.
                known.approach, known.set_out, known.left, known.is_told = Approach(), None, None, False
            if (known.row.lat, known.row.lng) != (row.lat, row.lng):
                known.far = far_box(row.lat, row.lng)
            known.row = row
            return
        self.drop(row.booking_id)
        job = TrackedJob(row, Approach(), far_box(row.lat, row.lng))
        self._by_booking[row.booking_id] = job
        self._by_technician.setdefault(row.technician_id, []).append(job)

    def drop(self, booking_id: UUID) -> None:
        job = self._by_booking.pop(booking_id, None)
        if job is None:
            return
        jobs = self._by_technician[job.row.technician_id]
        jobs[:] = [other for other in jobs if other is not job]

    def keep(self, booking_ids: set[UUID]) -> None:
        """Lets go of every job that is not among these."""
        for booking_id in self._by_booking.keys() - booking_ids:
            self.drop(booking_id)

    def of_technician(self, technician_id: UUID) -> list[OpenJob]:
        """The jobs that a technician has accepted and not ended."""
        return [j.row for j in self._by_technician.get(technician_id, ())]

    def find(self, booking_id: UUID) -> OpenJob | None:
        job = self._by_booking.get(booking_id)
        return None if job is None else job.row

    def of(self, technician_id: UUID) -> Sequence[TrackedJob]:
        """The same with what is known of the approach, for consider() and whoever shows them. It is one list
        for ever: whoever has it need not ask again."""
        return self._by_technician.setdefault(technician_id, [])

    def consider(self, jobs: Sequence[TrackedJob], fix: Fix) -> None:
        """One decidable fix against the jobs that its technician is driving to, or has arrived at."""
        for job in jobs:
            if not _is_approached(job, jobs, fix.at_s):
                continue
            if job.left is None and job.far is not None:
                skimmed = skim(job.approach, fix, job.far, job.row.lat, job.row.lng)
                if skimmed is not None:
                    job.approach = skimmed
                    continue
            job.set_out = job.set_out or fix
            step = advance(job.approach, fix, job.row.lat, job.row.lng)
            job.approach = step.approach
            if job.row.state != "arrived" and step.reached in (Rung.NEAR, Rung.ARRIVED):
                self._find(Detection(job.row.booking_id, job.row.technician_id, step.reached))
                if step.reached is Rung.ARRIVED:
                    self._learn(job, fix)
            self._watch_leaving(job, step, fix)

    def _watch_leaving(self, job: TrackedJob, step: Advance, fix: Fix) -> None:
        if step.approach.inside:
            job.left, job.is_told = None, False
        elif step.left:
            job.left = fix
        is_gone = job.left is not None and step.distance_m - fix.accuracy_m >= AWAY_M
        if job.left is not None and is_gone and job.row.state == "arrived" and not job.is_told:
            job.is_told = True
            self._find(Departure(job.row.booking_id, job.row.technician_id, job.left.at_s, step.distance_m))

    def _find(self, found: Detection | Departure) -> None:
        if not self._found.full():
            self._found.put_nowait(found)

    def _learn(self, job: TrackedJob, fix: Fix) -> None:
        if job.set_out is not None and job.approach.start_m is not None:
            self._eta.observe(job.approach.start_m, fix.at_s - job.set_out.at_s)

    async def next_found(self) -> Detection | Departure:
        """The oldest detection that nobody took; waits for one."""
        return await self._found.get()

    def take_found(self) -> Detection | Departure | None:
        """The oldest detection that nobody took, if there is one."""
        return None if self._found.empty() else self._found.get_nowait()


def _is_approached(job: TrackedJob, jobs: Sequence[TrackedJob], at_s: float) -> bool:
    """Whether a fix says something of this job: nothing where the door is not known. One that was merely accepted is
    only being driven to shortly before its start, and when nothing else is going on."""
    if job.row.is_approximate:
        return False
    if job.row.state != "accepted":
        return job.row.state in ("in_transit", "arrived")
    is_soon = at_s >= job.row.starts_at.timestamp() - UNSAID_AHEAD_S
    return is_soon and not any(other.row.state in SHOWN for other in jobs)
