"""Where technicians have been: COPY into day partitions, which are dropped whole when retention ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from storage import locks
from storage.database.pool import Conn

#: (technician_no, at, lat, lng, accuracy_m, speed_mps, heading_deg)
Point = tuple[int, datetime, float, float, float | None, float | None, float | None]

COLUMNS = ("technician_no", "at", "lat", "lng", "accuracy_m", "speed_mps", "heading_deg")


def partition_name(day: date) -> str:
    return f"position_history_{day:%Y%m%d}"


async def ensure_day(conn: Conn, day: date) -> None:
    """Makes the partition of a UTC day unless it is there."""
    name = partition_name(day)
    if await conn.fetchval("SELECT to_regclass($1) IS NOT NULL", name):
        return
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", locks.PARTITIONS)
        # The name is made of digits only; partitions take no parameters.
        await conn.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF position_history "
            f"FOR VALUES FROM ('{day:%Y-%m-%d}+00') TO ('{day + timedelta(days=1):%Y-%m-%d}+00')"
        )


async def append(conn: Conn, points: Sequence[Point]) -> None:
    """Copies points in; their days get partitions first."""
    for day in sorted({p[1].astimezone(UTC).date() for p in points}):
        await ensure_day(conn, day)
    await conn.copy_records_to_table("position_history", records=points, columns=COLUMNS)


async def drop_before(conn: Conn, day: date) -> list[str]:
    """Drops the partitions of days before `day` and returns their names."""
    names = await conn.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = 'position_history'::regclass ORDER BY 1"
    )
    old = [r["relname"] for r in names if r["relname"] < partition_name(day)]
    for name in old:
        await conn.execute(f"DROP TABLE IF EXISTS {name}")
    return old
