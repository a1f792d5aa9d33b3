"""One page with a heading and named values: an invoice, a receipt."""

from __future__ import annotations

import io
from collections.abc import Sequence

from dispatch.reports.rows import Cell, text

_MARGIN, _LINE, _SIZE, _COLUMN = 56.0, 20.0, 11.0, 160.0


def drawn(title: str, subtitle: str, lines: Sequence[tuple[str, Cell]]) -> bytes:
    """The PDF; slow enough to be called in a thread. Signs that its typeface lacks are left out."""
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
    canvas.save()
    return out.getvalue()


def _plain(words: str) -> str:
    return words.encode("cp1252", "ignore").decode("cp1252")
