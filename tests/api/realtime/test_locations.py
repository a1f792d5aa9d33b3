"""The fast reader of location frames reads what the explaining one reads."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from api.realtime.events import LocationReport
from api.realtime.locations import LocationFrame, WholeFrame
from geo.filter import MAX_T_MS, Ping, read_ping, read_time_ms

decode = msgspec.json.Decoder(LocationFrame).decode
decode_whole = msgspec.json.Decoder(WholeFrame).decode


def both(payload: Any) -> tuple[bool, bool]:
    """Whether msgspec, and whether pydantic, admits the payload."""
    text = orjson.dumps(payload)
    try:
        fast: LocationFrame | None = decode(text)
    except msgspec.DecodeError:
        fast = None
    try:
        slow: LocationReport | None = LocationReport.model_validate(orjson.loads(text))
    except ValidationError:
        slow = None
    if fast is not None and slow is not None:
        assert [read_ping(row) for row in fast.fixes] == [read_ping(row) for row in slow.fixes]
        assert read_time_ms(fast.sent_at_ms) == read_time_ms(slow.sent_at_ms)
    return fast is not None, slow is not None


def whole(payload: Any) -> bool:
    """Whether the narrow reader takes it; then it has read what the wide one and the filter read."""
    text = orjson.dumps(payload)
    try:
        narrow = decode_whole(text)
    except msgspec.DecodeError:
        return False
    wide = decode(text)
    for ping, row in zip(narrow.fixes, wide.fixes, strict=True):
        assert read_ping(row) == (None if ping.lat == ping.lng == 0.0 else ping)
        assert type(ping) is Ping and all(value is None or type(value) is float for value in ping)
    assert read_time_ms(wide.sent_at_ms) == narrow.sent_at_ms
    return True


GOOD: list[Any] = [1_760_000_000_000, 12.97, 77.59, 8.0, None, 90]


def changed(place: int, value: Any) -> dict[str, Any]:
    row = list(GOOD)
    row[place] = value
    return {"fixes": [row]}


@pytest.mark.parametrize(
    "payload",
    [
        {"fixes": [GOOD]},
        {"fixes": [GOOD] * 50},
        {"fixes": [GOOD], "sent_at_ms": 1_760_000_000_123},
        {"fixes": [GOOD], "sent_at_ms": "soon"},
        changed(3, -1),
        changed(4, 1850),
        changed(5, None),
        changed(1, "12"),
        changed(0, 1.5),
        {"fixes": [GOOD, [], GOOD[:3], [*GOOD, 1]]},
    ],
)
def test_admitted(payload: Any) -> None:
    assert both(payload) == (True, True)


@pytest.mark.parametrize(
    "payload",
    [{}, [], {"fixes": []}, {"fixes": [GOOD] * 51}, {"fixes": [GOOD], "more": 1}, {"fixes": GOOD[0]}, {"fixes": None}],
)
def test_refused(payload: Any) -> None:
    assert both(payload) == (False, False)


@pytest.mark.parametrize("row", [None, {"lat": 1}, "abc", [[1], 2, 3], [1, 2, {}]])
def test_rows_that_are_no_lists_of_values_take_the_long_way(row: Any) -> None:
    """There each is judged by itself too: the good ones beside it are taken."""
    assert both({"fixes": [GOOD, row]}) == (False, True)


@pytest.mark.parametrize(
    ("payload", "is_whole"),
    [
        ({"fixes": [GOOD] * 50, "sent_at_ms": 1_760_000_000_123}, True),
        ({"fixes": [[MAX_T_MS, -90, 180, 0, 1000, 360.0], [0, 90, -180]], "sent_at_ms": None}, True),
        ({"fixes": [[1, 0, 0, 5, 1, 1]]}, True),
        ({"fixes": [GOOD] * 51}, False),
        ({"fixes": []}, False),
        ({"fixes": [GOOD, [*GOOD, 1]]}, False),
        ({"fixes": [GOOD], "sent_at_ms": -1}, False),
        ({"fixes": [GOOD], "more": 1}, False),
        *((changed(place, bad), False) for place in range(6) for bad in (-181, 4.2e12, "12", True, [])),
        *((changed(place, None), False) for place in range(3)),
    ],
)
def test_what_the_narrow_reader_takes_needs_no_second_look(payload: Any, is_whole: bool) -> None:
    assert whole(payload) is is_whole


scalar = st.one_of(st.integers(-(10**6), 10**13), st.floats(-400, 400), st.none(), st.booleans(), st.text(max_size=3))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(scalar, min_size=0, max_size=8))
def test_they_read_the_same_in_any_row(row: list[Any]) -> None:
    assert both({"fixes": [row]}) == (True, True)
    whole({"fixes": [row]})
