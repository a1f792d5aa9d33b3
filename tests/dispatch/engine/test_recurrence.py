"""Days on which something happens again: real dates, none invented."""

from __future__ import annotations

from datetime import date, time

import pytest

from dispatch.engine.recurrence import Rule, dates

AT = (time(18),)


def test_the_worked_example_has_150_days() -> None:
    rule = Rule("weekly", date(2026, 1, 15), date(2026, 12, 31), AT, ("monday", "wednesday", "friday"))
    found = dates(rule)
    assert (len(found), found[0], found[-1]) == (150, date(2026, 1, 16), date(2026, 12, 30))
    without = frozenset({date(2026, 1, 26), date(2026, 1, 27)})
    assert len(dates(Rule(rule.frequency, rule.start, rule.end, AT, rule.days, without))) == 149


@pytest.mark.parametrize(
    ("frequency", "days", "found"),
    [
        ("once", (), ["2026-01-31"]),
        ("daily", ("saturday", "sunday"), ["2026-01-31", "2026-02-01", "2026-02-07", "2026-02-08", "2026-02-14"]),
        ("weekly", (), ["2026-01-31", "2026-02-07", "2026-02-14"]),
        # The week of the start counts as the first; weeks begin on Monday.
        ("biweekly", ("sunday", "monday"), ["2026-02-01", "2026-02-09"]),
        # A month without a 31st is left out.
        ("monthly", (), ["2026-01-31"]),
    ],
)
def test_each_frequency(frequency: str, days: tuple[str, ...], found: list[str]) -> None:
    rule = Rule(frequency, date(2026, 1, 31), date(2026, 2, 14), AT, days)
    assert [day.isoformat() for day in dates(rule)] == found


def test_a_leap_day_counts() -> None:
    assert len(dates(Rule("daily", date(2028, 2, 1), date(2028, 2, 29), AT))) == 29
