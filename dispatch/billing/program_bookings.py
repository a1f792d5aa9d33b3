"""Services of a program become a series of bookings: as often as the program says, at its places, from its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from dispatch.billing import bulk_bookings, program_places
from dispatch.billing.bulk_bookings import NewBulk
from dispatch.billing.bulk_places import Place
from dispatch.billing.bulk_times import MAX_DAYS
from dispatch.engine.recurrence import Rule
from dispatch.errors import Invalid
from dispatch.localtime import local
from dispatch.parties import academic_terms, organisations, programs
from dispatch.parties.members import By
from dispatch.parties.programs import ProgramClosed
from dispatch.services import Services
from dispatch.wording import counted
from storage.database.pool import Conn
from storage.program_places import ProgramPlace
from storage.programs import Program

#: How often a program's service is done -> by which rule, and how many times on each of its days.
FREQUENCIES: dict[str | None, tuple[str, int]] = {
    None: ("once", 1), "daily": ("daily", 1), "weekly": ("weekly", 1), "monthly": ("monthly", 1),
    **{f"{n}_times_daily": ("daily", n) for n in (2, 3, 4)},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewSeries:
    """`service` as the program names it, `service_id` what of the catalogue is done. No places: all of the program's.

    Unsaid, the days are from the first that may be booked to the program's end.
    """

    service: str
    service_id: UUID
    times: Sequence[time]
    days: Sequence[str] = ()
    start: date | None = None
    end: date | None = None
    places: Sequence[UUID] = ()
    requirements: Sequence[str] = ()


async def create(services: Services, by: By, program_id: UUID, new: NewSeries) -> UUID:
    """Books the series; returns the id of the bulk booking.

    Raises Missing, ProgramClosed, ProgramUsedUp, Invalid, and what bulk_bookings.create raises.
    """
    async with services.read() as conn:
        program = await programs.get(conn, by.organisation_id, program_id)
        home = await organisations.get(conn, by.organisation_id)
        is_urgent = await programs.is_urgent(conn, by.organisation_id, program_id)
        lead = timedelta(seconds=0 if is_urgent else services.settings.dispatch.lead_s)
        rule = await _rule(conn, program, new, local(services.clock.now() + lead, organisations.timezone_of(home)))
        known = await program_places.of_program(conn, by.organisation_id, program_id)
    shown = {"frequency": rule.frequency, "times": [f"{at:%H:%M}" for at in rule.times], "days": list(rule.days)}
    bulk = NewBulk(
        "one_time" if rule.frequency == "once" else "recurring", new.service_id, rule, _places(known, new.places),
        shown, requirements=new.requirements, program_id=program.id,
    )  # fmt: skip
    return await bulk_bookings.create(services, by, bulk)


async def _rule(conn: Conn, program: Program, new: NewSeries, soonest: datetime) -> Rule:
    """`soonest`: from when on may be booked, by the organisation's clocks."""
    if program.status != "active":
        raise ProgramClosed
    frequency, times_a_day = FREQUENCIES[_registered(program, new.service).get("frequency")]
    # Unsaid, a day whose first time is too near is not the first.
    is_late = soonest.time() >= min(new.times, default=time.min)
    start = new.start or max(soonest.date() + timedelta(days=is_late), program.starts_on)
    end = new.end or (start if frequency == "once" else program.ends_on)
    bad: dict[str, Any] = {}
    if len(set(new.times)) != times_a_day:
        bad["times"] = f"Name {counted(times_a_day, 'different time')}: so often a day this service is done."
    if start < program.starts_on:
        bad["startDate"] = f"The program begins on {program.starts_on.isoformat()}."
    if end > program.ends_on:
        bad["endDate"] = f"The program ends on {program.ends_on.isoformat()}."
    if bad:
        raise Invalid(bad)
    without: frozenset[date] = frozenset()
    if program.academic_year is not None:
        terms = await academic_terms.of_year(conn, program.organisation_id, program.academic_year)
        with_holidays = program.details.get("schedule", {}).get("holidays") == ["include"]
        last = min(end, start + timedelta(days=MAX_DAYS))
        without = academic_terms.days_off(terms, start, last, with_holidays=with_holidays)
    return Rule(frequency, start, end, tuple(sorted(new.times)), tuple(new.days), without)


def _registered(program: Program, name: str) -> dict[str, Any]:
    """What the program says of its service. Raises Invalid."""
    for one in program.details.get("services", []):
        said = one if isinstance(one, dict) else {"service": one}
        if said["service"] == name:
            return said
    raise Invalid({"service": "The program has no service of this name."})


def _places(known: Sequence[ProgramPlace], wanted: Sequence[UUID]) -> list[Place]:
    if unknown := set(wanted) - {one.id for one in known}:
        raise Invalid({"places": f"The program has no place {min(str(one) for one in unknown)}."})
    chosen = [one for one in known if not wanted or one.id in wanted]
    if not chosen:
        raise Invalid({"places": "The program has no places yet: register one first."})
    return [Place(**one.place) for one in chosen]
