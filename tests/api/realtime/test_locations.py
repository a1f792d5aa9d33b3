"""The fast reader of location frames admits exactly what the explaining one admits."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from api.realtime.events import LocationReport
from api.realtime.locations import LocationFrame

decode = msgspec.json.Decoder(LocationFrame).decode


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
        assert list(fast.fixes) == list(slow.fixes)
    return fast is not None, slow is not None


GOOD: list[Any] = [1_760_000_000_000, 12.97, 77.59, 8.0, None, 90]


def changed(place: int, value: Any) -> dict[str, Any]:
    row = list(GOOD)
    row[place] = value
    return {"fixes": [row]}


@pytest.mark.parametrize(
    "payload", [{"fixes": [GOOD]}, {"fixes": [GOOD] * 50}, changed(4, 3), changed(5, None)]
)
def test_admitted(payload: Any) -> None:
    assert both(payload) == (True, True)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"fixes": []},
        {"fixes": [GOOD] * 51},
        {"fixes": [GOOD], "more": 1},
        {"fixes": [GOOD[:5]]},
        {"fixes": [[*GOOD, 1]]},
        changed(0, 1.5),
        changed(0, -1),
        changed(0, 10**13),
        changed(1, 90.1),
        changed(1, "12"),
        changed(1, None),
        changed(1, True),
        changed(2, -180.5),
        changed(3, -1),
        changed(4, -0.1),
        changed(4, "3"),
        changed(5, 361),
    ],
)
def test_refused(payload: Any) -> None:
    assert both(payload) == (False, False)


scalar = st.one_of(
    st.integers(-(10**6), 10**13), st.floats(-400, 400), st.none(), st.booleans(), st.text(max_size=3)
)


@given(st.lists(scalar, min_size=5, max_size=7))
def test_they_agree_on_any_row(row: list[Any]) -> None:
    fast, slow = both({"fixes": [row]})
    assert fast is slow
