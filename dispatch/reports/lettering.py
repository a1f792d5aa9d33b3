"""A line of text as shapes of typefaces, each at its place: letters that join, stack or change by their neighbours.

The PDF library sets letters one after the other, right for Latin and wrong for Arabic and the scripts of India.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple
from unicodedata import category, normalize

from dispatch.reports.directions import has_from_right, in_sight, levels
from dispatch.reports.typefaces import Typeface, type_for

_SPACES = ("Cc", "Zs", "Zl", "Zp")
_WORDS = re.compile("[^ ]+| +")


class Shape(NamedTuple):
    """One shape of a type: its number there (0 would be an empty box), and where it stands in its span.

    Lengths are in thousandths of the size; `own_width` is that in the type, whatever its neighbours make of it.
    """

    number: int
    x: float
    y: float
    own_width: float


class Span(NamedTuple):
    """Shapes of one type from left to right, from x on, and what they say in the order in which it is read."""

    said: str
    typeface: Typeface
    x: float
    shapes: Sequence[Shape]


class Line(NamedTuple):
    """Spans from left to right, and how wide they are together, in thousandths of the size."""

    spans: Sequence[Span]
    width: float


class _Letter(NamedTuple):
    """What is drawn and what it says: more than one may be drawn for one that is said. Without a type nothing is."""

    drawn: str
    said: str
    typeface: Typeface | None


class _Group(NamedTuple):
    """Shapes that are one letter or several, from the letter `start` on."""

    start: int
    shapes: Sequence[Shape]


def line(text: str, *, is_bold: bool = False) -> Line:
    """Any text as it stands on a line. A letter that no type has is written by its number, [U+5F20]."""
    if has_from_right(text):
        return _laid(text, is_bold)
    # No word changes by another then.
    spans: list[Span] = []
    x = 0.0
    for word in _WORDS.findall(text):
        laid = _laid(word, is_bold)
        spans += [Span(span.said, span.typeface, x + span.x, span.shapes) for span in laid.spans]
        x += laid.width
    return Line(tuple(spans), x)


# The same words come again and again, most of all while it is tried how much fits.
@lru_cache(maxsize=2048)
def _laid(text: str, is_bold: bool) -> Line:
    letters = list(_letters(text, is_bold))
    deep = levels("".join(one.drawn for one in letters))
    seen = [(level, one) for level, one in zip(deep, letters, strict=True) if one.typeface is not None]
    runs = [
        (level, (level % 2 == 1, face, [one for _, one in run]))
        for (level, face), run in groupby(seen, key=lambda one: (one[0], one[1].typeface))
        if face is not None
    ]
    spans: list[Span] = []
    x = 0.0
    for is_from_right, face, run in in_sight(runs):
        groups, width = _shaped(face, "".join(one.drawn for one in run), is_from_right)
        if is_from_right:
            # Readers of PDFs take text from left to right and turn it round themselves: each letter says its own.
            end = len(run)
            for start, shapes in groups:
                spans.append(Span("".join(one.said for one in run[start:end]), face, x, shapes))
                end = start
        else:
            shapes = tuple(shape for group in groups for shape in group.shapes)
            spans.append(Span("".join(one.said for one in run), face, x, shapes))
        x += width
    return Line(tuple(spans), x)


def _letters(text: str, is_bold: bool) -> Iterator[_Letter]:
    last: Typeface | None = None
    for letter in normalize("NFC", text):
        kind = category(letter)
        if kind in _SPACES:
            letter = " "
        face = type_for(letter, is_bold=is_bold, last=last)
        if face is not None:
            last = face
            yield _Letter(letter, letter, face)
        elif kind == "Cf" or _is_variant(letter):
            # It may have a say in the direction.
            yield _Letter(letter, "", None)
        else:
            for n, sign in enumerate(f"[U+{ord(letter):04X}]"):
                last = type_for(sign, is_bold=is_bold)
                yield _Letter(sign, "" if n else letter, last)


def _is_variant(letter: str) -> bool:
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"


def _shaped(face: Typeface, text: str, is_from_right: bool) -> tuple[Sequence[_Group], float]:
    """What stands for it from left to right, and how wide that is."""
    import uharfbuzz

    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.direction = "rtl" if is_from_right else "ltr"
    # Else that of the machine, by which some letters change.
    buffer.language = "en"
    uharfbuzz.shape(face.shaper, buffer)
    scale = 1000 / face.units_per_em
    shapes: list[tuple[int, Shape]] = []
    x = 0.0
    for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        own_width = face.shaper.get_glyph_h_advance(info.codepoint) * scale
        shapes.append((info.cluster, Shape(info.codepoint, x + at.x_offset * scale, at.y_offset * scale, own_width)))
        x += at.x_advance * scale
    groups = [
        _Group(start, tuple(shape for _, shape in held)) for start, held in groupby(shapes, key=lambda one: one[0])
    ]
    return tuple(groups), x
