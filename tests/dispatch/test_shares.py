"""One rule of rounding for every share."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dispatch.shares import earning_minor, percent_of


@pytest.mark.parametrize(
    ("amount", "percent", "share"),
    [(177120, "70", 123984), (1, "50", 1), (3, "50", 2), (1, "49.99", 0), (0, "70", 0), (-1, "50", -1), (100, "0", 0)],
)
def test_a_half_is_rounded_away_from_nothing(amount: int, percent: str, share: int) -> None:
    assert percent_of(amount, Decimal(percent)) == share


def test_a_share_that_is_no_whole_number_is_taken_as_it_is_written() -> None:
    assert earning_minor(1_000, 12.345) == earning_minor(1_000, Decimal("12.345")) == 123
    assert earning_minor(100_000, 0.1) == 100
