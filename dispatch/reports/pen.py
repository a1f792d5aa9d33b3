"""Writes on a page of a PDF, measures what it writes, and cuts or wraps it to the room there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dispatch.reports import typefaces
from dispatch.reports.graphemes import graphemes
from dispatch.reports.lettering import Shape, line

#: Hardly a letter is narrower than this part of its height, and none of a built-in way is wider: widths take time.
_NARROWEST, _WIDEST = 0.2, 1.6
#: Shapes that stand where the PDF library would set them, to a hundredth of a letter's height, are set together.
_CLOSE = 10.0


class Pen:
    """Text of which a built-in way knows every letter is set that way; any other by its shapes, with their types.

    `types` are a plain and a bold type of the PDF library, and `letters` what they have; all lengths are in points.
    """

    def __init__(
        self, canvas: Any, types: tuple[str, str] | None = None, letters: frozenset[str] | None = None
    ) -> None:
        self._canvas = canvas
        self._types = types or typefaces.types()
        self._letters = typefaces.letters() if letters is None else letters
        self._size, self._is_bold = 0.0, False

    def take(self, size: float, *, is_bold: bool = False) -> None:
        """The size and weight of what is written next; anew on each page."""
        self._size, self._is_bold = size, is_bold
        self._canvas.setFont(self._types[is_bold], size)

    def write(self, x: float, y: float, text: str) -> None:
        """From x on; a text from right to left stands there too."""
        if self._is_simple(text):
            self._canvas.drawString(x, y, text)
        else:
            self._draw(x, y, text)

    def write_before(self, x: float, y: float, text: str) -> None:
        """Up to x."""
        if self._is_simple(text):
            self._canvas.drawRightString(x, y, text)
        else:
            self._draw(x - self.width(text), y, text)

    def width(self, text: str) -> float:
        """As it would be written."""
        if self._is_simple(text):
            return float(self._canvas.stringWidth(text, self._types[self._is_bold], self._size))
        return line(text, is_bold=self._is_bold).width * self._size / 1000

    def cut(self, text: str, room: float) -> str:
        """What fits, with a point in place of the rest."""
        if self._fits(text, room):
            return text
        parts = graphemes(text)
        if self._fitting(parts, room) == len(parts):
            return text
        return "".join(parts[: self._fitting(parts, room, end=".")]) + "."

    def wrapped(self, text: str, room: float) -> list[str]:
        """Lines that fit, broken between words; within one only where it alone is too long."""
        if self._fits(text, room):
            return [text]
        lines = []
        words = text.split()
        while words:
            many = self._fitting(words, room, between=" ")
            lines += self._broken(words[0], room) if many == 1 else [" ".join(words[:many])]
            words = words[many:]
        return lines or [""]

    def _is_simple(self, text: str) -> bool:
        return (text.isascii() and text.isprintable()) or self._letters.issuperset(text)

    def _fits(self, text: str, room: float) -> bool:
        if len(text) * self._size * _WIDEST <= room and self._is_simple(text):
            return True
        return len(text) <= self._most(room) and self.width(text) <= room

    def _most(self, room: float) -> int:
        return max(1, int(room / (self._size * _NARROWEST)))

    def _broken(self, word: str, room: float) -> list[str]:
        if self._fits(word, room):
            return [word]
        lines = []
        parts = graphemes(word)
        while parts:
            many = self._fitting(parts, room)
            lines.append("".join(parts[:many]))
            parts = parts[many:]
        return lines

    def _fitting(self, parts: Sequence[str], room: float, *, between: str = "", end: str = "") -> int:
        """So many of the parts fit, with `end` after them; one is always taken."""

        def fits(many: int) -> bool:
            return self.width(between.join(parts[:many]) + end) <= room

        return _last(fits, min(len(parts), self._most(room)))

    def _draw(self, x: float, y: float, text: str) -> None:
        canvas, size = self._canvas, self._size
        scale = size / 1000
        canvas.saveState()
        for span in line(text, is_bold=self._is_bold).spans:
            # Shapes are no letters: what stands there is said beside them, for those who search, copy or listen.
            said = span.said.encode("utf-16-be", "replace").hex().upper()
            canvas.addLiteral(f"/Span <</ActualText <FEFF{said}>>> BDC")
            canvas.setFont(span.typeface.name, size)
            for piece in _pieces(span.shapes):
                at = x + (span.x + piece[0].x) * scale
                codes = "".join(span.typeface.codes[one.number] for one in piece)
                canvas.drawString(at, y + piece[0].y * scale, codes)
            canvas.addLiteral("EMC")
        canvas.restoreState()


def _last(fits: Callable[[int], bool], most: int) -> int:
    """The greatest number up to `most` that fits; 1 where none does, 0 for none at all."""
    if most < 1 or fits(most):
        return max(most, 0)
    least = 1
    while most - least > 1:
        middle = (least + most) // 2
        if fits(middle):
            least = middle
        else:
            most = middle
    return least


def _pieces(shapes: Sequence[Shape]) -> list[list[Shape]]:
    out: list[list[Shape]] = []
    at = 0.0
    for one in shapes:
        last = out[-1][-1] if out else None
        if last is None or last.y != one.y or abs(one.x - at) > _CLOSE:
            out.append([])
            at = one.x
        out[-1].append(one)
        at += one.own_width
    return out
