"""The types that PDFs are set in: they have the signs of currencies, which the built-in ones have not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

SIGNS: Mapping[str, str] = {
    "INR": "\u20b9", "PHP": "\u20b1", "EUR": "\u20ac", "GBP": "\u00a3", "NGN": "\u20a6", "USD": "$",
}  # fmt: skip
_FOLDER = Path(__file__).parent / "fonts"
_PLAIN, _BOLD = "DejaVuSans", "DejaVuSans-Bold"


@cache
def types() -> tuple[str, str]:
    """The names of the plain and the bold type, known to the PDF library from now on."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    for name in (_PLAIN, _BOLD):
        pdfmetrics.registerFont(TTFont(name, str(_FOLDER / f"{name}.ttf")))
    return _PLAIN, _BOLD


def money(minor: int, currency: str) -> str:
    """\u20b11,234.50; a currency whose sign we have not by its code."""
    written = f"{abs(minor) // 100:,}.{abs(minor) % 100:02d}"
    sign = SIGNS.get(currency)
    return ("-" if minor < 0 else "") + (f"{sign}{written}" if sign else f"{written} {currency}")
