"""Texts in what people take for letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports.graphemes import graphemes


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("Asha", ["A", "s", "h", "a"]),
        ("e\u0301a", ["e\u0301", "a"]),
        ("कि", ["कि"]),
        ("प्रज्ञा", ["प्र", "ज्ञा"]),
        ("श्री राम", ["श्री", " ", "रा", "म"]),
        ("क्\u200dष", ["क्\u200dष"]),
        ("वाक् है", ["वा", "क्", " ", "है"]),
        ("கிரு", ["கி", "ரு"]),
        ("\u093fa", ["\u093f", "a"]),
    ],
)
def test_marks_and_joined_consonants_stay_together(text: str, letters: list[str]) -> None:
    assert graphemes(text) == letters


@given(st.text())
def test_all_of_them_are_the_text(text: str) -> None:
    assert "".join(graphemes(text)) == text
