"""Databases for tests: copies of a migrated template, emptied and used again, because a copy costs a quarter second."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from storage.database.pool import Conn, Pool, create_pool

TEMPLATE = "dispatch_template"
#: A database is used so often before it goes: deleted rows stay in its pages, as nothing vacuums here.
MOST_USES = 40

#: What must be as it was in the template, or the database is not used again: the shape of everything, and that nobody
#: made statistics of it, by which plans would differ. What app_now() does goes by the row that a test may set.
SHAPE = """
SELECT md5(string_agg(found, ',' ORDER BY found)) FROM (
  SELECT concat_ws(' ', 'c', oid, relname, relkind, relnatts, relchecks, relhastriggers, reltuples < 1) AS found
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', 'f', oid, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND proname <> 'app_now'
  UNION ALL SELECT concat_ws(' ', 'k', oid, convalidated) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', 't', oid, tgenabled) FROM pg_trigger
  UNION ALL SELECT concat_ws(' ', 's', nspname) FROM pg_namespace WHERE nspname !~ '^pg_'
) shape
"""

#: In the template: what its tables and sequences hold.
REMEMBER = """
CREATE SCHEMA pristine;
DO $$
DECLARE t record; filled boolean;
BEGIN
  CREATE TABLE pristine.rows_of (name text PRIMARY KEY);
  CREATE TABLE pristine.sequence_at (name text PRIMARY KEY, at bigint);
  FOR t IN SELECT format('%I', relname) AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%s)', t.name) INTO filled;
    IF filled THEN
      EXECUTE format('CREATE TABLE pristine.%s AS TABLE public.%s', t.name, t.name);
      INSERT INTO pristine.rows_of VALUES (t.name);
    END IF;
  END LOOP;
  INSERT INTO pristine.sequence_at SELECT format('%I', sequencename), last_value FROM pg_sequences
    WHERE schemaname = 'public';
END $$;
"""

#: Which tables hold rows though the migrations left none in them; composed once for all, from their names.
_IS_FILLED = "SELECT '{0}' WHERE EXISTS (SELECT FROM public.{0})"
#: How the tables look in which the migrations left rows: what a test wrote or took away shows in one of the two.
_LOOK = "SELECT '{0}', count(*), max(xmin::text::bigint) FROM public.{0}"
TABLES = """
SELECT format('%I', relname) AS name, p.name IS NOT NULL AS is_kept,
  (SELECT string_agg(format('%I', attname), ', ') FROM pg_attribute
    WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns
FROM pg_class c LEFT JOIN pristine.rows_of p ON p.name = format('%I', relname)
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
REWIND = """
SELECT setval(format('public.%s', s.name), COALESCE(s.at, q.start_value), s.at IS NOT NULL)
FROM pristine.sequence_at s JOIN pg_sequences q ON format('%I', q.sequencename) = s.name
WHERE q.schemaname = 'public' AND q.last_value IS DISTINCT FROM s.at
"""
#: Who is in a database, but for the pool that waits there between two tests.
_OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND backend_type = 'client backend' AND (application_name <> $1 OR state <> 'idle')
"""
#: By this the pools of tests are told from those that servers open.
_NAME = "dispatch tests"


def dsn_to(home: str, database: str) -> str:
    return f"postgresql://postgres@/{database}?host={home}/db"


async def copy(home: str) -> str:
    """A fresh database like the template; returns its name."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(dsn_to(home, "postgres"))
    try:
        while True:
            try:
                await admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
                return name
            except asyncpg.ObjectInUseError:
                # Another worker is copying the template just now.
                await asyncio.sleep(0.05)
    finally:
        await admin.close()


@dataclass(slots=True)
class Database:
    """One that tests use in turn. Its pool stays open between them: a new connection knows no table and no plan, and to
    learn them costs more than most tests do.
    """

    dsn: str
    raw: asyncpg.Pool[Any]
    #: How often it was used, and how the tables look in which the migrations left rows.
    uses: int = 0
    look: set[tuple[Any, ...]] = field(default_factory=set)

    @property
    def name(self) -> str:
        return self.dsn.partition("?")[0].rpartition("/")[2]

    @property
    def pool(self) -> Pool:
        """For one test."""
        return Pool(self.raw, self.dsn)


@dataclass(slots=True)
class Databases:
    """Those of one worker that wait to be used again."""

    home: str
    _free: list[Database] = field(default_factory=list)
    _shape: str = ""
    _filled: str = ""
    _look: str = ""
    _columns: dict[str, str] = field(default_factory=dict)

    async def take(self) -> Database:
        """One like the template."""
        if not self._shape:
            await self._learn()
        if self._free:
            return self._free.pop()
        dsn = dsn_to(self.home, await copy(self.home))
        made = Database(dsn, (await create_pool(dsn, min_size=1, max_size=16, application_name=_NAME)).raw)
        async with made.raw.acquire() as conn:
            made.look = await self._looked(conn)
        return made

    async def give_back(self, used: Database) -> None:
        """What a test has used: emptied if its shape is the template's and nobody is left in it, dropped otherwise."""
        used.uses += 1
        if used.uses < MOST_USES and await self._emptied(used):
            self._free.append(used)
        else:
            await self._drop(used)

    async def close(self) -> None:
        while self._free:
            await self._drop(self._free.pop())

    async def _learn(self) -> None:
        conn = await asyncpg.connect(dsn_to(self.home, TEMPLATE))
        try:
            self._shape = str(await conn.fetchval(SHAPE))
            tables = await conn.fetch(TABLES)
        finally:
            await conn.close()
        self._columns = {t["name"]: t["columns"] for t in tables}
        self._filled = " UNION ALL ".join(_IS_FILLED.format(t["name"]) for t in tables if not t["is_kept"])
        self._look = " UNION ALL ".join(_LOOK.format(t["name"]) for t in tables if t["is_kept"])

    async def _looked(self, conn: Conn) -> set[tuple[Any, ...]]:
        return {tuple(row) for row in await conn.fetch(self._look)}

    async def _emptied(self, used: Database) -> bool:
        raw = used.raw
        if raw.is_closing() or raw.get_size() != raw.get_idle_size():
            return False
        try:
            async with raw.acquire() as conn:
                if await conn.fetchval(_OTHERS, _NAME) or await conn.fetchval(SHAPE) != self._shape:
                    return False
                await self._empty(used, conn)
                return True
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            return False  # a test that renamed or dropped it, or stopped the server

    async def _empty(self, used: Database, conn: Conn) -> None:
        """What a test wrote goes, what the migrations wrote is there again. No trigger and no foreign key speaks,
        because append-only tables are emptied too.
        """
        changed = {name for name, *_ in used.look ^ await self._looked(conn)}
        async with conn.transaction():
            # One message: each costs more than what most of its statements do.
            work = ["SET LOCAL session_replication_role = replica"]
            work += [f"DELETE FROM public.{name}" for (name,) in await conn.fetch(self._filled)]
            for name in changed:
                columns = self._columns[name]
                work += [
                    f"DELETE FROM public.{name}",
                    f"INSERT INTO public.{name} ({columns}) OVERRIDING SYSTEM VALUE "
                    f"SELECT {columns} FROM pristine.{name}",
                ]
            await conn.execute("; ".join(work))
            await conn.fetch(REWIND)
        if changed:
            used.look = await self._looked(conn)

    async def _drop(self, used: Database) -> None:
        used.raw.terminate()
        try:
            admin = await asyncpg.connect(dsn_to(self.home, "postgres"))
        except (asyncpg.PostgresError, OSError):
            return
        try:
            await admin.execute(f"DROP DATABASE IF EXISTS {used.name} WITH (FORCE)")
        finally:
            await admin.close()
