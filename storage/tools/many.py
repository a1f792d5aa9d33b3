"""Rows of a database that is as large as a city of some years, for the bench of lists."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from storage.database.binder import Statements
from storage.database.pool import Pool

#: Bookings that are made, with what hangs on them, in one transaction.
BATCH = 10_000
#: Everybody's names are hashes of theirs: these are who has a twentieth of everything.
ACCOUNT_ID = UUID("93963cf8-89dd-7267-2a52-9096c97cae8b")
TECHNICIAN_ID = UUID("8a02bfb8-b99c-320c-4abe-da352d0be6ad")
#: And who has a few.
ORGANISATION_ID = UUID("3dda443a-e069-35b8-4a7c-2859c519e664")

sql = Statements("many")
bare = sql.run("bare")
whole = sql.run("whole")
accounts = sql.run("accounts")
technicians = sql.run("technicians")
services = sql.run("services")
organisations = sql.run("organisations")
wallets = sql.run("wallets")
bookings = sql.run("bookings")
#: What hangs on the bookings of a batch, in the order of their keys.
FOLLOWING = [
    sql.run(name)
    for name in (
        "words", "items", "payments", "offers", "assignments", "agenda", "payouts", "earnings", "notifications",
        "ledger", "looks",
    )
]  # fmt: skip
money = sql.run("money")
backend = sql.scalar("backend", int)
unhurried = sql.run("unhurried")
tidy = sql.run("tidy")
#: How long indexes, and tidying, may take, in seconds.
TIDY_S = 900.0


async def fill(pool: Pool, rows: int, say: Callable[[str], None], *, with_money: bool = False) -> None:
    """Makes so many bookings, and what hangs on them, in an empty database that is thrown away after.

    `with_money` also the journals of what came in.
    """
    async with pool.transaction() as conn:
        await bare(conn)
        await accounts(conn, rows=rows)
        await technicians(conn, rows=rows)
        await services(conn)
        await organisations(conn)
        await wallets(conn)
    for first in range(1, rows + 1, BATCH):
        last = min(first + BATCH - 1, rows)
        async with pool.transaction() as conn:
            await bookings(conn, rows=rows, first=first, last=last)
            for statement in (*FOLLOWING, money) if with_money else FOLLOWING:
                await statement(conn, first=first, last=last)
        if last * 10 // rows > (first - 1) * 10 // rows:
            say(f"made {last:,} of {rows:,} bookings")
    async with pool.connection() as conn:
        await unhurried(conn)
        for statement in (whole, tidy):
            await conn.execute(statement.text, timeout=TIDY_S)
