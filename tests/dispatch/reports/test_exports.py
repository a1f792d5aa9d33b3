"""Exports: the same rows in three kinds of file, no formula among them, and no more memory for more rows."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from dispatch.reports import csv_writer, exports, pdf_writer, xlsx_writer
from dispatch.reports.exports import MOST_AT_ONCE, TooManyReports
from dispatch.reports.rows import Cell, Table
from storage import notifications
from storage.database.listing import Wanted
from storage.notifications import Notification
from tests.world import World

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


async def test_csv_is_text_and_no_formula() -> None:
    rows = list(csv.reader(io.StringIO((await made(csv_writer.write)).decode(), newline="")))
    assert rows == [
        ["Name", "Amount", "When"],
        ["'=cmd|' /C calc'!A0", "12.5", "2026-01-05 04:30:00"],
        # A number is one, also below zero; text that begins like a formula is kept text.
        ["'+911234567890", "-3", "2026-01-05"],
        ['a "quoted", text\nin two lines', "70.00", "10:00:00"],
        ["", "yes", "' @SUM(A1)"],
    ]


async def test_xlsx_holds_text_and_numbers() -> None:
    book = zipfile.ZipFile(io.BytesIO(await made(xlsx_writer.write)))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet and "cmd|" in sheet and "<v>12.5</v>" in sheet and "<v>-3</v>" in sheet


async def test_pdf_has_its_pages_and_an_end() -> None:
    short = await made(pdf_writer.write)
    assert short.startswith(b"%PDF-") and short.rstrip().endswith(b"%%EOF")
    long = await made(pdf_writer.write, pdf_writer.MAX_ROWS)
    assert long.count(b"/Type /Page\n") + long.count(b"/Type /Page ") > 50


@pytest.mark.parametrize("write", [csv_writer.write, xlsx_writer.write], ids=["csv", "xlsx"])
async def test_more_rows_take_no_more_memory(write: Write) -> None:
    async def peak(times: int) -> int:
        table = Table("Things", ("Name", "Amount", "When"), batches(ROWS * 125, times))
        tracemalloc.start()
        async for _ in write(table):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    await peak(1)
    assert await peak(40) < 2 * await peak(4) + 1_000_000


async def test_every_row_of_one_moment_and_few_at_once(world: World) -> None:
    owner, other = await world.customer(), await world.customer()
    for account, many in ((owner, 1203), (other, 5)):
        await world.execute(
            "INSERT INTO notifications (account_id, type, title, message) "
            "SELECT $1, 'test', 'Title ' || n, 'Words' FROM generate_series(1, $2::int) n",
            account, many,
        )  # fmt: skip

    def line(n: Notification) -> list[Cell]:
        return [n.title, n.created_at]

    def export() -> AsyncGenerator[bytes, None]:
        return exports.export(
            world.services, "csv", "Messages", ("Title", "When"), notifications.of_account, Wanted(), line,
            account_id=owner,
        )  # fmt: skip

    first = export()
    # The heading, and the rows that the database is asked for first.
    head = await anext(first) + await anext(first)
    # What comes while it runs is not of its moment.
    late = "INSERT INTO notifications (account_id, type, title, message) VALUES ($1, 'test', 'Late', 'Words')"
    await world.execute(late, owner)
    text = head + b"".join([piece async for piece in first])
    titles = [row[0] for row in csv.reader(io.StringIO(text.decode()))][1:]
    assert sorted(titles) == sorted(f"Title {n}" for n in range(1, 1204))
    running = [export() for _ in range(MOST_AT_ONCE)]
    for one in running:
        await anext(one)
    with pytest.raises(TooManyReports):
        await anext(export())
    for one in running:
        await one.aclose()
    again = export()
    assert await anext(again)
    await again.aclose()
