"""Migrations: in order, once, together with others, and with errors that say where."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg
import pytest

from storage.database.migrate import MigrationError, migrate, read
from storage.database.pool import create_pool

Connection: TypeAlias = "asyncpg.Connection[Any]"


@pytest.fixture
async def empty(pg_home: str, fresh_dsn: str) -> AsyncIterator[str]:
    """The DSN of a database without our schema."""
    conn = await asyncpg.connect(fresh_dsn)
    await conn.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await conn.close()
    yield fresh_dsn


@pytest.fixture
async def conn(empty: str) -> AsyncIterator[Connection]:
    made = await asyncpg.connect(empty)
    yield made
    await made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (n int);\nINSERT INTO first VALUES (1);")
    (tmp_path / "0002_second.sql").write_text("ALTER TABLE first ADD COLUMN m int;")
    return tmp_path


async def test_all_once_in_order(conn: Connection, folder: Path) -> None:
    names = ["0001_first.sql", "0002_second.sql"]
    assert await migrate(conn, folder, dry_run=True) == names
    assert await migrate(conn, folder) == names
    assert await migrate(conn, folder) == []
    assert await conn.fetchval("SELECT count(*) FROM first") == 1


async def test_none_at_all(conn: Connection, tmp_path: Path) -> None:
    assert await migrate(conn, tmp_path) == []


async def test_a_changed_one_is_refused(conn: Connection, folder: Path) -> None:
    await migrate(conn, folder)
    (folder / "0001_first.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="0001_first.sql was changed"):
        await migrate(conn, folder)


async def test_an_error_names_file_and_line_and_leaves_nothing(conn: Connection, folder: Path) -> None:
    (folder / "0003_bad.sql").write_text("CREATE TABLE third (n int);\n\nSELECT nonsense FROM third;\n")
    with pytest.raises(MigrationError, match=r"^0003_bad.sql, line 3: .*nonsense"):
        await migrate(conn, folder)
    assert await conn.fetchval("SELECT to_regclass('third')") is None
    assert await conn.fetchval("SELECT max(name) FROM schema_migrations") == "0002_second.sql"


async def test_an_error_of_the_data_names_the_file(conn: Connection, folder: Path) -> None:
    (folder / "0003_bad.sql").write_text("ALTER TABLE first ADD CHECK (n > 1)")
    with pytest.raises(MigrationError, match=r"^0003_bad.sql: check"):
        await migrate(conn, folder)


async def test_three_at_once(empty: str, folder: Path) -> None:
    conns = [await asyncpg.connect(empty) for _ in range(3)]
    try:
        done = await asyncio.gather(*(migrate(c, folder) for c in conns))
    finally:
        for c in conns:
            await c.close()
    assert sorted(done, key=len) == [[], [], ["0001_first.sql", "0002_second.sql"]]


ALTERS = "ALTER TABLE first ADD COLUMN late int;"
#: A statement that waits longer stands behind somebody, in milliseconds.
BEHIND_MS = 5_000
#: Whether somebody waits for a lock on a table.
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"


async def test_a_table_that_is_read_for_long_stays_open_to_others(empty: str, conn: Connection, folder: Path) -> None:
    """An export or a dump reads for minutes: whoever came after a migration that waits for it stood behind both."""
    await migrate(conn, folder)
    (folder / "0003_late.sql").write_text(ALTERS)
    reader, other = [await asyncpg.connect(empty) for _ in range(2)]
    try:
        await reader.execute("BEGIN; SELECT count(*) FROM first")
        await other.execute(f"SET statement_timeout = {BEHIND_MS}")
        waiting = asyncio.create_task(migrate(conn, folder, lock_s=0.2, again_s=0.01))
        for _ in range(5):
            while not await other.fetchval(WAITS):
                pass
            assert await other.fetchval("SELECT count(*) FROM first") == 1
        assert not waiting.done()
        await reader.execute("COMMIT")
        assert await waiting == ["0003_late.sql"]
        assert await other.fetchval("SELECT count(late) FROM first") == 0
    finally:
        await reader.close()
        await other.close()


async def test_patience_ends_in_words_and_leaves_nothing(empty: str, conn: Connection, folder: Path) -> None:
    await migrate(conn, folder)
    (folder / "0003_late.sql").write_text(ALTERS)
    reader = await asyncpg.connect(empty)
    try:
        await reader.execute("BEGIN; SELECT count(*) FROM first")
        with pytest.raises(MigrationError, match=r"0003_late.sql: somebody has worked with a table .* try again when"):
            await migrate(conn, folder, lock_s=0.05, again_s=0.01, patience_s=0.0)
    finally:
        await reader.close()
    assert await conn.fetchval("SELECT max(name) FROM schema_migrations") == "0002_second.sql"
    assert await migrate(conn, folder) == ["0003_late.sql"]


def test_a_number_stands_once(folder: Path) -> None:
    (folder / "0002_other.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match="0002 stand twice"):
        read(folder)


async def test_the_template_is_whole(fresh_dsn: str) -> None:
    pool = await create_pool(fresh_dsn, min_size=1, max_size=2)
    async with pool.connection() as conn:
        applied = [r["name"] for r in await conn.fetch("SELECT name FROM schema_migrations ORDER BY name")]
    await pool.close()
    from storage.database.migrate import FOLDER

    assert applied == [name for name, _ in read(FOLDER)]
