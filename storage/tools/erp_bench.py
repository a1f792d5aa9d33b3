"""Rows of trade partners for the bench: as many as a large ERP has, in a database that is thrown away after."""

from __future__ import annotations

from storage.database.binder import Statements
from storage.database.pool import Conn
from storage.trade_partners import Placed

sql = Statements("erp_bench")

partners = sql.run("partners")
tidy = sql.run("tidy")
placed = sql.rows("placed", Placed)
#: Partners that are made in one statement, and how long tidying may take, in seconds.
BATCH, TIDY_S = 1_000, 300.0


async def fill(conn: Conn, count: int) -> None:
    """Makes so many partners where there are none."""
    for first in range(1, count + 1, BATCH):
        await partners(conn, first=first, last=min(first + BATCH - 1, count))
    await conn.execute(tidy.text, timeout=TIDY_S)
