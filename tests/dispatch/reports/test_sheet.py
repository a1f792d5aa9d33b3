"""One page with a heading and named values."""

from __future__ import annotations

from dispatch.reports.sheet import drawn


def test_a_page_whatever_stands_on_it() -> None:
    for bars in ((), [("Mon", 1.0, 0.0)], [("Mon", 0.0, 0.0)], [(f"day {n}", n * 1.5, -1.0) for n in range(60)]):
        made = drawn("Ünvoice ₹", "আশা & co", [("Total", 150050), ("Paid", None), ("Note", "x" * 500)], bars)
        assert made.startswith(b"%PDF-") and made.rstrip().endswith(b"%%EOF")
