"""Numbered .sql files, applied once each, forward only, under one advisory lock."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from pathlib import Path
from typing import Any

import asyncpg

from storage import locks
from storage.database.errors import StorageError
from storage.database.pool import connected

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parents[1] / "migrations"

_POLL_S = 0.2
#: The longest wait for another process that migrates, and for a table that somebody works with.
_PATIENCE_S = 300.0
#: So long a migration waits for a table at a time, in seconds: whoever wants the table meanwhile stands behind it.
LOCK_S = 2.0
#: How long it lets them go first, in seconds.
_AGAIN_S = 3.0
_TABLE = """CREATE TABLE IF NOT EXISTS schema_migrations (
  name text PRIMARY KEY, sha256 text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(), took interval NOT NULL)"""
_RECORD = "INSERT INTO schema_migrations (name, sha256, took) VALUES ($1, $2, clock_timestamp() - now())"


class MigrationError(StorageError):
    """A migration failed, or one was changed after it had been applied."""


async def migrate(
    conn: asyncpg.Connection[Any],
    folder: Path = FOLDER,
    *,
    dry_run: bool = False,
    lock_s: float = LOCK_S,
    again_s: float = _AGAIN_S,
    patience_s: float = _PATIENCE_S,
) -> list[str]:
    """Applies what is missing and returns the names. Raises MigrationError, which names file and line.

    Servers may be at work meanwhile: who waits for a table longer than `lock_s` lets go and comes again after
    `again_s`, for `patience_s` in all (seconds). A table that somebody reads for long, as an export or a dump does,
    would else be closed to everybody for as long as they read.
    """
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
                await _apply_patiently(conn, name, sql, digest, lock_s, again_s, patience_s)
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


async def _apply_patiently(
    conn: asyncpg.Connection[Any], name: str, sql: str, digest: str, lock_s: float, again_s: float, patience_s: float
) -> None:
    began, is_told = time.monotonic(), False
    while True:
        try:
            return await _apply(conn, name, sql, digest, lock_s)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as e:
            if time.monotonic() - began >= patience_s:
                raise MigrationError(
                    f"{name}: somebody has worked with a table for {patience_s:.0f} s that must be had alone ({e}): "
                    "try again when no export, backup or long statement runs", e.sqlstate,
                ) from e  # fmt: skip
        if not is_told:
            log.warning("%s waits for a table that somebody works with, for up to %.0f s", name, patience_s)
            is_told = True
        await asyncio.sleep(again_s)


async def _apply(conn: asyncpg.Connection[Any], name: str, sql: str, digest: str, lock_s: float) -> None:
    try:
        async with conn.transaction():
            await conn.execute(f"SET LOCAL lock_timeout = {round(lock_s * 1000)}")
            await conn.execute(sql)
            await conn.execute(_RECORD, name, digest)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        raise
    except asyncpg.PostgresError as e:
        # Only errors of the text carry a position; one of the data (a constraint) names the file alone.
        position = getattr(e, "position", None)
        where = f"{name}, line {sql.count(chr(10), 0, int(position) - 1) + 1}" if position else name
        raise MigrationError(f"{where}: {e}", e.sqlstate) from e
