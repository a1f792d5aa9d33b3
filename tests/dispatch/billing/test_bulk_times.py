"""The days of a bulk booking: each that cannot be is refused by the name of its field."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest

from dispatch.billing import bulk_times
from dispatch.billing.bulk_times import MAX_DAYS, MAX_VISITS
from dispatch.engine.recurrence import Rule
from dispatch.errors import Invalid

MONDAY = date(2026, 1, 5)
TEN = (time(10),)


def test_the_days_without_those_that_fall_away() -> None:
    rule = Rule("daily", MONDAY, MONDAY + timedelta(days=3), TEN, without=frozenset({MONDAY}))
    assert bulk_times.days(rule, 1) == [MONDAY + timedelta(days=n) for n in (1, 2, 3)]


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (Rule("daily", MONDAY, MONDAY - timedelta(days=1), TEN), "schedule.endDate"),
        (Rule("weekly", MONDAY, MONDAY + timedelta(days=MAX_DAYS + 1), TEN), "schedule.endDate"),
        (Rule("weekly", MONDAY, MONDAY + timedelta(days=3), TEN, ("sunday",)), "schedule.days"),
    ],
)
def test_what_cannot_be_is_refused(rule: Rule, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        bulk_times.days(rule, 1)
    assert list(refused.value.fields) == [field]


def test_visits_are_counted_over_days_times_and_places() -> None:
    rule = Rule("daily", MONDAY, MONDAY + timedelta(days=99), (time(10), time(15)))
    most = MAX_VISITS // (100 * 2)
    assert len(bulk_times.days(rule, most)) == 100
    with pytest.raises(Invalid):
        bulk_times.days(rule, most + 1)
