"""The types of PDFs have the signs that amounts are written with."""

from __future__ import annotations

import pytest

from dispatch.reports.typefaces import SIGNS, money, types


def test_both_types_have_every_sign_and_digit() -> None:
    from reportlab.pdfbase import pdfmetrics

    for name in types():
        known = pdfmetrics.getFont(name).face.charToGlyph
        assert all(ord(char) in known for char in "".join(SIGNS.values()) + "0123456789.,-")


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [(123450, "PHP", "₱1,234.50"), (-5, "INR", "-₹0.05"), (100, "CHF", "1.00 CHF"), (-100, "CHF", "-1.00 CHF")],
)
def test_money(minor: int, currency: str, written: str) -> None:
    assert money(minor, currency) == written
