"""Online, offline, working hours, days off: what technicians say of themselves."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.engine import facts, offers
from dispatch.errors import Conflict, DispatchError, Invalid, Missing
from dispatch.events import Actor
from dispatch.live import hours
from dispatch.localtime import local
from dispatch.loops import Loop
from dispatch.services import Services, Tx
from storage import days_off as day_rows
from storage import offers as offer_rows
from storage import roster as rows
from storage.bookings import Booking
from storage.database.pool import Conn

log = logging.getLogger(__name__)

#: Those who have gone dark are looked for this often, in real seconds.
DARK_LOOK_S = 20.0
#: Days off are kept so far ahead.
FARTHEST_DAY_OFF = timedelta(days=366)


class JobsThen(Conflict):
    """You have accepted jobs on this day; give them back first."""

    code = "jobs_on_this_day"


@dataclass(frozen=True, slots=True)
class Shift:
    """The same hours on some ISO days, in minutes after midnight; an end that is not later is the next day's.
    `where` is its place in what was sent."""

    days: Sequence[int]
    start: int
    end: int
    breaks: Sequence[hours.Span] = ()
    where: str = ""


#: The position that comes with a presence is stamped here: this clock is right.
SERVER_CLOCK = "server"


async def set_available(
    tx: Tx,
    technician_id: UUID,
    is_available: bool,
    position: tuple[float, float] | None = None,
    *,
    by: Actor | None = None,
) -> datetime:
    """Goes online for offers, or offline; a position given with it counts as a ping. Returns the last-seen time.

    All phones and pages of the technician hear of a change, and who made it: `by`, else the technician.
    """
    said = await rows.set_available(tx.conn, technician_id=technician_id, is_available=is_available)
    if said is None:
        raise Missing("technician")
    if said.is_new:
        told = {"is_available": is_available, "by": by.kind if by is not None else "technician"}
        facts.tell_party(tx, technician_id, "presence.changed", told)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    if position is not None:
        services, at_ms = tx.services, int(tx.now.timestamp() * 1000)
        tx.after_commit(lambda: _ping(services.tracker.report, technician_id, at_ms, position))
    return said.seen_at


def _ping(report: Any, technician_id: UUID, at_ms: int, position: tuple[float, float]) -> None:
    # The answer is about the presence: a position that cannot be taken just now does not spoil it.
    with contextlib.suppress(DispatchError):
        report(technician_id, [(at_ms, *position)], sent_at_ms=at_ms, device=SERVER_CLOCK)


async def put_out_the_dark(services: Services) -> int:
    """Whoever gave no sign of life for long (a dead phone, no network) is not available, whatever they last said;
    their next position brings them back. Returns how many went dark."""
    async with services.transaction() as tx:
        gone = await rows.gone_dark(tx.conn, dark_s=services.settings.dispatch.presence_dark_s)
        for one in gone:
            tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(one.id)})
    return len(gone)


def loop_of(services: Services) -> Loop:
    """Looks for those who have gone dark; after a start they have a while to report first."""

    async def look() -> None:
        await put_out_the_dark(services)

    return Loop("dark technicians", look, every_s=DARK_LOOK_S, after_s=DARK_LOOK_S)


async def set_working_hours(tx: Tx, technician_id: UUID, shifts: Sequence[Shift]) -> dict[str, Any]:
    """Keeps the hours of each weekday, by the clocks of the place, in the form that clients read. Raises Invalid."""
    problems: dict[str, str] = {}
    week: list[list[hours.Span]] = [[] for _ in range(7)]
    for shift in shifts:
        for day in shift.days:
            week[day - 1].extend(_spans(shift, problems))
    if not problems and not any(week):
        problems["working_hours.days"] = "Name at least one day, 1 (Monday) to 7 (Sunday)."
    if problems:
        raise Invalid(problems)
    kept = hours.stored(week)
    if not await rows.set_working_hours(tx.conn, technician_id=technician_id, working_hours=kept):
        raise Missing("technician")
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})
    return kept


def _spans(shift: Shift, problems: dict[str, str]) -> Sequence[hours.Span]:
    """The stretches of work of one shift, less its breaks; what is wrong with it goes to `problems`."""
    where = f"working_hours{shift.where}"
    if shift.start == shift.end or (shift.start, shift.end) == (hours.DAY, 0):
        problems[f"{where}.end"] = "This must differ from the start; around the clock is from 00:00 to 24:00."
        return ()
    whole = hours.span_of(shift.start, shift.end)
    breaks = [hours.within(whole, start, end) if start != end else None for start, end in shift.breaks]
    for n, found in enumerate(breaks):
        if found is None:
            problems[f"{where}.breaks.{n}"] = "A break begins and ends within the hours."
    left = hours.without(whole, [found for found in breaks if found is not None])
    if not left:
        problems[f"{where}.breaks"] = "The breaks leave no time to work."
    return left


async def days_off(conn: Conn, services: Services, technician_id: UUID) -> list[date]:
    """The days on which the technician does not work, from today on."""
    today = local(services.clock.now(), _timezone(services, technician_id)).date()
    return [row.day for row in await day_rows.page(conn, technician_id=technician_id, from_day=today)]


async def take_off(tx: Tx, technician_id: UUID, day: date) -> None:
    """No offers for a day: the shifts that begin on it fall away, and what is offered then goes to somebody else.
    Repeating changes nothing.

    Raises Invalid (a day that is over, or too far ahead) and JobsThen, which lists the accepted jobs of that day.
    """
    today = local(tx.now, _timezone(tx.services, technician_id)).date()
    if not today <= day <= today + FARTHEST_DAY_OFF:
        raise Invalid({"date": "This is a day from today on, at most a year ahead."})
    offered, person = await _lock(tx, technician_id)
    week = hours.hours_of(person.working_hours)

    def is_hit(job: day_rows.JobThen | Booking) -> bool:
        return day in week.days_of(local(job.starts_at, job.timezone), local(job.ends_at, job.timezone))

    jobs = await day_rows.jobs_around(tx.conn, technician_id=technician_id, day=day)
    if hit := [job for job in jobs if is_hit(job)]:
        raise JobsThen(details={"jobs": [_then(job) for job in hit]})
    await day_rows.add(tx.conn, technician_id=technician_id, day=day)
    for booking in offered:
        if is_hit(booking):
            await offers.take_back(tx, booking, [technician_id], "the technician takes the day off")
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})


class _Behind(Exception):
    """Something was offered while the technician's row was waited for."""


async def _lock(tx: Tx, technician_id: UUID) -> tuple[list[Booking], day_rows.Locked]:
    """The bookings that a technician is asked for, and then their own row. Raises Missing.

    Bookings are locked before people: where an offer came while the row was waited for, all is let go and locked anew.
    """
    while True:
        with contextlib.suppress(_Behind):
            async with tx.savepoint():
                held = await offer_rows.held_by(tx.conn, ids=[technician_id])
                offered = [await offers.lock(tx, row.booking_id) for row in held]
                person = await day_rows.lock(tx.conn, technician_id=technician_id)
                if person is None:
                    raise Missing("technician")
                if not set(await offer_rows.held_by(tx.conn, ids=[technician_id])) <= set(held):
                    raise _Behind
                return offered, person


async def work_again(tx: Tx, technician_id: UUID, day: date) -> None:
    """The day is worked after all. Repeating changes nothing."""
    if await day_rows.lock(tx.conn, technician_id=technician_id) is None:
        raise Missing("technician")
    await day_rows.remove(tx.conn, technician_id=technician_id, day=day)
    tx.hint(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})


def _timezone(services: Services, technician_id: UUID) -> str:
    """The clocks that the technician lives by: those of their zone."""
    person = services.roster.find(technician_id)
    zone = services.zones.find(person.zone_id) if person is not None and person.zone_id is not None else None
    return zone.timezone if zone is not None else services.settings.timezone


def _then(job: day_rows.JobThen) -> dict[str, Any]:
    return {"booking_id": str(job.id), "booking_number": job.number, "starts_at": job.starts_at}
