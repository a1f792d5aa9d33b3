"""The types of PDFs have the signs that amounts are written with."""

from __future__ import annotations

from pathlib import Path
from unicodedata import category

import pytest

from dispatch.reports import typefaces
from dispatch.reports.typefaces import SIGNS, letters, money, type_for, typeface, types


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


def _files() -> list[str]:
    return [path.stem for path in (Path(typefaces.__file__).parent / "fonts").glob("*.ttf")]


@pytest.mark.parametrize("name", _files())
def test_each_shape_of_a_type_is_known_by_a_letter_of_its_own(name: str) -> None:
    from reportlab.pdfbase import pdfmetrics

    made = typeface(name)
    face = pdfmetrics.getFont(name).face
    assert [face.charToGlyph[ord(code)] for code in made.codes] == list(range(len(made.codes)))
    assert all(ord(code) in face.charWidths for code in made.codes)
    # Nobody writes such a shape by typing its private letter.
    assert not any(category(letter) == "Co" for letter in made.letters)


def test_a_letter_is_set_in_the_first_type_that_has_it() -> None:
    for name in _files():
        if name.startswith("Noto"):
            own = next(letter for letter in sorted(typeface(name).letters) if letter > "\u0400" and letter.isalpha())
            assert type_for(own) is typeface(name) is type_for(own, is_bold=True)
    assert type_for("a") is typeface("DejaVuSans") and type_for("a", is_bold=True) is typeface("DejaVuSans-Bold")
    tamil, hindi = typeface("NotoSansTamil"), typeface("NotoSansDevanagari")
    assert type_for("\u200d") is None and type_for("\u200d", last=tamil) is tamil
    assert type_for("\u0964") is hindi and type_for("\u0964", last=tamil) is tamil
    assert type_for("a", last=tamil) is typeface("DejaVuSans")
    assert type_for("\u0a00") is None and type_for("\u5f20") is None and type_for("\ue000") is None
    assert {"a", "₹", "é"} <= letters() and "क" not in letters()
