"""A table as an Excel workbook: rows go to a file on disk as they come, and the file out in pieces."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from dispatch.reports.rows import Cell, Table, text

#: The most rows that a sheet has, its heading among them.
MAX_ROWS = 1_048_576
_PIECE = 256 * 1024


async def write(table: Table) -> AsyncGenerator[bytes, None]:
    """The file in pieces. Rows beyond what a sheet takes are left out, and its last line says so."""
    import xlsxwriter

    with tempfile.TemporaryDirectory(prefix="dispatch-report-") as folder:
        path = Path(folder) / "report.xlsx"
        options = {
            "constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False,
            "strings_to_numbers": False,
        }  # fmt: skip
        book = xlsxwriter.Workbook(str(path), options)
        sheet = book.add_worksheet(table.title[:31])
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, table.columns, book.add_format({"bold": True}))
        at = 1
        async for batch in table.batches:
            room = batch[: MAX_ROWS - 1 - at]
            # Making lines is work for the processor: in a thread, so that others are answered meanwhile.
            await asyncio.to_thread(_write_rows, sheet, at, room, moment, day)
            at += len(room)
            if len(room) < len(batch):
                sheet.write_string(at, 0, "There is more than a sheet takes.")
                break
        await asyncio.to_thread(book.close)
        with path.open("rb") as made:
            while piece := await asyncio.to_thread(made.read, _PIECE):
                yield piece


def _write_rows(sheet: Any, at: int, rows: Sequence[Sequence[Cell]], moment: Any, day: Any) -> None:
    for number, row in enumerate(rows, at):
        for column, cell in enumerate(row):
            if isinstance(cell, datetime):
                sheet.write_datetime(number, column, cell.astimezone(UTC).replace(tzinfo=None), moment)
            elif isinstance(cell, date):
                sheet.write_datetime(number, column, cell, day)
            elif isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
                sheet.write_number(number, column, cell)
            elif cell is not None and not isinstance(cell, time | bool):
                # Always as text: what looks like a formula is none.
                sheet.write_string(number, column, cell)
            else:
                sheet.write_string(number, column, text(cell))
