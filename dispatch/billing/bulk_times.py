"""Times of a bulk booking: the days of its visits, those on which a school works, and when the first may be."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from dispatch.engine import recurrence
from dispatch.engine.recurrence import Rule
from dispatch.errors import Invalid
from dispatch.localtime import local, to_utc
from dispatch.parties import academic_terms, programs
from dispatch.parties.members import By
from dispatch.services import Services
from dispatch.wording import counted

#: One request makes at most so many visits.
MAX_VISITS = 5000
#: How far ahead a series may reach.
MAX_DAYS = 731


async def by_terms(services: Services, by: By, rule: Rule, academic_year: str | None) -> Rule:
    """The same without the days on which a school does not work. Raises Invalid where it has told no such terms."""
    if academic_year is None:
        return rule
    async with services.read() as conn:
        terms = await academic_terms.of_year(conn, by.organisation_id, academic_year)
    if not terms:
        raise Invalid({"schedule.academicYear": "There are no terms of this year: add them first."})
    end = min(rule.end, rule.start + timedelta(days=MAX_DAYS))
    return replace(rule, without=rule.without | academic_terms.days_off(terms, rule.start, end))


async def check_start(
    services: Services, by: By, rule: Rule, first: date, timezone: str, program_id: UUID | None
) -> None:
    """Raises Invalid where the first visit has passed, or is sooner than anything that is booked may be."""
    now = services.clock.now()
    if first < local(now, timezone).date():
        raise Invalid({"schedule.startDate": "The first visit lies in the past."})
    starts_at = to_utc(first, min(rule.times), timezone)
    if starts_at <= now:
        raise Invalid({"schedule.time": "The first visit lies in the past: choose a later time or a later day."})
    lead_s = services.settings.dispatch.lead_s
    if starts_at >= now + timedelta(seconds=lead_s):
        return
    async with services.read() as conn:
        is_urgent = await programs.is_urgent(conn, by.organisation_id, program_id)
    if not is_urgent:
        minutes = counted(math.ceil(lead_s / 60), "minute")
        raise Invalid({"schedule.time": f"The first visit starts at least {minutes} from now: choose a later time."})


def days(rule: Rule, places: int) -> list[date]:
    """The days of the visits, at so many places. Raises Invalid."""
    if rule.end < rule.start:
        raise Invalid({"schedule.endDate": "The end lies before the start."})
    if (rule.end - rule.start).days > MAX_DAYS:
        raise Invalid({"schedule.endDate": "A series lasts at most two years."})
    found = recurrence.dates(rule)
    if not found:
        raise Invalid({"schedule.days": "Between these dates there is no such day."})
    if len(found) * len(rule.times) * places > MAX_VISITS:
        raise Invalid({"schedule.endDate": f"This would be more than {MAX_VISITS} visits: book a shorter time."})
    return found
