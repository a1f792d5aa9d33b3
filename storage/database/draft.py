"""A draft of a database: a copy to work on, which takes its place once it is finished, and else was never there.

`admin_dsn` names who may make databases, where that is not the user of `dsn`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storage.database.errors import StorageError
from storage.database.hosts import of_database
from storage.database.pool import Conn, connected

#: Behind the database's own name, what nobody else gives: a database that is named so is thrown away.
_DRAFT, _BEFORE = "_dispatch_draft", "_dispatch_before"
_OWNER = "SELECT datdba::regrole::text FROM pg_database WHERE datname = $1"


async def begin(dsn: str, admin_dsn: str | None = None) -> str:
    """The DSN of a copy; one that was given up, however it ended, goes first.

    Raises StorageError when none can be made, as when somebody else uses the database just now.
    """
    async with _admin(dsn, admin_dsn) as (admin, name):
        for left in (_DRAFT, _BEFORE):
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}{left}" WITH (FORCE)')
        owner = await admin.fetchval(_OWNER, name)
        await admin.execute(f'CREATE DATABASE "{name}{_DRAFT}" TEMPLATE "{name}" OWNER {owner}')
    return of_database(dsn, name + _DRAFT)


async def finish(dsn: str, admin_dsn: str | None = None) -> None:
    """The draft takes the database's place, at once. Nobody may be connected to either. Raises StorageError."""
    async with _admin(dsn, admin_dsn) as (admin, name):
        async with admin.transaction():
            await admin.execute(f'ALTER DATABASE "{name}" RENAME TO "{name}{_BEFORE}"')
            await admin.execute(f'ALTER DATABASE "{name}{_DRAFT}" RENAME TO "{name}"')
        await admin.execute(f'DROP DATABASE "{name}{_BEFORE}" WITH (FORCE)')


@asynccontextmanager
async def _admin(dsn: str, admin_dsn: str | None) -> AsyncIterator[tuple[Conn, str]]:
    """A connection that may do it, to another database (nobody renames the one they are in), and the name of ours."""
    async with connected(dsn) as here:
        name = str(await here.fetchval("SELECT current_database()"))
        most = int(await here.fetchval("SHOW max_identifier_length"))
    if len((name + _BEFORE).encode()) > most:
        # Cut off, it would be the name of the database itself.
        raise StorageError(f"the name {name} is too long to be given another ending")
    async with connected(admin_dsn or of_database(dsn, "postgres")) as admin:
        yield admin, name
