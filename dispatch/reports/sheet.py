"""One page with a heading and named values: an invoice, a receipt."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from dispatch.reports.rows import Cell, text

_MARGIN, _LINE, _SIZE, _COLUMN, _CHART = 56.0, 20.0, 11.0, 220.0, 220.0


#: A name, and two values that are drawn beside each other.
Bar = tuple[str, float, float]


def drawn(title: str, subtitle: str, lines: Sequence[tuple[str, Cell]], bars: Sequence[Bar] = ()) -> bytes:
    """The PDF, with a chart of `bars` under its lines; slow enough to be called in a thread.

    Signs that its typeface lacks are left out.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(_plain(title))
    y = A4[1] - _MARGIN
    canvas.setFont("Helvetica-Bold", _SIZE + 7)
    canvas.drawString(_MARGIN, y, _plain(title))
    canvas.setFont("Helvetica", _SIZE + 1)
    canvas.drawString(_MARGIN, y - _LINE, _plain(subtitle))
    y -= 3 * _LINE
    for name, value in lines:
        canvas.setFont("Helvetica-Bold", _SIZE)
        canvas.drawString(_MARGIN, y, _plain(name))
        canvas.setFont("Helvetica", _SIZE)
        canvas.drawString(_MARGIN + _COLUMN, y, _plain(text(value))[:80])
        y -= _LINE
    if bars:
        _chart(canvas, bars, A4[0] - 2 * _MARGIN, y - _LINE)
    canvas.save()
    return out.getvalue()


def _chart(canvas: Any, bars: Sequence[Bar], width: float, top: float) -> None:
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
    canvas.setFont("Helvetica", _SIZE - 3)
    canvas.drawString(_MARGIN, base - _LINE * 0.7, _plain(bars[0][0]))
    canvas.drawRightString(_MARGIN + width, base - _LINE * 0.7, _plain(bars[-1][0]))
    canvas.drawString(_MARGIN, top + 2, _plain(f"{most:,.2f}"))


def _plain(words: str) -> str:
    return words.encode("cp1252", "ignore").decode("cp1252")
