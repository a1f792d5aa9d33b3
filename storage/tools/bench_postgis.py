"""PostGIS as the index benchmark's rival: a throw-away cluster of a PostgreSQL that has it, a geography with GiST."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import asyncpg

from storage.database.embedded import FAST, EmbeddedPostgres

SYSTEM = Path("/usr/lib/postgresql")
#: Nothing of it outlives the run, and a cache that holds everything.
SETTINGS = {**FAST, "shared_buffers": "512MB"}
#: Moves in one statement, as Redis gets them in one pipeline.
BATCH = 1000
_MADE = """
    CREATE EXTENSION postgis;
    CREATE UNLOGGED TABLE technicians (
        id int PRIMARY KEY, skills bigint NOT NULL, available boolean NOT NULL, rating real NOT NULL,
        at geography(Point) NOT NULL
    ) WITH (fillfactor = 50)
"""
_PUT = """
    INSERT INTO technicians
    SELECT id, skills, available, rating, ST_MakePoint(lng, lat)::geography
    FROM unnest($1::int[], $2::bigint[], $3::boolean[], $4::real[], $5::float8[], $6::float8[])
         AS t (id, skills, available, rating, lng, lat)
"""
_INDEXED = "CREATE INDEX technicians_at ON technicians USING gist (at)"
#: The whole filter where the rows are, nearest first by the index: the best that it can be asked.
_NEAR = """
    SELECT id FROM technicians
    WHERE ST_DWithin(at, ST_MakePoint($1, $2)::geography, $3) AND available AND skills & $4 = $4 AND rating >= $5
    ORDER BY at <-> ST_MakePoint($1, $2)::geography LIMIT $6
"""
_MOVE = """
    UPDATE technicians SET at = ST_MakePoint(lng, lat)::geography
    FROM unnest($1::int[], $2::float8[], $3::float8[]) AS t (who, lng, lat) WHERE id = who
"""


def find_binaries() -> Path | None:
    """The programs of the newest PostgreSQL here that has PostGIS."""
    for postgres in sorted(SYSTEM.glob("*/bin/postgres"), key=lambda path: -int(path.parts[-3])):
        if (Path("/usr/share/postgresql") / postgres.parts[-3] / "extension" / "postgis.control").exists():
            return postgres.parent
    return None


class PostgisRival:
    """One connection to one server, over a Unix socket. Positions are (lng, lat) in degrees."""

    def __init__(self, conn: asyncpg.Connection, loop: asyncio.AbstractEventLoop, version: str) -> None:
        self._conn, self._loop = conn, loop
        self.version = version

    def put(self, ids: Sequence[int], skills: Sequence[int], available: Sequence[bool], ratings: Sequence[float],
            lngs: Sequence[float], lats: Sequence[float]) -> None:  # fmt: skip
        """Everybody, once."""

        async def put() -> None:
            await self._conn.execute(_PUT, ids, skills, available, ratings, lngs, lats)
            await self._conn.execute(_INDEXED)
            await self._conn.execute("VACUUM ANALYZE technicians")

        self._loop.run_until_complete(put())

    def match(
        self, places: Sequence[tuple[float, float, int]], radius_m: float, min_rating: float, limit: int
    ) -> list[float]:
        """How long each search took, in microseconds: the best `limit` near (lng, lat) with these skills."""

        async def ask() -> list[float]:
            near, took = await self._conn.prepare(_NEAR), []
            for lng, lat, skills in places:
                began = perf_counter()
                await near.fetch(lng, lat, radius_m, skills, min_rating, limit)
                took.append((perf_counter() - began) * 1e6)
            return took

        return self._loop.run_until_complete(ask())

    def move(self, ids: Sequence[int], lngs: Sequence[float], lats: Sequence[float]) -> float:
        """How long it took to put these where they are now, so many in a statement, in seconds."""

        async def move() -> float:
            began = perf_counter()
            for at in range(0, len(ids), BATCH):
                part = slice(at, at + BATCH)
                await self._conn.execute(_MOVE, ids[part], lngs[part], lats[part])
            return perf_counter() - began

        return self._loop.run_until_complete(move())


@contextmanager
def rival() -> Iterator[PostgisRival | None]:
    """A fresh server for this block; None where no PostgreSQL here has PostGIS."""
    binaries = find_binaries()
    if binaries is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="dispatch-bench-") as folder:
        # Entered by the account that runs the database.
        os.chmod(folder, 0o711)
        server, loop = EmbeddedPostgres(Path(folder) / "db", SETTINGS, binaries=binaries), asyncio.new_event_loop()
        server.start()
        try:
            conn = loop.run_until_complete(asyncpg.connect(server.admin_dsn))
            loop.run_until_complete(conn.execute(_MADE))
            version = loop.run_until_complete(conn.fetchval("SELECT PostGIS_Lib_Version()"))
            yield PostgisRival(conn, loop, version)
            loop.run_until_complete(conn.close())
        finally:
            loop.close()
            server.stop()
