"""What the driver raises is told apart."""

from __future__ import annotations

import asyncpg
import pytest

from storage.database.errors import (
    DatabaseFull,
    StorageError,
    constraint_of,
    is_check,
    is_deadlock,
    is_exclusion,
    is_unique,
)
from storage.database.pool import Conn, Pool, translated

TABLE = """CREATE TEMP TABLE things (
  id int CONSTRAINT things_once PRIMARY KEY, size int CONSTRAINT things_small CHECK (size < 10),
  span int4range, CONSTRAINT things_apart EXCLUDE USING gist (span WITH &&))"""


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


async def test_no_room_is_told_apart(one: Pool) -> None:
    for state in ("53100", "53200", "58030"):
        with pytest.raises(DatabaseFull), translated():
            async with one.connection() as conn:
                await conn.execute(f"DO $$ BEGIN RAISE 'no room' USING ERRCODE = '{state}'; END $$")
