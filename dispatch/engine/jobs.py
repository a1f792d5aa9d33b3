"""The job after acceptance: on the way, arrived, in progress, done, or given back."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from dispatch import bus
from dispatch.engine import alerts, bookings, facts, lifecycle, offers, queue, tracked
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import SYSTEM, Actor
from dispatch.live.arrivals import AWAY_M
from dispatch.localtime import local, twelve_hour
from dispatch.services import Tx
from geo.geodesy import haversine_m
from storage import bookings as booking_rows
from storage import facts as fact_rows
from storage import offers as rows
from storage import slots as slot_rows
from storage.bookings import Booking
from storage.offers import Assignment

#: The fact that each step writes, in the contract's manner.
STEP_FACTS = {
    "in_transit": "partner.in_transit",
    "arrived": "partner.arrived",
    "in_progress": "service.started",
    "completed": "booking.completed",
}
#: What staff hear of a step that somebody says they made after the system had taken the job from them.
TOO_LATE = {"arrived": "are there", "in_progress": "have begun", "completed": "have done it"}
#: A completion may be told a little ahead of the server's clock.
CLOCK_SKEW = timedelta(minutes=2)
#: Nobody is on the way for longer: who says so has a clock that is wrong.
LONGEST_WAY = timedelta(days=1)
#: Who leaves the door sooner than this after arriving has not visited anybody (a red light, the wrong house).
NO_VISIT = timedelta(minutes=5)

#: So many wrong start codes, and staff have to look: four digits are quickly guessed.
START_CODE_TRIES = 5


class WrongStartCode(Invalid):
    """The start code is not the one that the customer shows."""

    code = "wrong_start_code"
    #: The try counts, although the step is refused.
    keeps_work = True


class TooEarly(Conflict):
    """This job cannot be begun yet."""

    code = "too_early"


class StartCodeLocked(Conflict):
    """Too many wrong start codes: the support has to help."""

    code = "start_code_locked"


async def own_job(tx: Tx, booking_id: UUID, technician_id: UUID, step: str) -> tuple[Booking, Assignment]:
    """Locks the booking and gives the technician's own assignment, which is to make `step`.

    Raises Missing (it was never this technician's to know) and WrongState (offered only, or theirs no longer). Staff
    hear of the work of somebody whose phone was silent, so that the system took the job from them.
    """
    booking = await offers.lock(tx, booking_id)
    assignment = await rows.assignment(tx.conn, booking_id=booking_id)
    if assignment is not None and assignment.technician_id == technician_id:
        return booking, assignment
    offer = await rows.latest_for(tx.conn, booking_id=booking_id, technician_id=technician_id)
    if offer is None:
        raise Missing("booking")
    if offer.state != "accepted":
        # The contract's word for an offer that is open.
        raise lifecycle.wrong_state("assignment", "assigned" if offer.state == "open" else offer.state, step)
    refusal = lifecycle.wrong_state("assignment", "cancelled", step)
    ended_by = await rows.ended_by(tx.conn, offer_id=offer.id)
    if step in TOO_LATE and ended_by == SYSTEM.cancelled_by:
        await alerts.raise_alert(
            tx, "done_after_all",
            f"Booking {booking.number}: a technician from whom it was taken says that they {TOO_LATE[step]}.",
            booking_id=booking_id, technician_id=technician_id,
        )  # fmt: skip
        refusal.keeps_work = True
    raise refusal


async def advance(
    tx: Tx,
    booking_id: UUID,
    technician_id: UUID,
    step: str,
    *,
    estimated_arrival: datetime | None = None,
    start_code: str | None = None,
    is_detected: bool = False,
    on_behalf: Actor | None = None,
) -> Booking:
    """One step of the technician's job: in_transit, arrived or in_progress. Repeating a step changes nothing.

    `is_detected`: the positions say so, not the technician. `on_behalf`: staff make the step for a technician who
    cannot; they have asked the customer themselves, so no start code is wanted. `estimated_arrival` is told to whoever
    waits, unless it is over already or more than a day away.
    Raises Missing, WrongState, TooEarly, WrongStartCode, StartCodeLocked.
    """
    booking, assignment = await own_job(tx, booking_id, technician_id, step)
    if assignment.state == step:
        return booking
    if not is_detected:
        lifecycle.move("assignment", assignment.state, step)
        _check_begun(tx, booking)
    if estimated_arrival is not None and not tx.now <= estimated_arrival <= tx.now + LONGEST_WAY:
        estimated_arrival = None
    if step == "in_progress" and on_behalf is None:
        await _check_start_code(tx, booking, assignment, start_code)
    await _step(tx, booking, assignment, "detected" if is_detected else step, estimated_arrival=estimated_arrival)
    if step in ("arrived", "in_progress"):
        await alerts.resolve(tx, bookings.JOB_ALERTS, booking_id=booking_id)
    if step in ("in_transit", "arrived"):
        await _watch_anew(tx, booking_id)
    if step == "arrived" and not is_detected and on_behalf is None:
        await _doubt_place(tx, booking, technician_id, "have arrived")
    if step == "in_progress":
        row = lifecycle.BOOKING["start"]
        booking = (
            await booking_rows.start(
                tx.conn, booking_id=booking_id, unfinished_s=tx.services.settings.dispatch.watch.unfinished_s,
                target=row.target, sources=list(row.sources),
            )
            or booking
        )  # fmt: skip
        if booking.next_action_at is not None:
            tx.hint(bus.TIMER_SET, {"at": booking.next_action_at.timestamp()})
    data: dict[str, object] = {"assignment_id": str(assignment.id), "technician_id": str(technician_id)}
    if estimated_arrival is not None:
        data["estimated_arrival"] = estimated_arrival.isoformat()
    if is_detected:
        data["detected"] = True
    actor = on_behalf or (SYSTEM if is_detected else Actor("technician", str(technician_id)))
    await _tell(tx, booking, assignment, step, actor, data)
    return booking


async def complete(
    tx: Tx,
    booking_id: UUID,
    technician_id: UUID,
    completed_at: datetime | None = None,
    *,
    on_behalf: Actor | None = None,
) -> tuple[Booking, Assignment]:
    """The job is done: counters, the fact that earnings hang on, the interval ends. Repeating gives the same answer.

    `on_behalf`: staff end it for a technician who cannot.

    Raises Missing, WrongState, TooEarly, Invalid (a completion in the future, or before the job could have begun).
    """
    booking, assignment = await own_job(tx, booking_id, technician_id, "completed")
    if assignment.state == "completed":
        return booking, assignment
    lifecycle.move("assignment", assignment.state, "completed")
    begun_from = max(assignment.accepted_at, _check_begun(tx, booking))
    if completed_at is not None:
        # A phone's clock is a little off, and some send whole seconds: what is near enough is drawn in.
        if not begun_from - CLOCK_SKEW <= completed_at <= tx.now + CLOCK_SKEW:
            raise Invalid({"service_completed_at": "This must lie between when the job could have begun and now."})
        completed_at = max(begun_from, min(completed_at, tx.now))
    lifecycle.move("booking", booking.status, "complete")
    if booking.start_code is not None and assignment.state == "arrived":
        raise lifecycle.WrongState(
            "The job has to be started first, with the code that the customer shows.",
            details={"state": "arrived", "step": "completed", "allowed_from": ["in_progress"]},
        )
    await _step(tx, booking, assignment, "completed", at=completed_at)
    row = lifecycle.BOOKING["complete"]
    await booking_rows.complete(tx.conn, booking_id=booking_id, target=row.target, sources=list(row.sources))
    queue.freed(tx, await slot_rows.drop_booking(tx.conn, booking_id=booking_id))
    await alerts.resolve(tx, bookings.JOB_ALERTS, booking_id=booking_id)
    if on_behalf is None:
        await _doubt_done(tx, booking, technician_id, completed_at or tx.now)
    await booking_rows.count_done(tx.conn, technician_id=technician_id)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    data = {
        "assignment_id": str(assignment.id), "technician_id": str(technician_id), "payee_id": str(assignment.payee_id),
        "earning_minor": assignment.earning_minor, "technician_share_pct": assignment.technician_share_pct,
        "grand_total_minor": booking.grand_total_minor, "tax_minor": booking.tax_minor, "currency": booking.currency,
        "payment_method": booking.payment_method,
    }  # fmt: skip
    actor = on_behalf or Actor("technician", str(technician_id))
    await _tell(tx, booking, assignment, "completed", actor, data)
    done = await rows.assignment(tx.conn, booking_id=booking_id)
    assert done is not None
    return await offers.lock(tx, booking_id), done


async def give_back(tx: Tx, booking_id: UUID, technician_id: UUID, reason: str) -> Booking:
    """The technician cancels an accepted job; it is counted, and the booking is offered to others at once."""
    booking, assignment = await own_job(tx, booking_id, technician_id, "cancelled")
    actor = Actor("technician", str(technician_id))
    await booking_rows.count_cancelled(tx.conn, technician_id=technician_id)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    await facts.record(
        tx, booking_id, "partner.cancelled", actor, {"technician_id": str(technician_id), "reason": reason}
    )
    await bookings.reopen(tx, booking, assignment, actor, reason)
    return await offers.lock(tx, booking_id)


async def leave(tx: Tx, booking: Booking, assignment: Assignment, left_at: datetime, distance_m: float) -> None:
    """The positions say that the technician, who had arrived, has gone away. Too soon for a visit, the arrival is
    taken back and they are on the way again; later, customer and staff are told, once for an assignment."""
    stayed = left_at - (assignment.arrived_at or left_at)
    is_taken_back = stayed < NO_VISIT
    if not is_taken_back and await fact_rows.was_told(
        tx.conn, booking_id=booking.id, type="technician.left", assignment_id=str(assignment.id)
    ):
        return
    if is_taken_back:
        await _step(tx, booking, assignment, "left")
        await _watch_anew(tx, booking.id)
    else:
        await alerts.raise_alert(
            tx, "technician_left",
            f"Booking {booking.number}: the technician arrived and has gone away again without starting.",
            booking_id=booking.id, technician_id=assignment.technician_id,
        )  # fmt: skip
    data = {
        "assignment_id": str(assignment.id), "technician_id": str(assignment.technician_id),
        "is_taken_back": is_taken_back, "distance_m": round(distance_m),
    }  # fmt: skip
    await facts.record(tx, booking.id, "technician.left", SYSTEM, data)
    state = "in_transit" if is_taken_back else assignment.state
    told = {"booking_id": str(booking.id), "assignment_id": str(assignment.id), "state": state, "left": True}
    facts.tell_party(tx, assignment.technician_id, "job.updated", told)


async def _watch_anew(tx: Tx, booking_id: UUID) -> None:
    """The watchdog looks at once and forgets what it knew: another stretch of the way, or its end, begins here."""
    await booking_rows.watch(tx.conn, booking_id=booking_id, watch=None, next_at=tx.now)
    tx.hint(bus.TIMER_SET, {"at": tx.now.timestamp()})


async def _doubt_done(tx: Tx, booking: Booking, technician_id: UUID, done_at: datetime) -> None:
    """Staff hear of a job that was done before its start, or far from its door."""
    if done_at < booking.starts_at:
        await _doubt(tx, booking, technician_id, "have done it before its start")
    elif (tx.now - done_at).total_seconds() <= tx.services.settings.dispatch.watch.dark_s:
        # Of what is told later, where they are by now says nothing.
        await _doubt_place(tx, booking, technician_id, "have done it")


async def _doubt_place(tx: Tx, booking: Booking, technician_id: UUID, said: str) -> None:
    """Staff hear of what somebody says who surely is not at the door, where both places are known just now."""
    seen = tx.services.tracker.find_by_id(technician_id)
    fix = seen.sure if seen is not None else None
    dark_s = tx.services.settings.dispatch.watch.dark_s
    if fix is None or booking.is_approximate or tx.now.timestamp() - fix.at_s > dark_s:
        return
    away_m = haversine_m(fix.lat, fix.lng, booking.lat, booking.lng)
    if away_m - fix.accuracy_m >= AWAY_M:
        await _doubt(tx, booking, technician_id, f"{said}, {away_m / 1000:.1f} km away from the door")


async def _doubt(tx: Tx, booking: Booking, technician_id: UUID, said: str) -> None:
    """The step is made all the same; people look at it, whatever becomes of the job."""
    await alerts.raise_alert(
        tx, "doubtful", f"Booking {booking.number}: the technician says that they {said}.",
        booking_id=booking.id, technician_id=technician_id,
    )  # fmt: skip


def _check_begun(tx: Tx, booking: Booking) -> datetime:
    """When the steps of the job may be made from. Raises TooEarly before that."""
    begun_from = booking.starts_at - timedelta(seconds=tx.services.settings.dispatch.steps_ahead_s)
    if tx.now < begun_from:
        at = local(begun_from, booking.timezone)
        raise TooEarly(
            f"It is too early for this job; it can be begun from {at:%d %B} at {twelve_hour(at.time())} on.",
            details={"earliest_at": begun_from},
        )
    return begun_from


async def _step(
    tx: Tx,
    booking: Booking,
    assignment: Assignment,
    step: str,
    *,
    at: datetime | None = None,
    estimated_arrival: datetime | None = None,
) -> None:
    row = lifecycle.ASSIGNMENT[step]
    moved = await rows.step(
        tx.conn, assignment_id=assignment.id, target=row.target, sources=list(row.sources), at=at,
        estimated_arrival=estimated_arrival,
    )  # fmt: skip
    if not moved:
        raise lifecycle.wrong_state("assignment", assignment.state, step)
    tracked.moved(tx, booking, assignment.id, assignment.technician_id, row.target)


async def _tell(
    tx: Tx, booking: Booking, assignment: Assignment, step: str, actor: Actor, data: dict[str, object]
) -> None:
    await facts.record(tx, booking.id, STEP_FACTS[step], actor, data)
    facts.tell_party(
        tx, assignment.technician_id, "job.updated",
        {"booking_id": str(booking.id), "assignment_id": str(assignment.id), "state": step},
    )  # fmt: skip


async def _check_start_code(tx: Tx, booking: Booking, assignment: Assignment, given: str | None) -> None:
    if booking.start_code is None:
        return
    if assignment.start_code_tries >= START_CODE_TRIES:
        raise StartCodeLocked
    if hmac.compare_digest(booking.start_code.encode(), (given or "").encode()):
        return
    # Asking whether there is a code is no guess.
    if given and await rows.count_start_code(tx.conn, assignment_id=assignment.id) == START_CODE_TRIES:
        await alerts.raise_alert(
            tx, "start_code_locked",
            f"Booking {booking.number}: {START_CODE_TRIES} wrong start codes; it can no longer be started.",
            booking_id=booking.id, technician_id=assignment.technician_id,
        )  # fmt: skip
    raise WrongStartCode({"start_code": "Ask the customer for the code that their booking shows."})
