"""A table as CSV, batch by batch: nothing but the batch at hand is in memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, Iterable, Sequence

from dispatch.reports.rows import Cell, Table, defused


async def write(table: Table) -> AsyncGenerator[bytes, None]:
    """The file in pieces: UTF-8, comma, CRLF, quoted where it must be (RFC 4180)."""
    yield _lines([table.columns])
    async for batch in table.batches:
        yield _lines(batch)


def _lines(rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([defused(cell) for cell in row] for row in rows)
    return out.getvalue().encode()
