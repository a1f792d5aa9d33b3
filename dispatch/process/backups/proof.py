"""Whether what was restored is sound: the ledger, the audit's chain, the schema."""

from __future__ import annotations

from dispatch.billing import ledger_check
from dispatch.engine import audit
from storage.database.migrate import pending
from storage.database.pool import create_pool


async def findings(dsn: str) -> list[str]:
    """What is not sound in a database, a sentence each."""
    if missing := await pending(dsn):
        # Of an older version of the server: its questions are not ours.
        return [f"{len(missing)} migrations are missing: run `dispatch migrate`"]
    pool = await create_pool(dsn, min_size=1, max_size=2)
    try:
        async with pool.connection() as conn:
            found = [f"{f.meaning}: {f.subject}" for f in await ledger_check.check(conn)]
            return found + await audit.verify(conn)
    finally:
        await pool.close()
