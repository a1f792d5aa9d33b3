"""What the fixes of a technician on a job say, written once each as facts: coming nearer, being there, going away."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from dispatch.engine import facts, jobs, lifecycle, offers
from dispatch.errors import DispatchError
from dispatch.events import SYSTEM
from dispatch.live.arrivals import Departure, Detection
from dispatch.loops import Loop
from dispatch.services import Services, Tx
from geo.arrival import Rung
from storage import facts as fact_rows
from storage import offers as rows
from storage.database.errors import StorageError

log = logging.getLogger(__name__)

#: While the database is away a detection is tried this often, in real seconds.
RETRY_S = 1.0


def loop_of(services: Services) -> Loop:
    """Writes detections as facts as they come; one that the booking has outrun is let go.

    While the database is away they wait: an arrival is detected only once.
    """

    async def one() -> float:
        found = await services.tracker.arrivals.next_found()
        while not await _was_recorded(services, found):  # noqa: ASYNC110 (it is the database that is away)
            await asyncio.sleep(RETRY_S)
        return 0.0

    return Loop("detections", one, every_s=RETRY_S)


async def record_waiting(services: Services) -> int:
    """Writes what waits now; returns how many there were."""
    done = 0
    while found := services.tracker.arrivals.take_found():
        await _was_recorded(services, found)
        done += 1
    return done


async def _was_recorded(services: Services, found: Detection | Departure) -> bool:
    """False: the database could not take it; it has to be tried again."""
    try:
        async with services.transaction() as tx:
            await write(tx, found)
        services.tracker.arrivals.detected += isinstance(found, Detection) and found.rung is Rung.ARRIVED
    except DispatchError as e:
        log.info("a detection came too late: %s", e)
    except StorageError as e:
        log.warning("a detection waits for the database: %s", e)
        return False
    except Exception:
        log.exception("a detection could not be written")
    return True


async def write(tx: Tx, found: Detection | Departure) -> None:
    """Near is a fact, once for an assignment; arrived moves the job on where the settings say so, and leaving moves
    it back when it was no visit."""
    booking = await offers.lock(tx, found.booking_id)
    assignment = await rows.assignment(tx.conn, booking_id=found.booking_id)
    if assignment is None or assignment.technician_id != found.technician_id:
        return
    if isinstance(found, Departure):
        if assignment.state == "arrived":
            await jobs.leave(tx, booking, assignment, datetime.fromtimestamp(found.left_at_s, UTC), found.distance_m)
        return
    if assignment.state not in lifecycle.ASSIGNMENT["detected"].sources:
        return
    if found.rung is Rung.ARRIVED and tx.services.settings.dispatch.auto_arrive:
        await jobs.advance(tx, booking.id, found.technician_id, "arrived", is_detected=True)
    elif assignment.state == "in_transit" and not await fact_rows.was_told(
        tx.conn, booking_id=booking.id, type="partner.near", assignment_id=str(assignment.id)
    ):
        data = {"technician_id": str(found.technician_id), "assignment_id": str(assignment.id)}
        await facts.record(tx, booking.id, "partner.near", SYSTEM, data)
