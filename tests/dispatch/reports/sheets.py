"""Rows to be written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

from dispatch.reports.rows import Cell, Table

Write = Callable[[Table], AsyncGenerator[bytes, None]]


ROWS: list[list[Cell]] = [
    ["=cmd|' /C calc'!A0", 12.5, datetime(2026, 1, 5, 4, 30, tzinfo=UTC)],
    ["+911234567890", -3, date(2026, 1, 5)],
    ['a "quoted", text\nin two lines', Decimal("70.00"), time(10)],
    [None, True, " @SUM(A1)"],
]


async def batches(rows: Sequence[Sequence[Cell]], times: int = 1) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    for _ in range(times):
        yield rows


async def made(write: Write, times: int = 1) -> bytes:
    table = Table("Things", ("Name", "Amount", "When"), batches(ROWS, times))
    return b"".join([piece async for piece in write(table)])
