"""A table as PDF: drawn line by line, page by page, with a heading on each."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from dispatch.reports.pen import Pen
from dispatch.reports.rows import Cell, Table, text

#: Nobody reads more lines on paper, and a PDF is in memory until it is whole.
MAX_ROWS = 5_000
_MARGIN, _LINE, _SIZE = 36.0, 13.0, 8.0
_PIECE = 256 * 1024


async def write(table: Table) -> AsyncGenerator[bytes, None]:
    """The file in pieces. Beyond MAX_ROWS lines it ends, and its last line says so."""
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    sheet = _Sheet(Canvas(out, pagesize=landscape(A4), pageCompression=1), table, landscape(A4))
    async for batch in table.batches:
        await asyncio.to_thread(sheet.add, batch)
        if sheet.is_full:
            break
    await asyncio.to_thread(sheet.close)
    made = out.getbuffer()
    for start in range(0, len(made), _PIECE):
        yield bytes(made[start : start + _PIECE])


class _Sheet:
    def __init__(self, canvas: Any, table: Table, size: tuple[float, float]) -> None:
        self._canvas, self._table = canvas, table
        self._width, self._height = size
        self._pen = Pen(canvas)
        self._rows = self._page = 0
        self._y = 0.0
        self.is_full = False

    def add(self, rows: Sequence[Sequence[Cell]]) -> None:
        for row in rows:
            if self._rows >= MAX_ROWS:
                self.is_full = True
                return
            self._line([text(cell) for cell in row])
            self._rows += 1

    def close(self) -> None:
        if self.is_full:
            self._line([f"There are more than {MAX_ROWS} lines: ask for less, or for CSV."])
        if not self._page:
            self._turn()
        self._canvas.save()

    def _line(self, cells: Sequence[str]) -> None:
        if not self._page or self._y < _MARGIN + _LINE:
            self._turn()
        self._draw(cells)

    def _turn(self) -> None:
        if self._page:
            self._canvas.showPage()
        self._page += 1
        self._y = self._height - _MARGIN
        self._pen.take(_SIZE + 3, is_bold=True)
        self._pen.write(_MARGIN, self._y, f"{self._table.title}, page {self._page}")
        self._y -= 2 * _LINE
        self._pen.take(_SIZE, is_bold=True)
        self._draw(self._table.columns)
        self._pen.take(_SIZE)

    def _draw(self, cells: Sequence[str]) -> None:
        columns = max(len(self._table.columns), 1)
        room = (self._width - 2 * _MARGIN) / columns
        whole = (self._width - 2 * _MARGIN) if len(cells) == 1 else room
        for number, cell in enumerate(cells):
            self._pen.write(_MARGIN + number * room, self._y, self._pen.cut(cell, whole))
        self._y -= _LINE
