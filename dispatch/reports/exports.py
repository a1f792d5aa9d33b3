"""A list as a file: every row that is wanted, through a cursor of the database, in bounded memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

from dispatch.errors import Unavailable
from dispatch.reports import csv_writer, pdf_writer, xlsx_writer
from dispatch.reports.rows import Cell, Format, Table
from dispatch.services import Services
from storage.database.listing import Listed, Wanted
from storage.database.pool import Conn, snapshot

T = TypeVar("T")

#: Each holds a connection as long as its reader takes; others must find one too.
MOST_AT_ONCE = 3
_WRITERS = {"csv": csv_writer.write, "xlsx": xlsx_writer.write, "pdf": pdf_writer.write}
_running: list[object] = []


class TooManyReports(Unavailable):
    """Other reports are being made just now; try again shortly."""

    code = "reports_busy"


async def export(
    services: Services,
    form: Format,
    title: str,
    columns: Sequence[str],
    listed: Listed[T],
    wanted: Wanted,
    line: Callable[[T], Sequence[Cell]],
    **given: Any,
) -> AsyncGenerator[bytes, None]:
    """The file in pieces, of one moment's rows. Raises TooManyReports before the first piece."""

    async def lines(conn: Conn, rows: Sequence[T]) -> Sequence[Sequence[Cell]]:
        return [line(row) for row in rows]

    async with reading(services) as conn:
        pieces = written(conn, form, title, columns, listed, wanted, lines, **given)
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece


async def written(
    conn: Conn,
    form: Format,
    title: str,
    columns: Sequence[str],
    listed: Listed[T],
    wanted: Wanted,
    lines: Callable[[Conn, Sequence[T]], Awaitable[Sequence[Sequence[Cell]]]],
    **given: Any,
) -> AsyncGenerator[bytes, None]:
    """The same on a connection of `reading`, for rows of which more is asked, some hundred at a time."""
    async with aclosing(listed.stream(conn, wanted, **given)) as found:

        async def batches() -> AsyncIterator[Sequence[Sequence[Cell]]]:
            async for rows in found:
                yield await lines(conn, rows)

        async with aclosing(_WRITERS[form](Table(title, columns, batches()))) as pieces:
            async for piece in pieces:
                yield piece


@asynccontextmanager
async def reading(services: Services) -> AsyncIterator[Conn]:
    """A turn at reading much: the rows of one moment. Raises TooManyReports."""
    if len(_running) >= MOST_AT_ONCE:
        raise TooManyReports(retry_after_s=5)
    turn = object()
    _running.append(turn)
    try:
        async with snapshot(services.pool) as conn:
            yield conn
    finally:
        _running.remove(turn)
