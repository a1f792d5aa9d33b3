"""When somebody works: spans of each weekday, over midnight too, less days off; by the clocks of the place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

#: Minutes of a day; a span may run past it into the next.
DAY = 24 * 60
_FACE = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d(?:\.\d{1,6})?)?")

#: Minutes after a day's midnight, from and to.
Span = tuple[int, int]


class Stretch(NamedTuple):
    """A job on the clocks of its place: the day on which it starts, and both ends in minutes after its midnight."""

    day: date
    begins: float
    ends: float


def stretch_of(start: datetime, end: datetime) -> Stretch:
    """A job as hours are asked for it."""
    day, midnight = start.date(), datetime.combine(start.date(), time())
    return Stretch(
        day,
        (start.replace(tzinfo=None) - midnight) / timedelta(minutes=1),
        (end.replace(tzinfo=None) - midnight) / timedelta(minutes=1),
    )


@dataclass(frozen=True, slots=True)
class Hours:
    """Working hours. `week` has the spans that begin on each day, Monday first; a day off takes away the spans
    that begin on it, so who works until two in the night still ends the shift of the evening before."""

    week: tuple[tuple[Span, ...], ...]
    days_off: frozenset[date] = frozenset()

    def cover(self, start: datetime, end: datetime) -> bool:
        """Whether one stretch of work has room for a job, given as the clocks of its place show both ends."""
        return self.cover_stretch(stretch_of(start, end))

    def cover_stretch(self, job: Stretch) -> bool:
        """The same of a job for which many are asked."""
        day, begins, ends = job
        for first, last in self.on(day):
            if first <= begins < last and ends <= last:
                return True
        # Spans that touch are one stretch: around the clock has no seam at midnight.
        reached: float | None = None
        for offset in range(-1, int(ends // DAY) + 1):
            for first, last in self.on(day + timedelta(days=offset)):
                if first + offset * DAY <= (begins if reached is None else reached) < last + offset * DAY:
                    reached = last + offset * DAY
        return reached is not None and reached >= ends

    def days_of(self, start: datetime, end: datetime) -> list[date]:
        """The days of which each, taken off, takes a job away: its first, and those whose shifts it needs."""
        near = [start.date() + timedelta(days=n) for n in range(-1, (end.date() - start.date()).days + 1)]
        is_covered = self.cover(start, end)
        return [
            day
            for day in near
            if day == start.date()
            or (is_covered and not replace(self, days_off=self.days_off | {day}).cover(start, end))
        ]

    def on(self, day: date) -> tuple[Span, ...]:
        """The spans that begin on a day."""
        return () if day in self.days_off else self.week[day.weekday()]

    @property
    def days(self) -> frozenset[int]:
        """The ISO days (Monday is 1) on which work begins."""
        return frozenset(n for n, spans in enumerate(self.week, start=1) if spans)


def minutes_of(text: str) -> int:
    """A clock face "08:00" as minutes after midnight; "24:00" is the end of the day. Raises ValueError."""
    found = _FACE.fullmatch(text.strip())
    minutes = int(found[1]) * 60 + int(found[2]) if found else DAY + 1
    if minutes > DAY:
        raise ValueError("Write a time as the clocks of the place show it, from 00:00 to 24:00.")
    return minutes


def face_of(minutes: int) -> str:
    """Minutes after midnight as a clock face; the end of a day is 24:00, and past it the next day's time."""
    shown = minutes if minutes <= DAY else minutes - DAY
    return f"{shown // 60:02d}:{shown % 60:02d}"


def span_of(start: int, end: int) -> Span:
    """From one clock face to the other, over midnight where the end is not later."""
    return (start, end if end > start else end + DAY)


def within(span: Span, start: int, end: int) -> Span | None:
    """A break of a shift, on its time line, which may have passed midnight; None when it does not lie in the shift."""
    first, last = span_of(start, end)
    if first < span[0]:
        first, last = first + DAY, last + DAY
    return (first, last) if span[0] <= first and last <= span[1] else None


def without(span: Span, breaks: Sequence[Span]) -> tuple[Span, ...]:
    """A span less its breaks, which lie in it."""
    left, begin = [], span[0]
    for first, last in sorted(breaks):
        if first > begin:
            left.append((begin, first))
        begin = max(begin, last)
    if begin < span[1]:
        left.append((begin, span[1]))
    return tuple(left)


def hours_of(raw: Mapping[str, Any], days_off: Iterable[date] = ()) -> Hours:
    """Hours from their stored form: {start, end, days}, the same on each of the ISO days, and where they are not so
    simple the spans beside it, as `weekly` [{day, start, end}]."""
    week: list[list[Span]] = [[] for _ in range(7)]
    spans = raw.get("weekly") or [{"day": day, "start": raw["start"], "end": raw["end"]} for day in raw["days"]]
    for one in spans:
        week[int(one["day"]) - 1].append(span_of(minutes_of(one["start"]), minutes_of(one["end"])))
    return Hours(tuple(tuple(sorted(day)) for day in week), frozenset(days_off))


def stored(week: Sequence[Sequence[Span]]) -> dict[str, Any]:
    """The stored form of spans by weekday, Monday first: always {start, end, days}, which simple clients read, and
    `weekly` beside it where that does not say it all."""
    # What is left of a night after a break begins on the next day.
    spans = sorted(
        (day % 7 + 1, (span[0] - DAY, span[1] - DAY)) if span[0] >= DAY else (day, span)
        for day, spans in enumerate(week, start=1)
        for span in spans
    )
    days = sorted({day for day, _ in spans})
    start, end = min(span[0] for _, span in spans), max(span[1] for _, span in spans)
    simple = {"start": face_of(start), "end": face_of(end), "days": days}
    if len(spans) == len(days) and all(span == (start, end) for _, span in spans):
        return simple
    return simple | {
        "weekly": [{"day": day, "start": face_of(first), "end": face_of(last)} for day, (first, last) in spans]
    }
