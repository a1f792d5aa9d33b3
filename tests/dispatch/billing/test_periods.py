"""Spans that are compared: calendars with unequal months, chosen ends, and percentages of nothing."""

from __future__ import annotations

from datetime import date

import pytest

from dispatch.billing.periods import Compared, Span, buckets, change_pct, compared, trend

D = date


@pytest.mark.parametrize(("kind", "today", "this", "before"), [
    ("daily", D(2026, 3, 1), (D(2026, 3, 1), D(2026, 3, 1)), (D(2026, 2, 28), D(2026, 2, 28))),
    ("weekly", D(2026, 1, 7), (D(2026, 1, 5), D(2026, 1, 11)), (D(2025, 12, 29), D(2026, 1, 4))),
    ("monthly", D(2026, 3, 31), (D(2026, 3, 1), D(2026, 3, 31)), (D(2026, 2, 1), D(2026, 2, 28))),
    ("monthly", D(2024, 3, 1), (D(2024, 3, 1), D(2024, 3, 31)), (D(2024, 2, 1), D(2024, 2, 29))),
    ("yearly", D(2026, 1, 1), (D(2026, 1, 1), D(2026, 12, 31)), (D(2025, 1, 1), D(2025, 12, 31))),
])  # fmt: skip
def test_the_calendars_spans(kind: str, today: D, this: tuple[D, D], before: tuple[D, D]) -> None:
    assert compared(kind, today) == Compared(kind, Span(*this), Span(*before))


def test_chosen_ends() -> None:
    chosen = compared("monthly", D(2026, 3, 10), D(2026, 3, 2), D(2026, 3, 4))
    assert (chosen.this, chosen.before) == (Span(D(2026, 3, 2), D(2026, 3, 4)), Span(D(2026, 2, 27), D(2026, 3, 1)))
    assert compared("monthly", D(2026, 3, 10), D(2026, 3, 2)).this == Span(D(2026, 3, 2), D(2026, 3, 10))
    assert compared("monthly", D(2026, 3, 10), None, D(2026, 2, 4)).this == Span(D(2026, 2, 1), D(2026, 2, 4))
    with pytest.raises(ValueError, match="before"):
        compared("daily", D(2026, 3, 10), D(2026, 3, 2), D(2026, 3, 1))


def test_points_of_a_chart() -> None:
    assert len(buckets(Span(D(2026, 2, 1), D(2026, 2, 28)), by_month=False)) == 28
    months = buckets(Span(D(2025, 12, 15), D(2026, 2, 10)), by_month=True)
    assert [(m.first, m.days) for m in months] == [(D(2025, 12, 15), 17), (D(2026, 1, 1), 31), (D(2026, 2, 1), 10)]


@pytest.mark.parametrize(("now", "before", "pct", "word"), [
    (0, 0, 0.0, "stable"), (5, 0, 100.0, "up"), (0, 5, -100.0, "down"), (4, 3, 33.33, "up"), (3, 3, 0.0, "stable"),
    (5, -10, 150.0, "up"),
])  # fmt: skip
def test_changes(now: int, before: int, pct: float, word: str) -> None:
    assert change_pct(now, before) == pct and trend(now, before) == word
