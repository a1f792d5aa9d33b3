"""On which days money leaves by itself."""

from __future__ import annotations

from datetime import date

import pytest

from dispatch.billing.payout_days import Schedule

#: A Monday.
MONDAY = date(2026, 1, 5)


@pytest.mark.parametrize(("schedule", "today", "after", "latest"), [
    (Schedule("daily", None, MONDAY), MONDAY, date(2026, 1, 6), MONDAY),
    (Schedule("weekly", "friday", MONDAY), MONDAY, date(2026, 1, 9), date(2026, 1, 2)),
    (Schedule("weekly", "monday", MONDAY), MONDAY, date(2026, 1, 12), MONDAY),
    (Schedule("bi-weekly", None, MONDAY), date(2026, 1, 10), date(2026, 1, 23), date(2026, 1, 9)),
    (Schedule("bi-weekly", "monday", MONDAY), date(2026, 1, 12), date(2026, 1, 19), MONDAY),
    (Schedule("monthly", "28", MONDAY), date(2026, 2, 28), date(2026, 3, 28), date(2026, 2, 28)),
    (Schedule("monthly", None, MONDAY), date(2026, 1, 31), date(2026, 2, 1), date(2026, 1, 1)),
])  # fmt: skip
def test_paydays(schedule: Schedule, today: date, after: date, latest: date) -> None:
    assert schedule.next_after(today) == after
    assert schedule.latest(today) == latest
