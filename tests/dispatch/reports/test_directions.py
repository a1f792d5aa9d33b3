"""Lines that are read from right to left, or both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports.directions import in_sight, levels


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Pune 411001", "Pune 411001"),
        ("", ""),
        ("אבג", "גבא"),
        # A number is read from left to right wherever it stands, its sign and its parts beside it.
        ("אב 12,500.50 ג", "ג 12,500.50 בא"),
        ("סה 25%", "25% הס"),
        ("עלי 91-98", "91-98 ילע"),
        ("علی 25-11", "11-25 یلع"),
        # The first letter says which way the line goes.
        ("Ali (אבג) 5", "Ali (גבא) 5"),
        ("אבג (Ali) 5", "5 )Ali( גבא"),
        ("Old Delhi (אב [ג]) 110006", "Old Delhi (]ג[ בא) 110006"),
        ("אבג ", " גבא"),
        ("a\u202eבa\u202c", "a\u202eבa\u202c"),
    ],
)
def test_what_is_seen_from_left_to_right(text: str, seen: str) -> None:
    assert "".join(in_sight(list(zip(levels(text), text, strict=True)))) == seen


@given(st.text())
def test_nothing_is_lost_whatever_is_written(text: str) -> None:
    deep = levels(text)
    assert len(deep) == len(text) and set(deep) <= {0, 1, 2}
    assert sorted(in_sight(list(zip(deep, text, strict=True)))) == sorted(text)
