"""Coming nearer and being there: what the fixes of a technician on a job say, once each, as facts."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from dispatch.engine import facts, jobs, offers
from dispatch.errors import DispatchError
from dispatch.events import SYSTEM
from dispatch.transaction import Tx
from geo.arrival import Approach, Rung, advance
from geo.eta import StraightLine
from geo.filter import Fix
from storage import facts as fact_rows
from storage import offers as rows
from storage.database.errors import StorageError
from storage.offers import OpenJob

if TYPE_CHECKING:
    from dispatch.services import Services

log = logging.getLogger(__name__)

#: A customer sees the technician from "on the way" to "done", never before and never after.
SHOWN = ("in_transit", "arrived", "in_progress")
#: Detections that wait to be written.
BACKLOG = 10_000
#: While the database is away a detection is tried this often, in real seconds.
RETRY_S = 1.0


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
    """Jobs by technician. `consider()` is on the ping's path; `record()` writes what it found."""

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

    async def record(self, services: Services) -> None:
        """Until cancelled: writes detections as facts; one that the booking has outrun is let go.

        While the database is away they wait: an arrival is detected only once.
        """
        while True:
            found = await self._found.get()
            while not await self._was_recorded(services, found):  # noqa: ASYNC110 (it is the database that is away)
                await asyncio.sleep(RETRY_S)

    async def record_waiting(self, services: Services) -> int:
        """Writes what waits now; returns how many there were."""
        done = 0
        while not self._found.empty():
            await self._was_recorded(services, self._found.get_nowait())
            done += 1
        return done

    async def _was_recorded(self, services: Services, found: Detection) -> bool:
        """False: the database could not take it; it has to be tried again."""
        try:
            async with services.transaction() as tx:
                await write(tx, found)
            self.detected += found.rung is Rung.ARRIVED
        except DispatchError as e:
            log.info("a detection came too late: %s", e)
        except StorageError as e:
            log.warning("a detection waits for the database: %s", e)
            return False
        except Exception:
            log.exception("a detection could not be written")
        return True


async def write(tx: Tx, found: Detection) -> None:
    """Near is a fact, once for an assignment; arrived moves the job on where the settings say so."""
    booking = await offers.lock(tx, found.booking_id)
    assignment = await rows.assignment(tx.conn, booking_id=found.booking_id)
    if assignment is None or assignment.technician_id != found.technician_id:
        return
    if assignment.state != "in_transit":
        return
    if found.rung is Rung.ARRIVED and tx.services.settings.dispatch.auto_arrive:
        await jobs.advance(tx, booking.id, found.technician_id, "arrived", is_detected=True)
    elif not await fact_rows.was_told(
        tx.conn, booking_id=booking.id, type="partner.near", assignment_id=str(assignment.id)
    ):
        data = {"technician_id": str(found.technician_id), "assignment_id": str(assignment.id)}
        await facts.record(tx, booking.id, "partner.near", SYSTEM, data)
