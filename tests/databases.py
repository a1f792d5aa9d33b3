"""Databases for tests: copies of a migrated template, emptied and used again, because a copy costs a quarter second."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

import asyncpg

TEMPLATE = "dispatch_template"
#: A database is used so often before it goes: deleted rows stay in its pages, as nothing vacuums here.
MOST_USES = 40

#: What must be as it was in the template, or the database is not used again: the shape of everything, and that nobody
#: made statistics of it, by which plans would differ.
SHAPE = """
SELECT md5(string_agg(found, ',' ORDER BY found)) FROM (
  SELECT concat_ws(' ', 'c', oid, relname, relkind, relnatts, relchecks, relhastriggers, reltuples < 1) AS found
    FROM pg_class WHERE relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', 'f', oid, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
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

#: Back to that: what a test wrote goes, what the migrations wrote is there again. No trigger and no foreign key
#: speaks, because append-only tables are emptied too.
EMPTY = """
DO $$
DECLARE t record; filled boolean; columns text;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR t IN SELECT format('%I', relname) AS name, c.oid, p.name AS kept FROM pg_class c
    LEFT JOIN pristine.rows_of p ON p.name = format('%I', relname)
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
  LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%s)', t.name) INTO filled;
    IF filled OR t.kept IS NOT NULL THEN
      EXECUTE format('DELETE FROM public.%s', t.name);
    END IF;
    IF t.kept IS NOT NULL THEN
      SELECT string_agg(format('%I', attname), ', ') INTO columns FROM pg_attribute
        WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
      EXECUTE format('INSERT INTO public.%s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM pristine.%s',
        t.name, columns, columns, t.name);
    END IF;
  END LOOP;
  PERFORM setval(format('public.%s', s.name), COALESCE(s.at, q.start_value), s.at IS NOT NULL)
    FROM pristine.sequence_at s JOIN pg_sequences q ON format('%I', q.sequencename) = s.name
    WHERE q.schemaname = 'public' AND q.last_value IS DISTINCT FROM s.at;
END $$;
"""


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
class Databases:
    """Those of one worker that wait to be used again, each with how often it was."""

    home: str
    _free: list[tuple[str, int]] = field(default_factory=list)
    _shape: str = ""

    async def take(self) -> tuple[str, int]:
        """The name of a database like the template, and how often it was used before."""
        if not self._shape:
            self._shape = await self._shape_of(TEMPLATE)
        return self._free.pop() if self._free else (await copy(self.home), 0)

    async def give_back(self, name: str, uses: int) -> None:
        """What a test has used: emptied if its shape is the template's and nobody is left in it, dropped otherwise."""
        if uses + 1 < MOST_USES and await self._emptied(name):
            self._free.append((name, uses + 1))
        else:
            await self._drop(name)

    async def _emptied(self, name: str) -> bool:
        try:
            conn = await asyncpg.connect(dsn_to(self.home, name))
        except (asyncpg.PostgresError, OSError):
            return False  # a test that renamed or dropped it, or stopped the server
        try:
            others = await conn.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'",
                name,
            )
            if others or await conn.fetchval(SHAPE) != self._shape:
                return False
            await conn.execute(EMPTY)
            return True
        except (asyncpg.PostgresError, OSError):
            return False
        finally:
            await conn.close()

    async def _drop(self, name: str) -> None:
        try:
            admin = await asyncpg.connect(dsn_to(self.home, "postgres"))
        except (asyncpg.PostgresError, OSError):
            return
        try:
            await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        finally:
            await admin.close()

    async def _shape_of(self, name: str) -> str:
        conn = await asyncpg.connect(dsn_to(self.home, name))
        try:
            return str(await conn.fetchval(SHAPE))
        finally:
            await conn.close()
