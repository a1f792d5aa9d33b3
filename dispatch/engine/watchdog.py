"""Watches an accepted job until it starts: late, stalled, moving away, dark, not started; it warns, then reassigns."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from dispatch.engine import alerts, bookings, facts
from dispatch.events import SYSTEM
from dispatch.services import Tx
from geo import arrival
from geo.arrival import Best, Patience, Progress
from geo.geodesy import haversine_m
from storage import bookings as booking_rows
from storage import facts as fact_rows
from storage import offers as offer_rows
from storage.bookings import Booking
from storage.offers import Assignment

#: People know that it was not begun: it is looked at again after this share of its lateness: an hour in, 6 minutes.
RARER = 0.1


@dataclass(frozen=True, slots=True)
class Thresholds:
    """All in seconds of the domain's time; `bad_ticks` looks in a row make a warning (one bad fix does not)."""

    tick_s: float = 60.0
    late_grace_s: float = 600.0
    stalled_s: float = 600.0
    dark_s: float = 180.0
    bad_ticks: int = 2
    reassign_after_s: float = 600.0


@dataclass(frozen=True, slots=True)
class View:
    """What is known at a look. Times are unix s; distance in metres, None when nobody knows where they are, or where
    the door is."""

    now_s: float
    starts_at_s: float
    state: str
    distance_m: float | None
    fix_age_s: float | None
    eta_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """What the watchdog remembers of a job between two looks; kept on the booking's row.

    `warned`: what it has warned of since the arrival.
    """

    best_m: float | None = None
    best_at_s: float | None = None
    problem: str | None = None
    bad_ticks: int = 0
    warned_at_s: float | None = None
    warned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """What to do: nothing, warn (once per problem), or reassign; and what to remember."""

    action: str
    problem: str | None
    memory: Memory
    next_look_s: float


def assess(view: View, memory: Memory, t: Thresholds) -> Assessment:
    """Pure: one look at one job. A problem must be seen `bad_ticks` times before the warning, and last
    `reassign_after_s` after it before the job is taken away; a look without it clears everything."""
    if view.state == "arrived":
        return _assess_arrived(view, memory, t)
    leave_by_s = view.starts_at_s - view.eta_s
    if view.state == "accepted" and view.now_s < leave_by_s - t.late_grace_s:
        return Assessment("none", None, Memory(), leave_by_s - t.late_grace_s)
    best, progress = _look(view, memory, t)
    problem = _problem(view, progress, leave_by_s, t)
    if problem is None:
        return Assessment("none", None, Memory(best.distance_m, best.at_s), view.now_s + t.tick_s)
    if _is_kept(memory.problem, view.state) and problem != memory.problem:
        # That cost them nothing, however long it lasted.
        memory = Memory(best.distance_m, best.at_s)
    ticks = memory.bad_ticks + 1 if memory.problem is not None else 1
    warned_at_s = memory.warned_at_s
    action = "none"
    if warned_at_s is None and ticks >= t.bad_ticks:
        action, warned_at_s = "warn", view.now_s
    elif (
        warned_at_s is not None and view.now_s - warned_at_s >= t.reassign_after_s and not _is_kept(problem, view.state)
    ):
        action = "reassign"
    kept = Memory(best.distance_m, best.at_s, problem, ticks, warned_at_s)
    return Assessment(action, problem, kept, view.now_s + t.tick_s)


def _look(view: View, memory: Memory, t: Thresholds) -> tuple[Best, Progress]:
    fix_at_s = None if view.fix_age_s is None else view.now_s - view.fix_age_s
    patience = Patience(stalled_s=t.stalled_s, dark_s=t.dark_s)
    return arrival.look(Best(memory.best_m, memory.best_at_s), view.distance_m, fix_at_s, view.now_s, patience)


def _assess_arrived(view: View, memory: Memory, t: Thresholds) -> Assessment:
    """Who has arrived is only warned, once of each problem: not begun in time, gone away, dark. People decide, and once
    they know that it was not begun it is looked at the more rarely the longer that takes: some are never ended."""
    best, progress = _look(view, memory, t)
    problems = ["not_started"] if view.now_s > view.starts_at_s + t.late_grace_s else []
    if progress in (Progress.MOVING_AWAY, Progress.DARK):
        problems.append(str(progress))
    late_s = view.now_s - view.starts_at_s if "not_started" in memory.warned else 0.0
    next_look_s = view.now_s + max(t.tick_s, late_s * RARER)
    if not problems:
        return Assessment("none", None, Memory(best.distance_m, best.at_s, warned=memory.warned), next_look_s)
    new = next((p for p in problems if p not in memory.warned), None)
    ticks = memory.bad_ticks + 1 if new is not None and memory.problem == new else 1
    if new is None or ticks < t.bad_ticks:
        problem = new or problems[0]
        kept = Memory(best.distance_m, best.at_s, problem, ticks, memory.warned_at_s, memory.warned)
        return Assessment("none", problem, kept, next_look_s)
    kept = Memory(best.distance_m, best.at_s, new, 0, view.now_s, (*memory.warned, new))
    return Assessment("warn", new, kept, next_look_s)


def _problem(view: View, progress: Progress, leave_by_s: float, t: Thresholds) -> str | None:
    if progress is Progress.DARK:
        return "dark"
    if view.state == "accepted" or view.distance_m is None:
        # Not on the way yet: only not having left in time is wrong. Where the door is not known, not being there.
        return "late" if view.now_s > leave_by_s + t.late_grace_s else None
    return None if progress is Progress.PROGRESSING else str(progress)


def _is_kept(problem: str | None, state: str) -> bool:
    """Whether the job stays theirs however long this lasts: they have arrived, or are on the way to a door that is not
    known and may be there."""
    return state not in ("accepted", "in_transit") or (state, problem) == ("in_transit", "late")


# ---------------------------------------------------------------- acting on it


def thresholds(tx: Tx) -> Thresholds:
    w = tx.services.settings.dispatch.watch
    return Thresholds(w.tick_s, w.late_grace_s, w.stalled_s, w.dark_s, w.bad_ticks, w.reassign_after_s)


async def look(tx: Tx, booking: Booking) -> None:
    """One due look at a confirmed booking, whose lock the caller holds: remember, warn or reassign. Of one that was
    begun it is the last: nobody may have said that it is done, and until then nothing of it counts."""
    assignment = await offer_rows.assignment(tx.conn, booking_id=booking.id)
    assert assignment is not None, "a confirmed booking has an assignment"
    if booking.status == "in_progress":
        await booking_rows.unwatch(tx.conn, booking_id=booking.id)
        await warn(tx, booking, assignment, "not_finished")
        return
    memory = _remembered(booking)
    result = assess(view_of(tx, booking, assignment), memory, thresholds(tx))
    if result.action == "reassign":
        await reassign(tx, booking, assignment, result.problem or "late")
        return
    if result.action == "warn":
        await warn(tx, booking, assignment, result.problem or "late")
    elif memory.warned_at_s is not None and result.problem is None:
        await alerts.resolve(tx, bookings.WATCH_ALERTS, booking_id=booking.id)
    next_at = max(tx.now + timedelta(seconds=1), datetime.fromtimestamp(result.next_look_s, tx.now.tzinfo))
    await booking_rows.watch(tx.conn, booking_id=booking.id, watch=asdict(result.memory), next_at=next_at)


def _remembered(booking: Booking) -> Memory:
    kept = dict(booking.watch or {})
    return Memory(**{**kept, "warned": tuple(kept.get("warned", ()))})


def view_of(tx: Tx, booking: Booking, assignment: Assignment) -> View:
    """The job as the node that looks sees it: its positions are hints, the state is the database's. Where the door is
    not known, no distance says when they have to leave: late is who has not left at the start."""
    services = tx.services
    person = services.roster.find(assignment.technician_id)
    seen = services.tracker.find(person.no) if person else None
    fix = seen.sure if seen else None
    now_s = tx.now.timestamp()
    distance = haversine_m(fix.lat, fix.lng, booking.lat, booking.lng) if fix and not booking.is_approximate else None
    if booking.is_approximate:
        eta_s = 0.0
    elif distance is None and person is not None and person.base is not None:
        base_m = haversine_m(*person.base, booking.lat, booking.lng)
        eta_s = services.tracker.eta.estimate_m(base_m)
    else:
        eta_s = services.tracker.eta.estimate_m(distance or 0.0)
    return View(
        now_s, booking.starts_at.timestamp(), assignment.state, distance, now_s - fix.at_s if fix else None, eta_s
    )


#: What staff are told of a problem whose name does not say it.
_SAID = {
    "not_started": "has arrived and not begun",
    "not_finished": "began and has not said that it is done, so that nothing of it counts",
}


async def warn(tx: Tx, booking: Booking, assignment: Assignment, problem: str) -> None:
    """Tells the technician, the timeline and staff, once. After the arrival a silent phone is for staff alone: it lies
    in the van while its owner works."""
    said = _SAID.get(problem) or f"is {problem.replace('_', ' ')}"
    await alerts.raise_alert(
        tx, problem, f"Booking {booking.number}: the technician {said}.",
        booking_id=booking.id, technician_id=assignment.technician_id,
    )  # fmt: skip
    is_kept = _is_kept(problem, assignment.state)
    data: dict[str, Any] = {
        "problem": problem, "technician_id": str(assignment.technician_id), "is_kept": is_kept,
    }  # fmt: skip
    await facts.record(tx, booking.id, "watch.warned", SYSTEM, data)
    if problem == "dark":
        if is_kept:
            return
        await _tell_customer(tx, booking, assignment)
    facts.tell_party(
        tx, assignment.technician_id, "job.updated",
        {"booking_id": str(booking.id), "state": assignment.state, "warning": problem},
    )  # fmt: skip


async def _tell_customer(tx: Tx, booking: Booking, assignment: Assignment) -> None:
    """That the technician's phone is silent, once for an assignment."""
    told = {"assignment_id": str(assignment.id), "technician_id": str(assignment.technician_id)}
    if not await fact_rows.was_told(
        tx.conn, booking_id=booking.id, type="partner.dark", assignment_id=told["assignment_id"]
    ):
        await facts.record(tx, booking.id, "partner.dark", SYSTEM, told)


async def reassign(tx: Tx, booking: Booking, assignment: Assignment, problem: str) -> None:
    """Takes the job away and searches anew."""
    await bookings.reopen(tx, booking, assignment, SYSTEM, problem)
