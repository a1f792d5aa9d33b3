"""One page with a heading and named values: an invoice, a receipt."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from unicodedata import category

from dispatch.reports.pen import Pen
from dispatch.reports.rows import Cell, text

_MARGIN, _LINE, _SIZE, _COLUMN, _CHART = 56.0, 20.0, 11.0, 220.0, 220.0
#: Every reader of PDFs has these types, so that they are in no file, and these are the letters they have.
_BUILT_IN = ("Helvetica", "Helvetica-Bold")
_LETTERS = frozenset(c for c in bytes(range(256)).decode("cp1252", "ignore") if not category(c).startswith("C"))


#: A name, and two values that are drawn beside each other.
Bar = tuple[str, float, float]


def drawn(title: str, subtitle: str, lines: Sequence[tuple[str, Cell]], bars: Sequence[Bar] = ()) -> bytes:
    """The PDF, with a chart of `bars` under its lines; slow enough to be called in a thread."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(title)
    pen = Pen(canvas, _BUILT_IN, _LETTERS)
    room = A4[0] - 2 * _MARGIN
    y = A4[1] - _MARGIN
    pen.take(_SIZE + 7, is_bold=True)
    pen.write(_MARGIN, y, pen.cut(title, room))
    pen.take(_SIZE + 1)
    pen.write(_MARGIN, y - _LINE, pen.cut(subtitle, room))
    y -= 3 * _LINE
    for name, value in lines:
        pen.take(_SIZE, is_bold=True)
        pen.write(_MARGIN, y, pen.cut(name, _COLUMN))
        pen.take(_SIZE)
        pen.write(_MARGIN + _COLUMN, y, pen.cut(text(value), room - _COLUMN))
        y -= _LINE
    if bars:
        _chart(canvas, pen, bars, room, y - _LINE)
    canvas.save()
    return out.getvalue()


def _chart(canvas: Any, pen: Pen, bars: Sequence[Bar], width: float, top: float) -> None:
    """Two bars for each name: now dark, before light; the first and the last name stand under them."""
    height = min(_CHART, top - 2 * _MARGIN)
    base, most = top - height, max((max(now, before) for _, now, before in bars), default=0) or 1
    room = width / len(bars)
    for n, (_, now, before) in enumerate(bars):
        x = _MARGIN + n * room
        for shade, value, offset in ((0.75, before, 0.1), (0.2, now, 0.5)):
            canvas.setFillGray(shade)
            canvas.rect(x + offset * room, base, room * 0.4, max(0.0, value) / most * height, stroke=0, fill=1)
    canvas.setFillGray(0)
    canvas.line(_MARGIN, base, _MARGIN + width, base)
    pen.take(_SIZE - 3)
    pen.write(_MARGIN, base - _LINE * 0.7, bars[0][0])
    pen.write_before(_MARGIN + width, base - _LINE * 0.7, bars[-1][0])
    pen.write(_MARGIN, top + 2, f"{most:,.2f}")
