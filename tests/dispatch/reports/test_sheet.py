"""One page with a heading and named values."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports.sheet import drawn
from tests.dispatch.reports.papers import NAMES, said


def test_a_page_whatever_stands_on_it() -> None:
    for bars in ((), [("Mon", 1.0, 0.0)], [("Mon", 0.0, 0.0)], [(f"day {n}", n * 1.5, -1.0) for n in range(60)]):
        made = drawn("Ünvoice ₹", "আশা & co", [("Total", 150050), ("Paid", None), ("Note", "x" * 500)], bars)
        assert made.startswith(b"%PDF-") and made.rstrip().endswith(b"%%EOF")


def test_what_the_built_in_types_lack_is_set_in_others() -> None:
    lines = [("Total", "1,500.00 €"), (NAMES["Tamil"], NAMES["Telugu"])]
    made = drawn("Bill 7", NAMES["Gujarati"], lines, [("सोम", 1.0, 2.0)])
    assert {"જ્ઞાનેશ્વરી", "கிருஷ்ணமூர்த்தி", "శ్రీనివాస్", "सोम"} <= set(said(made))
    # Latin alone needs no others.
    assert b"DejaVu" in made and b"DejaVu" not in drawn("Bill 7", "Ünited", [("Total", "1,500.00 €")])


@given(st.text())
def test_any_text_may_stand_on_a_page(text: str) -> None:
    drawn(text, text, [(text, text)], [(text, 1.0, 2.0)])
