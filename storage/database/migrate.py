"""Numbered .sql files, applied once each, forward only, under one advisory lock."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import asyncpg

from storage import locks
from storage.database.errors import StorageError
from storage.database.pool import connected

FOLDER = Path(__file__).parents[1] / "migrations"

_POLL_S = 0.2
#: The longest wait for another process that migrates.
_PATIENCE_S = 300.0
_TABLE = """CREATE TABLE IF NOT EXISTS schema_migrations (
  name text PRIMARY KEY, sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(), took interval NOT NULL)"""
_RECORD = "INSERT INTO schema_migrations (name, sha256, took) VALUES ($1, $2, clock_timestamp() - now())"


class MigrationError(StorageError):
    """A migration failed, or one was changed after it had been applied."""


async def migrate(conn: asyncpg.Connection[Any], folder: Path = FOLDER, *, dry_run: bool = False) -> list[str]:
    """Applies what is missing and returns the names. Raises MigrationError, which names file and line."""
    done: list[str] = []
    # Polled, not awaited: a session blocked in pg_advisory_lock holds a snapshot, with which a concurrent
    # CREATE INDEX CONCURRENTLY would deadlock.
    patience = int(_PATIENCE_S / _POLL_S)
    while not await conn.fetchval("SELECT pg_try_advisory_lock($1)", locks.MIGRATION):
        patience -= 1
        if patience < 0:
            raise MigrationError(f"another process has migrated for {_PATIENCE_S:.0f} s: try again later")
        await asyncio.sleep(_POLL_S)
    try:
        await conn.execute(_TABLE)
        known = dict(await conn.fetch("SELECT name, sha256 FROM schema_migrations"))
        for name, sql in read(folder):
            digest = hashlib.sha256(sql.encode()).hexdigest()
            if name in known:
                if known[name] != digest:
                    raise MigrationError(f"{name} was changed after it had been applied")
                continue
            done.append(name)
            if not dry_run:
                await _apply(conn, name, sql, digest)
    finally:
        if not conn.is_closed():
            await conn.execute("SELECT pg_advisory_unlock($1)", locks.MIGRATION)
    return done


def read(folder: Path) -> list[tuple[str, str]]:
    """Name and text of each migration, in order. Raises MigrationError for a number given twice."""
    paths = sorted(folder.glob("[0-9]*.sql"))
    numbers = [path.name.split("_")[0] for path in paths]
    if twice := {n for n in numbers if numbers.count(n) > 1}:
        raise MigrationError(f"the migration numbers {', '.join(sorted(twice))} stand twice")
    return [(path.name, path.read_text("utf-8")) for path in paths]


async def pending(dsn: str) -> list[str]:
    """The migrations that this database still lacks."""
    async with connected(dsn) as conn:
        return await migrate(conn, dry_run=True)


async def migrate_dsn(dsn: str) -> list[str]:
    """Connects, migrates and returns the names of what was applied."""
    async with connected(dsn) as conn:
        return await migrate(conn)


async def _apply(conn: asyncpg.Connection[Any], name: str, sql: str, digest: str) -> None:
    try:
        async with conn.transaction():
            await conn.execute(sql)
            await conn.execute(_RECORD, name, digest)
    except asyncpg.PostgresError as e:
        # Only errors of the text carry a position; one of the data (a constraint) names the file alone.
        position = getattr(e, "position", None)
        where = f"{name}, line {sql.count(chr(10), 0, int(position) - 1) + 1}" if position else name
        raise MigrationError(f"{where}: {e}", e.sqlstate) from e
