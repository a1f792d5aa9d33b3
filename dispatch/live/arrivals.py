"""Coming nearer and being there: what the fixes of a technician on a job say, once each, as facts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import UUID

from geo.arrival import Approach, Rung, advance
from geo.eta import StraightLine
from geo.filter import Fix
from storage.offers import OpenJob

#: A customer sees the technician from "on the way" to "done", never before and never after.
SHOWN = ("in_transit", "arrived", "in_progress")
#: Detections that wait to be written.
BACKLOG = 10_000


@dataclass(slots=True)
class TrackedJob:
    """An accepted job and how near its technician has come."""

    row: OpenJob
    approach: Approach
    set_out: Fix | None = None


@dataclass(frozen=True, slots=True)
class Detection:
    """A rung of the ladder that was reached; `seconds` and `distance_m` are the way's when it ends."""

    booking_id: UUID
    technician_id: UUID
    rung: Rung


class Arrivals:
    """Jobs by technician. `consider()` is on the ping's path; engine/detections writes what it found."""

    def __init__(self, eta: StraightLine) -> None:
        self._eta = eta
        self._by_booking: dict[UUID, TrackedJob] = {}
        self._by_technician: dict[UUID, list[TrackedJob]] = {}
        self._found: asyncio.Queue[Detection] = asyncio.Queue(BACKLOG)
        self.detected = 0

    def put(self, row: OpenJob) -> None:
        """A job appeared or changed its state; what is known of the approach stays."""
        known = self._by_booking.get(row.booking_id)
        if known is not None and known.row.assignment_id == row.assignment_id:
            known.row = row
            return
        self.drop(row.booking_id)
        job = TrackedJob(row, Approach())
        self._by_booking[row.booking_id] = job
        self._by_technician.setdefault(row.technician_id, []).append(job)

    def drop(self, booking_id: UUID) -> None:
        job = self._by_booking.pop(booking_id, None)
        if job is None:
            return
        left = [j for j in self._by_technician.get(job.row.technician_id, []) if j is not job]
        if left:
            self._by_technician[job.row.technician_id] = left
        else:
            self._by_technician.pop(job.row.technician_id, None)

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

    def shown(self, technician_id: UUID) -> list[OpenJob]:
        """The jobs whose customers may see this technician now."""
        return [j.row for j in self._by_technician.get(technician_id, ()) if j.row.state in SHOWN]

    def consider(self, technician_id: UUID, fix: Fix) -> None:
        """One decidable fix against the jobs that the technician is driving to."""
        for job in self._by_technician.get(technician_id, ()):
            if job.row.state != "in_transit":
                continue
            job.set_out = job.set_out or fix
            step = advance(job.approach, fix, job.row.lat, job.row.lng)
            job.approach = step.approach
            if step.reached in (Rung.NEAR, Rung.ARRIVED) and not self._found.full():
                self._found.put_nowait(Detection(job.row.booking_id, technician_id, step.reached))
            if step.reached is Rung.ARRIVED:
                self._learn(job, fix)

    def _learn(self, job: TrackedJob, fix: Fix) -> None:
        if job.set_out is not None and job.approach.start_m is not None:
            self._eta.observe(job.approach.start_m, fix.at_s - job.set_out.at_s)

    async def next_found(self) -> Detection:
        """The oldest detection that nobody took; waits for one."""
        return await self._found.get()

    def take_found(self) -> Detection | None:
        """The oldest detection that nobody took, if there is one."""
        return None if self._found.empty() else self._found.get_nowait()
