"""A cluster that somebody else made becomes one of ours: it gets the names that the embedded server knows."""

from __future__ import annotations

from pathlib import Path

from storage.database.embedded import EmbeddedError
from storage.database.errors import StorageError
from storage.database.pool import connected
from storage.database.role import OBJECTS, ROLE, SUPERUSER, address

#: Who may do everything, best under the name that is wanted.
_WHO_MAY = "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY rolname <> $1, oid LIMIT 1"
_HAS_ROLE = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
_HAS_DATABASE = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"


async def adopt(inner: Path, user: str, database: str) -> None:
    """The server with its socket in `inner`, where the application was `user` in `database`, knows it as ours from now
    on, and has the superuser that copies everything. What else is in it stays.

    Nobody else may be connected. Raises EmbeddedError.
    """
    try:
        async with connected(address(inner, user, database)) as conn:
            who_may = await conn.fetchval(_WHO_MAY, SUPERUSER)
        if who_may is None:
            raise EmbeddedError("Nobody in this database may give it the names that an embedded one has.")
        await _name(inner, who_may, user, database)
        if user != ROLE:
            async with connected(address(inner, who_may, ROLE)) as conn:
                await conn.execute(OBJECTS)
    except StorageError as e:
        raise EmbeddedError(f"The database cannot be given the names that an embedded one has: {e}.") from e


async def _name(inner: Path, who_may: str, user: str, database: str) -> None:
    # By way of a database that everybody has: nobody renames the one that they are in.
    async with connected(address(inner, who_may, "template1")) as conn:
        for role, rights in ((SUPERUSER, "LOGIN SUPERUSER REPLICATION"), (ROLE, "LOGIN")):
            verb = "ALTER" if await conn.fetchval(_HAS_ROLE, role) else "CREATE"
            await conn.execute(f"{verb} ROLE {role} {rights}")
        if database != ROLE:
            if await conn.fetchval(_HAS_DATABASE, ROLE):
                raise EmbeddedError(
                    f"The application's database, {database}, would have to be named {ROLE} here, and another one is: "
                    "rename that, and make a new backup."
                )
            await conn.execute(f"ALTER DATABASE {_quoted(database)} RENAME TO {ROLE}")
        if user != ROLE:
            await conn.execute(f"ALTER DATABASE {ROLE} OWNER TO {ROLE}")
        if not await conn.fetchval(_HAS_DATABASE, SUPERUSER):
            await conn.execute(f"CREATE DATABASE {SUPERUSER}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
