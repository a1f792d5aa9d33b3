"""What the next user of a connection finds: nothing."""

from __future__ import annotations

import importlib
import pkgutil
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import asyncpg
import pytest

import storage
from storage.database.binder import REGISTRY
from storage.database.connection import Connection, leaves_state
from storage.database.errors import (
    StorageError,
)
from storage.database.pool import Pool, translated

CURSORS = "SELECT count(*) > 0 FROM pg_cursors WHERE name <> ''"


#: Of this database alone: other tests hold locks in theirs.
ADVISORY = (
    "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


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
    assert not leaves_state("(SELECT 1) UNION ALL (SELECT 2)")
    assert not leaves_state("SELECT set_config('synchronous_commit', 'off', true)")
    assert leaves_state("SELECT set_config('synchronous_commit', 'off', false)")
    assert leaves_state("SELECT set_config('a', 'b', true), set_config('c', 'd', $1)")
    for module in pkgutil.walk_packages(storage.__path__, "storage."):
        importlib.import_module(module.name)
    # Those that fill a database for the bench do, and their connection is reset.
    assert {s.noun for s in REGISTRY if leaves_state(s.text)} <= {"many", "many_lists", "erp_bench", "provider_bench"}


async def test_arrays_are_asked_for_once_and_not_by_every_connection(one: Pool) -> None:
    met: list[Any] = []
    asked: list[str] = []
    for _ in range(3):
        async with one.connection() as conn:
            await conn.execute("CREATE TYPE mood AS ENUM ('well', 'ill')")
            conn.add_query_logger(lambda query: asked.append(query.query))  # type: ignore[arg-type]
            met.append(await conn.fetchrow("SELECT $1::uuid[], '{1}'::money[], '{3,1}'::xid[]", [UUID(int=7)]))
            # What a database has made for itself may be another thing in the next: each connection asks.
            assert await conn.fetchval("SELECT '{well}'::mood[]") == ["well"]
            await conn.execute("DROP TYPE mood")
        await one.raw.expire_connections()
    assert met[0] == met[1] == met[2] and met[0][0] == [UUID(int=7)]
    assert len([text for text in asked if "typeinfo_tree" in text]) in (3, 4)  # arrays: here, or by an earlier test
