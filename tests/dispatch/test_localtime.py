"""Clock faces: skipped hours move forward, doubled ones are the first, both notations are read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.localtime import local, parse_time, to_utc, twelve_hour, zone


def test_an_ordinary_time() -> None:
    assert to_utc(date(2026, 1, 20), time(10, 0), "Asia/Kolkata") == datetime(2026, 1, 20, 4, 30, tzinfo=UTC)


def test_a_time_that_does_not_exist_moves_forward() -> None:
    # On 29 March 2026 clocks in Lisbon go from 01:00 to 02:00.
    moment = to_utc(date(2026, 3, 29), time(1, 30), "Europe/Lisbon")
    assert local(moment, "Europe/Lisbon").time() == time(2, 30)


def test_a_doubled_time_is_the_first() -> None:
    # On 25 October 2026 clocks in Lisbon show 01:30 twice, first in summer time (UTC+1).
    assert to_utc(date(2026, 10, 25), time(1, 30), "Europe/Lisbon") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10:00 AM", time(10)), ("12:00 AM", time(0)), ("12:30 pm", time(12, 30)), ("08:30PM", time(20, 30)),
        ("9 am", time(9)), ("10:00", time(10)), ("23:59:59", time(23, 59, 59)), (" 7:05 ", time(7, 5)),
    ],
)  # fmt: skip
def test_both_notations_are_read(text: str, expected: time) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "25:00", "13:00 PM", "0:00 AM", "10:60", "ten", "10", "10:00 XM", "1O:00"])
def test_what_is_not_a_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a time"):
        parse_time(text)


@given(st.times().map(lambda t: t.replace(second=0, microsecond=0)))
def test_twelve_hours_say_the_same_time(at: time) -> None:
    assert parse_time(twelve_hour(at)) == at


def test_slots_look_as_in_the_contract() -> None:
    assert [twelve_hour(time(8)), twelve_hour(time(12)), twelve_hour(time(19, 30))] == [
        "08:00 AM",
        "12:00 PM",
        "07:30 PM",
    ]


def test_an_unknown_zone_is_named() -> None:
    with pytest.raises(ValueError, match="Mars/Base"):
        zone("Mars/Base")
