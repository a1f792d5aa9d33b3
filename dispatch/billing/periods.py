"""Spans of local days that are compared: this day, week, month or year with the one before. Pure arithmetic."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

KINDS = ("daily", "weekly", "monthly", "yearly")
#: A longer span is drawn by months.
MOST_DAYS = 92


@dataclass(frozen=True, slots=True)
class Span:
    """Both days belong to it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Compared:
    """A span and the one before it: the calendar's, or of a span that somebody chose as many days."""

    kind: str
    this: Span
    before: Span


def compared(kind: str, today: date, first: date | None = None, last: date | None = None) -> Compared:
    """The calendar's span around today; with ends that were chosen the span between them.

    One end alone takes the other from today, or from the beginning of its own calendar span. Raises ValueError for a
    span that ends before it begins.
    """
    if first is None and last is None:
        this = _around(kind, today)
        return Compared(kind, this, _around(kind, this.first - timedelta(days=1)))
    last = last or max(today, first or today)
    first = first or _around(kind, last).first
    if last < first:
        raise ValueError("ends before it begins")
    this = Span(first, last)
    return Compared(kind, this, Span(first - timedelta(days=this.days), first - timedelta(days=1)))


def _around(kind: str, day: date) -> Span:
    if kind == "daily":
        return Span(day, day)
    if kind == "weekly":
        monday = day - timedelta(days=day.weekday())
        return Span(monday, monday + timedelta(days=6))
    if kind == "monthly":
        return Span(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))
    return Span(date(day.year, 1, 1), date(day.year, 12, 31))


def buckets(span: Span, *, by_month: bool) -> list[Span]:
    """The points of a chart: days, or months whose ends are cut off by the span's."""
    if not by_month:
        return [Span(day, day) for day in (span.first + timedelta(days=n) for n in range(span.days))]
    found, day = [], span.first
    while day <= span.last:
        end = min(day.replace(day=calendar.monthrange(day.year, day.month)[1]), span.last)
        found.append(Span(day, end))
        day = end + timedelta(days=1)
    return found


def change_pct(now: int, before: int) -> float:
    """By how many per cent more than before; of nothing, anything is 100 per cent more."""
    if before == 0:
        return 0.0 if now == 0 else 100.0
    return round((now - before) * 100 / abs(before), 2)


def trend(now: int, before: int) -> str:
    return "up" if now > before else "down" if now < before else "stable"
