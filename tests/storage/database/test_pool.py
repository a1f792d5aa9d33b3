"""The pool: JSON as objects, bounded waits, and the driver's errors in our words while bugs stay bugs."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import nullcontext

import asyncpg
import pytest

import storage
from storage.database import pool as pools
from storage.database.binder import REGISTRY
from storage.database.connection import Connection, leaves_state
from storage.database.errors import (
    DatabaseAway,
    DatabaseBusy,
    DatabaseFull,
    StorageError,
    constraint_of,
    is_check,
    is_deadlock,
    is_exclusion,
    is_unique,
)
from storage.database.pool import Conn, Pool, create_pool, translated

TABLE = """CREATE TEMP TABLE things (
  id int CONSTRAINT things_once PRIMARY KEY, size int CONSTRAINT things_small CHECK (size < 10),
  span int4range, CONSTRAINT things_apart EXCLUDE USING gist (span WITH &&))"""


async def test_json_comes_and_goes_as_objects(db: Conn) -> None:
    value = {"a": [1, None, "ü"], "b": {"c": 1.5}}
    assert await db.fetchval("SELECT $1::jsonb", value) == value
    assert await db.fetchval("SELECT $1::json", [1]) == [1]


@pytest.mark.parametrize(
    ("statement", "constraint", "kind"),
    [
        ("INSERT INTO things VALUES (1, 1)", "things_once", is_unique),
        ("INSERT INTO things VALUES (2, 10)", "things_small", is_check),
        ("INSERT INTO things VALUES (3, 1, '[1,3)')", "things_apart", is_exclusion),
    ],
)
async def test_what_fired_is_told(db: Conn, statement: str, constraint: str, kind: object) -> None:
    await db.execute(TABLE)
    await db.execute("INSERT INTO things VALUES (1, 1, '[2,5)')")
    with pytest.raises(StorageError) as caught, translated():
        async with db.transaction():
            await db.execute(statement)
    assert constraint_of(caught.value) == constraint
    kinds = (is_unique, is_check, is_exclusion, is_deadlock)
    assert [k for k in kinds if k(caught.value)] == [kind]


async def test_a_wrong_argument_is_a_bug_and_no_outage(db: Conn) -> None:
    with pytest.raises(StorageError) as caught, translated():
        await db.fetchval("SELECT $1::int", "three")
    assert type(caught.value) is StorageError


async def test_a_wrong_use_of_the_driver_stays_what_it_is(db: Conn) -> None:
    with pytest.raises(asyncpg.InterfaceError), translated():
        await db.fetchval("SELECT $1::int")


async def test_waiting_for_a_connection_is_bounded(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "ACQUIRE_S", 0.05)
    small = await create_pool(fresh_dsn, min_size=1, max_size=1)
    try:
        async with small.connection():
            with pytest.raises(DatabaseBusy):
                async with small.connection():
                    pass
        async with small.connection() as conn:
            assert await conn.fetchval("SELECT 1") == 1
    finally:
        await small.close()


async def test_closing_does_not_wait_for_ever(fresh_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "CLOSE_S", 0.05)
    kept = await create_pool(fresh_dsn, min_size=1, max_size=1)
    await kept.raw.acquire()
    await kept.close()
    with pytest.raises(DatabaseAway):
        async with kept.connection():
            pass


async def test_a_failed_block_is_rolled_back(fresh_pool: Pool) -> None:
    async with fresh_pool.transaction() as conn:
        await conn.execute("CREATE TABLE marks (n int)")
    with pytest.raises(LookupError):
        async with fresh_pool.transaction() as conn:
            await conn.execute("INSERT INTO marks VALUES (1)")
            raise LookupError
    async with fresh_pool.transaction() as conn:
        await conn.execute("INSERT INTO marks VALUES (2)")
    async with fresh_pool.connection() as conn:
        assert [r["n"] for r in await conn.fetch("SELECT n FROM marks")] == [2]


async def test_a_killed_connection_is_away_and_the_next_one_works(fresh_pool: Pool) -> None:
    with pytest.raises(DatabaseAway):
        async with fresh_pool.transaction() as conn:
            pid = await conn.fetchval("SELECT pg_backend_pid()")
            async with fresh_pool.connection() as other:
                await other.execute("SELECT pg_terminate_backend($1, 5000)", pid)
            with translated():
                await conn.execute("SELECT 1")
    async with fresh_pool.connection() as conn:
        assert await conn.fetchval("SELECT 1") == 1


async def test_nobody_there_is_away(tmp_path: object) -> None:
    with pytest.raises(DatabaseAway):
        await create_pool(f"postgresql://postgres@/postgres?host={tmp_path}")


# ---------------------------------------------------------------- what the next user finds

CURSORS = "SELECT count(*) > 0 FROM pg_cursors WHERE name <> ''"
#: Of this database alone: other tests hold locks in theirs.
ADVISORY = (
    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@pytest.fixture
async def one(fresh_dsn: str) -> AsyncIterator[Pool]:
    """A pool of a single connection: whoever comes next gets that one."""
    made = await create_pool(fresh_dsn, min_size=1, max_size=1)
    yield made
    await made.close()


@pytest.fixture
def resets(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    """The connections that were reset."""
    found: list[Connection] = []
    theirs = Connection.get_reset_query

    def noted(self: Connection) -> str:
        found.append(self)
        return theirs(self)

    monkeypatch.setattr(Connection, "get_reset_query", noted)
    return found


async def test_a_connection_that_holds_nothing_is_not_reset(one: Pool, resets: list[Connection]) -> None:
    for _ in range(3):
        async with one.connection() as conn:
            assert await conn.fetchval("SELECT 1") == 1
        async with one.transaction() as conn:
            await conn.execute("SET LOCAL work_mem = '1MB'")
            await conn.fetch("SELECT pg_advisory_xact_lock(5)")
    assert resets == []


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    ("leave", "left"),
    [
        ("SET work_mem = '1234kB'", "SELECT current_setting('work_mem') = '1234kB'"),
        ("SELECT set_config('work_mem', '1234kB', false)", "SELECT current_setting('work_mem') = '1234kB'"),
        ("SELECT pg_advisory_lock(77)", ADVISORY),
        ("SELECT pg_try_advisory_lock_shared(77)", ADVISORY),
        ("LISTEN somebody", "SELECT count(*) > 0 FROM pg_listening_channels()"),
        ("BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 1; COMMIT", CURSORS),
        ("/* a note */ SET SESSION work_mem = '1234kB'", "SELECT current_setting('work_mem') = '1234kB'"),
        ("DO $$ BEGIN PERFORM pg_advisory_lock(77); END $$", ADVISORY),
    ],
)  # fmt: skip
async def test_nothing_leaks_to_the_next_user(one: Pool, leave: str, left: str, fails: bool) -> None:
    with pytest.raises(ZeroDivisionError) if fails else nullcontext():
        async with one.connection() as conn:
            await conn.execute(leave)
            assert await conn.fetchval(left)
            if fails:
                raise ZeroDivisionError
    async with one.connection() as conn:
        assert not await conn.fetchval(left)


async def test_a_listener_and_an_open_transaction_do_not_leak(one: Pool) -> None:
    with pytest.warns(asyncpg.InterfaceWarning):
        async with one.connection() as conn:
            await conn.add_listener("somebody", print)
    async with one.connection() as conn:
        assert await conn.fetch("SELECT * FROM pg_listening_channels()") == []
    with pytest.raises(ZeroDivisionError):
        async with one.transaction() as conn:
            await conn.execute("CREATE TABLE half (n int)")
            async for _ in conn.cursor("SELECT generate_series(1, 100)", prefetch=10):
                raise ZeroDivisionError
    async with one.connection() as conn:
        assert await conn.fetchval("SELECT to_regclass('half') IS NULL") and not await conn.fetchval(CURSORS)


async def test_who_fails_leaves_a_reset_connection(one: Pool, resets: list[Connection]) -> None:
    with pytest.raises(StorageError):
        async with one.connection() as conn:
            with translated():
                await conn.execute("SELECT 1 / 0")
    assert len(resets) == 1


def test_no_statement_of_ours_holds_state() -> None:
    for module in pkgutil.walk_packages(storage.__path__, "storage."):
        importlib.import_module(module.name)
    # Those that fill a database for the bench do, and their connection is reset.
    assert {s.noun for s in REGISTRY if leaves_state(s.text)} <= {"many", "erp_bench", "provider_bench"}


async def test_no_room_is_told_apart(one: Pool) -> None:
    for state in ("53100", "53200", "58030"):
        with pytest.raises(DatabaseFull), translated():
            async with one.connection() as conn:
                await conn.execute(f"DO $$ BEGIN RAISE 'no room' USING ERRCODE = '{state}'; END $$")
