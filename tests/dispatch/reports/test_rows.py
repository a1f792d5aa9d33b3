"""Rows of an export: of one moment, few at once."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import AsyncGenerator

import pytest

from dispatch.reports import csv_writer, exports, xlsx_writer
from dispatch.reports.exports import MOST_AT_ONCE, TooManyReports
from dispatch.reports.rows import Cell, Table
from storage import notifications
from storage.database.listing import Wanted
from storage.notifications import Notification
from tests.dispatch.reports.sheets import ROWS, Write, batches
from tests.world import World


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
    # Of the 6,000 rows between them none may stay: the least of them takes a hundred bytes.
    assert await peak(16) < await peak(4) + 400_000


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
