"""A draft takes the database's place at once, or was never there."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from storage.database import draft
from storage.database.errors import StorageError
from storage.database.hosts import of_database
from tests.conftest import clone


async def ask(dsn: str, *statements: str) -> Any:
    conn = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            found = await conn.fetchval(statement)
        return found
    finally:
        await conn.close()


async def test_a_draft_is_a_copy_that_takes_the_place(pg_home: str) -> None:
    dsn = await clone(pg_home)
    await ask(dsn, "CREATE TABLE words (word text)", "INSERT INTO words VALUES ('before')")
    given_up = await draft.begin(dsn)
    await ask(given_up, "UPDATE words SET word = 'given up'")
    made = await draft.begin(dsn)
    assert made == given_up and await ask(made, "UPDATE words SET word = word || ', after' RETURNING word") == (
        "before, after"
    )
    assert await ask(dsn, "SELECT word FROM words") == "before"
    await draft.finish(dsn)
    assert await ask(dsn, "SELECT word FROM words") == "before, after"
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await ask(made, "SELECT 1")


async def test_who_uses_the_database_keeps_it(pg_home: str) -> None:
    dsn = await clone(pg_home)
    await draft.begin(dsn)
    other = await asyncpg.connect(dsn)
    try:
        with pytest.raises(StorageError, match="being accessed by other users"):
            await draft.begin(dsn)
        with pytest.raises(StorageError):
            await draft.finish(dsn)
        assert await other.fetchval("SELECT 1") == 1
    finally:
        await other.close()
    assert await ask(dsn, "SELECT count(*) FROM schema_migrations") > 0


async def test_a_long_name_is_refused_and_not_cut_off(pg_home: str) -> None:
    """PostgreSQL cuts names off: what is thrown away as a draft's would be the database itself."""
    dsn = await clone(pg_home)
    for length in (63, 48):
        long = "d" * length
        await ask(dsn, f"CREATE DATABASE {long}")
        try:
            with pytest.raises(StorageError, match="is too long to be given another ending"):
                await draft.begin(of_database(dsn, long))
            assert await ask(of_database(dsn, long), "SELECT current_database()") == long
        finally:
            await ask(dsn, f"DROP DATABASE IF EXISTS {long}")
