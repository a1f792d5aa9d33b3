"""Dates, times and amounts as people write them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from dispatch.reports.formats import Formats, amount_text, major

MOMENT = datetime(2025, 12, 15, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("formats", "day", "moment"),
    [
        (Formats("MM/DD/YYYY", "12h", "UTC"), "12/05/2025", "Dec 15, 2025 11:05 PM"),
        (Formats("DD/MM/YYYY", "24h", "UTC"), "05/12/2025", "15 Dec 2025 23:05"),
        (Formats("DD/MM/YYYY", "12h", "Africa/Lagos"), "05/12/2025", "16 Dec 2025 12:05 AM"),
        (Formats("MM/DD/YYYY", "24h", "Asia/Kolkata"), "12/05/2025", "Dec 16, 2025 04:35"),
    ],
)
def test_by_the_providers_own_settings(formats: Formats, day: str, moment: str) -> None:
    assert (formats.day(date(2025, 12, 5)), formats.moment(MOMENT)) == (day, moment)


def test_noon_and_midnight_are_twelve() -> None:
    formats = Formats("DD/MM/YYYY", "12h", "UTC")
    said = [formats.moment(datetime(2025, 1, 1, hour, tzinfo=UTC)) for hour in (0, 12)]
    assert said == ["1 Jan 2025 12:00 AM", "1 Jan 2025 12:00 PM"]


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (150000, "NGN", "₦1,500"), (150050, "NGN", "₦1,500.50"), (-5, "USD", "-$0.05"), (0, "EUR", "€0"),
        (100, "CHF", "CHF 1"), (123456789, "PHP", "₱1,234,567.89"),
    ],
)  # fmt: skip
def test_amounts(minor: int, currency: str, written: str) -> None:
    assert amount_text(minor, currency) == written


def test_major_units_have_no_noise() -> None:
    assert [major(n) for n in (150000, 150050, -1, 0)] == [1500, Decimal("1500.50"), Decimal("-0.01"), 0]
