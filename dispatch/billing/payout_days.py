"""On which days money is paid out by itself: pure arithmetic of local days."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

FREQUENCIES = ("daily", "weekly", "bi-weekly", "monthly")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DEFAULT_WEEKDAY, DEFAULT_MONTH_DAY = "friday", 1
#: A month has this day always.
LAST_MONTH_DAY = 28


@dataclass(frozen=True, slots=True)
class Schedule:
    """`day` is a weekday in lower case or a day of the month; bi-weekly counts its weeks from `since`."""

    frequency: str
    day: str | None
    since: date

    def is_payday(self, day: date) -> bool:
        if self.frequency == "daily":
            return True
        if self.frequency == "monthly":
            return day.day == self._month_day
        if day.weekday() != self._weekday:
            return False
        return self.frequency == "weekly" or (day - self._first).days // 7 % 2 == 0

    def next_after(self, day: date) -> date:
        """The first payday after `day`."""
        return self._walk(day, 1)

    def latest(self, today: date) -> date:
        """The last payday up to and including `today`."""
        return today if self.is_payday(today) else self._walk(today, -1)

    @property
    def _weekday(self) -> int:
        return WEEKDAYS.index(self.day if self.day in WEEKDAYS else DEFAULT_WEEKDAY)

    @property
    def _month_day(self) -> int:
        return min(int(self.day), LAST_MONTH_DAY) if self.day and self.day.isdecimal() else DEFAULT_MONTH_DAY

    @property
    def _first(self) -> date:
        """The first payday of a bi-weekly schedule."""
        return self.since + timedelta(days=(self._weekday - self.since.weekday()) % 7)

    def _walk(self, day: date, step: int) -> date:
        # No schedule has a longer gap than a month.
        for _ in range(calendar.monthrange(2000, 1)[1] + 1):
            day += timedelta(days=step)
            if self.is_payday(day):
                return day
        raise AssertionError("every schedule has a payday within a month")
