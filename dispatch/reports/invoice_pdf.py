"""An invoice as PDF: who bills whom, the lines, and what they come to."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dispatch.reports.pen import Pen

#: The columns of a line and where they end, in points from the left; numbers are set against the right edge.
_COLUMNS = (("Description", 40.0), ("Quantity", 350.0), ("Price", 450.0), ("Amount", 555.0))
_LEFT, _RIGHT, _TOP, _BOTTOM, _STEP = 40.0, 555.0, 800.0, 60.0, 15.0
#: Between a description and its number.
_GAP = 8.0


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """Amounts as they are to be read."""

    description: str
    quantity: str
    price: str
    amount: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """`sums` are (words, amount), the last of them what it all comes to."""

    number: str
    issued_on: date
    seller: Sequence[str]
    buyer: Sequence[str]
    about: Sequence[str]
    lines: Sequence[InvoiceLine]
    sums: Sequence[tuple[str, str]]
    notes: Sequence[str] = ()


def draw(invoice: Invoice) -> bytes:
    """The file, on as many pages as the lines need. Takes milliseconds: call it in a thread."""
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"Invoice {invoice.number}")
    sheet = _Sheet(canvas)
    sheet.text(f"Invoice {invoice.number}", size=16, is_bold=True, step=26)
    sheet.text(f"Date: {invoice.issued_on.isoformat()}", step=24)
    for heading, lines in (("From", invoice.seller), ("To", invoice.buyer), ("About", invoice.about)):
        sheet.text(heading, is_bold=True)
        for line in lines:
            sheet.text(line)
        sheet.skip()
    sheet.row([name for name, _ in _COLUMNS], is_bold=True)
    sheet.rule()
    for one in invoice.lines:
        sheet.row([one.description, one.quantity, one.price, one.amount])
    sheet.rule()
    for number, (words, amount) in enumerate(invoice.sums):
        sheet.row(["", "", words, amount], is_bold=number == len(invoice.sums) - 1)
    sheet.skip()
    for note in invoice.notes:
        sheet.text(note)
    canvas.save()
    return out.getvalue()


class _Sheet:
    def __init__(self, canvas: Any) -> None:
        self._canvas, self._pen, self._y = canvas, Pen(canvas), _TOP

    def text(self, line: str, *, size: int = 9, is_bold: bool = False, step: float = _STEP) -> None:
        """On as many lines as it needs."""
        self._ready(size, is_bold)
        for n, part in enumerate(self._pen.wrapped(line, _RIGHT - _LEFT)):
            if n:
                self._y -= _STEP
                self._ready(size, is_bold)
            self._pen.write(_LEFT, self._y, part)
        self._y -= step

    def row(self, cells: Sequence[str], *, is_bold: bool = False) -> None:
        self._ready(9, is_bold)
        first, *numbers = cells
        room = _COLUMNS[1][1] - self._pen.width(numbers[0]) - _GAP - _LEFT
        self._pen.write(_LEFT, self._y, self._pen.cut(first, room))
        for (_, at), cell in zip(_COLUMNS[1:], numbers, strict=True):
            self._pen.write_before(at, self._y, cell)
        self._y -= _STEP

    def rule(self) -> None:
        self._canvas.line(_LEFT, self._y + _STEP - 4, _RIGHT, self._y + _STEP - 4)
        self._y -= 4

    def skip(self) -> None:
        self._y -= _STEP / 2

    def _ready(self, size: int, is_bold: bool) -> None:
        if self._y < _BOTTOM:
            self._canvas.showPage()
            self._y = _TOP
        self._pen.take(size, is_bold=is_bold)
