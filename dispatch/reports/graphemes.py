"""What a person takes for one letter: a text may be cut between two of them, and nowhere else."""

from __future__ import annotations

from unicodedata import category, combining

_JOINERS = "\u200c\u200d"
#: The sign of a consonant that joins the next one: half a letter means nothing.
_VIRAMA = 9


def graphemes(text: str) -> list[str]:
    """The text in such letters, marks and joined consonants with those that they belong to."""
    out: list[str] = []
    joins = False
    for letter in text:
        is_mark = category(letter).startswith("M") or letter in _JOINERS
        if out and (is_mark or (joins and letter.isalnum())):
            out[-1] += letter
        else:
            out.append(letter)
        joins = combining(letter) == _VIRAMA or (joins and letter in _JOINERS)
    return out
