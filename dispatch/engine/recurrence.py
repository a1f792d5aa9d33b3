"""On which days something happens again: pure, by the calendar of the place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta

#: Monday first, as the calendar counts them.
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Rule:
    """`days` are names of weekdays (none: every day, or the weekday of `start`); both ends are included.

    `without` are days that fall away: holidays and exceptions. `times` are clock faces, at least one.
    """

    frequency: str
    start: date
    end: date
    times: tuple[time, ...]
    days: tuple[str, ...] = ()
    without: frozenset[date] = frozenset()


def dates(rule: Rule) -> list[date]:
    """The days on which it happens, in order. Real dates are counted, never weeks times days (C7).

    A monthly rule falls on the day of `start`; a month that lacks that day is left out.
    """
    if rule.frequency == "once":
        found = [rule.start]
    elif rule.frequency == "monthly":
        found = [day for day in _all(rule) if day.day == rule.start.day]
    else:
        wanted = _weekdays(rule)
        found = [day for day in _all(rule) if day.weekday() in wanted and _is_turn(rule, day)]
    return [day for day in found if day not in rule.without]


def _all(rule: Rule) -> Sequence[date]:
    return [rule.start + timedelta(days=n) for n in range((rule.end - rule.start).days + 1)]


def _weekdays(rule: Rule) -> Collection[int]:
    if rule.days:
        return {WEEKDAYS.index(day) for day in rule.days}
    return range(7) if rule.frequency == "daily" else {rule.start.weekday()}


def _is_turn(rule: Rule, day: date) -> bool:
    """Of every second week: the week of `start` counts as the first, and weeks begin on Monday."""
    if rule.frequency != "biweekly":
        return True
    monday = rule.start - timedelta(days=rule.start.weekday())
    return (day - monday).days // 7 % 2 == 0
