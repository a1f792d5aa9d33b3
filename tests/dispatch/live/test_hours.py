"""Hours: a job is covered by one stretch of work or it is not, whatever the stretch is made of."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.live.hours import DAY, Hours, face_of, hours_of, minutes_of, span_of, stored, within, without
from dispatch.localtime import local

MONDAY = date(2026, 1, 5)
ALL = [1, 2, 3, 4, 5, 6, 7]


def at(text: str) -> datetime:
    """ "Mon 10:00" to "Sun 24:00" of one week."""
    name, face = text.split()
    day = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Mon2"].index(name)
    return datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=day, minutes=minutes_of(face))


def simple(start: str, end: str, days: list[int] = ALL, **more: Any) -> Hours:
    return hours_of({"start": start, "end": end, "days": days, **more})


@pytest.mark.parametrize(
    ("hours", "start", "end", "covered"),
    [
        (simple("08:00", "20:00"), "Mon 08:00", "Mon 20:00", True),
        (simple("08:00", "20:00"), "Mon 07:59", "Mon 09:00", False),
        (simple("08:00", "20:00"), "Mon 19:30", "Mon 20:01", False),
        (simple("08:00", "20:00", [2]), "Mon 10:00", "Mon 11:00", False),
        (simple("08:00", "20:00"), "Mon 19:00", "Tue 09:00", False),
        (simple("18:00", "02:00", [5]), "Fri 18:00", "Sat 02:00", True),
        (simple("18:00", "02:00", [5]), "Sat 00:30", "Sat 01:30", True),
        (simple("18:00", "02:00", [5]), "Sat 01:30", "Sat 02:30", False),
        (simple("18:00", "02:00", [5]), "Sat 18:00", "Sat 19:00", False),
        (simple("18:00", "02:00", [5]), "Fri 00:30", "Fri 01:30", False),
        (simple("18:00", "02:00", [7]), "Mon2 00:30", "Mon2 01:30", True),
        (simple("08:00", "24:00", [1]), "Mon 23:00", "Mon 24:00", True),
        (simple("08:00", "24:00", [1]), "Mon 23:30", "Tue 00:30", False),
        (simple("00:00", "24:00"), "Mon 22:00", "Tue 06:00", True),
        (simple("00:00", "24:00", [1, 3]), "Mon 22:00", "Tue 06:00", False),
        (simple("00:00", "24:00"), "Mon 22:00", "Thu 06:00", True),
    ],
)
def test_cover(hours: Hours, start: str, end: str, covered: bool) -> None:
    assert hours.cover(at(start), at(end)) is covered


def test_breaks_and_each_weekdays_own_hours() -> None:
    weekly = [
        {"day": 1, "start": "08:00", "end": "12:00"}, {"day": 1, "start": "13:00", "end": "20:00"},
        {"day": 6, "start": "10:00", "end": "14:00"},
    ]  # fmt: skip
    hours = simple("08:00", "20:00", weekly=weekly)
    assert hours.days == {1, 6}
    assert hours.cover(at("Mon 11:00"), at("Mon 12:00"))
    assert not hours.cover(at("Mon 11:30"), at("Mon 13:30"))
    assert hours.cover(at("Mon 13:00"), at("Mon 14:00"))
    assert not hours.cover(at("Tue 10:00"), at("Tue 11:00"))
    assert not hours.cover(at("Sat 09:30"), at("Sat 10:30"))


def test_a_day_off_takes_the_shifts_that_begin_on_it() -> None:
    hours = hours_of({"start": "18:00", "end": "02:00", "days": ALL}, [date(2026, 1, 6)])
    assert hours.cover(at("Tue 00:30"), at("Tue 01:30")), "the night of the day before is still worked"
    assert not hours.cover(at("Tue 19:00"), at("Tue 20:00"))
    assert not hours.cover(at("Wed 00:30"), at("Wed 01:30")), "the night that would have begun on it is not"
    assert hours.cover(at("Wed 18:00"), at("Wed 19:00"))
    around = hours_of({"start": "00:00", "end": "24:00", "days": ALL}, [date(2026, 1, 6)])
    assert not around.cover(at("Mon 23:30"), at("Tue 00:30"))


def test_the_days_that_a_job_needs() -> None:
    """Its first, and those without whose shifts there is no room for it."""

    def needed(hours: Hours, begins: datetime, minutes: int) -> list[int]:
        return [day.day for day in hours.days_of(begins, begins + timedelta(minutes=minutes))]

    nights = hours_of({"start": "18:00", "end": "02:00", "days": ALL})
    assert needed(nights, datetime(2026, 1, 6, 20, tzinfo=UTC), 60) == [6]
    assert needed(nights, datetime(2026, 1, 7, 0, 30, tzinfo=UTC), 60) == [6, 7]
    around = hours_of({"start": "00:00", "end": "24:00", "days": ALL})
    assert needed(around, datetime(2026, 1, 6, 0, tzinfo=UTC), 60) == [6]
    assert needed(around, datetime(2026, 1, 6, 23, 30, tzinfo=UTC), 60) == [6, 7]
    # For what nobody works then there is nothing to need but the day itself.
    assert needed(nights, datetime(2026, 1, 6, 12, tzinfo=UTC), 60) == [6]


def test_clocks_that_change_in_a_shift() -> None:
    """Lisbon, 29 March: 01:00 is 02:00. Who works until four by the clock works until four by the clock."""
    hours = simple("22:00", "04:00")
    for hour, covered in ((0, True), (2, True), (3, False)):
        begin = local(datetime(2026, 3, 29, hour, tzinfo=UTC), "Europe/Lisbon")
        end = local(begin + timedelta(hours=1), "Europe/Lisbon")
        assert hours.cover(begin, end) is covered
    twice = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert hours.cover(local(twice, "Europe/Lisbon"), local(twice + timedelta(hours=1), "Europe/Lisbon"))


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("00:00", 0), ("8:05", 485), ("08:00:30", 480), ("23:59", 1439), ("24:00", DAY), (" 09:00 ", 540)],
)
def test_clock_faces(text: str, minutes: int) -> None:
    assert minutes_of(text) == minutes
    assert minutes_of(face_of(minutes)) == minutes


@pytest.mark.parametrize("text", ["24:01", "25:00", "nine", "", "09:00+05:30", "9", "09:60", "-1:00", "9 AM"])
def test_what_is_no_clock_face(text: str) -> None:
    with pytest.raises(ValueError, match="clocks of the place"):
        minutes_of(text)


def test_spans() -> None:
    assert span_of(480, 1200) == (480, 1200) and span_of(1080, 120) == (1080, 1560)
    assert within((480, 1200), 720, 780) == (720, 780)
    assert within((1080, 1560), 30, 60) == (1470, 1500)
    # A break may begin and end with the shift.
    assert within((480, 1200), 480, 500) == (480, 500) and within((480, 1200), 1140, 1200) == (1140, 1200)
    assert within((480, 1200), 1190, 1210) is None and within((480, 1200), 60, 120) is None
    assert without((480, 1200), [(720, 780)]) == ((480, 720), (780, 1200))
    assert without((480, 1200), [(480, 600), (590, 1200)]) == ()


def test_the_stored_form_is_the_simple_one_where_it_can_be() -> None:
    raw = {"start": "18:00", "end": "02:00", "days": [5, 6]}
    assert stored(hours_of(raw).week) == raw
    week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    week[0], week[4] = [(480, 720), (780, 1200)], [(1080, 1560)]
    kept = stored(week)
    assert (kept["start"], kept["end"], kept["days"]) == ("08:00", "02:00", [1, 5])
    assert hours_of(kept).week == tuple(tuple(day) for day in week)


spans = st.tuples(st.integers(0, DAY - 1), st.integers(1, DAY)).filter(lambda s: s[0] != s[1])


@given(st.lists(st.tuples(st.integers(1, 7), spans), min_size=1, max_size=10))
def test_what_is_stored_reads_the_same(given_: list[tuple[int, tuple[int, int]]]) -> None:
    week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for day, (start, end) in given_:
        week[day - 1].append(span_of(start, end))
    assert hours_of(stored(week)).week == tuple(tuple(sorted(day)) for day in week)


@given(st.lists(st.tuples(st.integers(1, 7), spans), max_size=6), st.integers(0, 7 * DAY), st.integers(1, DAY))
def test_cover_agrees_with_every_minute(given_: list[tuple[int, tuple[int, int]]], begins: int, length: int) -> None:
    week: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for day, (start, end) in given_:
        week[day - 1].append(span_of(start, end))
    hours = Hours(tuple(tuple(sorted(day)) for day in week))
    worked = {
        (day * DAY + minute) % (7 * DAY)
        for day, stretches in enumerate(week)
        for stretch in stretches
        for minute in range(*stretch)
    }
    start_at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=begins)
    expected = all((begins + n) % (7 * DAY) in worked for n in range(length))
    assert hours.cover(start_at, start_at + timedelta(minutes=length)) is expected
