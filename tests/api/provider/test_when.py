"""A day or a moment, however it is written, and the span that two of them make by the provider's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from api.provider.when import When, after, day, moment, span
from dispatch.errors import Invalid

WHEN: TypeAdapter[Any] = TypeAdapter(When)
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LAGOS = "Africa/Lagos"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31", date(2026, 1, 31)), (" 2026-01-31 ", date(2026, 1, 31)), ("2026-01-31T12:00:00Z", NOON),
        ("2026-01-31T12:00:00", NOON), ("2026-01-31T17:30:00+05:30", NOON), (NOON.timestamp(), NOON),
        (str(int(NOON.timestamp())), NOON), (int(NOON.timestamp() * 1000), NOON),
    ],
)  # fmt: skip
def test_each_way_of_writing_it(written: Any, meant: date | datetime) -> None:
    assert WHEN.validate_python(written) == meant


@pytest.mark.parametrize(
    "written",
    ["", "soon", "2026-02-30", "31/01/2026", "1e5", "-1", True, None, [], "9" * 400, "1999-12-31", "2101-01-01", "nan"],
)
def test_what_is_no_day_and_no_moment(written: Any) -> None:
    with pytest.raises(ValidationError):
        WHEN.validate_python(written)


def test_a_day_begins_and_ends_by_the_local_clock() -> None:
    first = date(2026, 1, 31)
    assert moment(first, LAGOS) == datetime(2026, 1, 30, 23, tzinfo=UTC)
    assert after(first, LAGOS) == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert day(datetime(2026, 1, 30, 23, tzinfo=UTC), LAGOS) == first
    assert (moment(NOON, LAGOS), after(NOON, LAGOS)) == (NOON, NOON + timedelta(microseconds=1))


def test_a_span_has_its_ends_the_right_way_round() -> None:
    assert span(None, None, LAGOS) == (None, None)
    start, end = span(date(2026, 1, 31), date(2026, 1, 31), LAGOS)
    assert start is not None and end is not None and end - start == timedelta(days=1)
    with pytest.raises(Invalid) as refused:
        span(date(2026, 2, 1), date(2026, 1, 31), LAGOS)
    assert list(refused.value.details) == ["endDate"]
