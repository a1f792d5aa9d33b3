"""Where technicians have been: COPY into day partitions, which are dropped whole when retention ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from storage import locks
from storage.database.binder import Statements
from storage.database.pool import Conn

sql = Statements("history")

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


#: Writes the points that are not there already: a phone that heard no answer sends its backlog again.
_add_missing = sql.run("add_missing")


async def append(conn: Conn, points: Sequence[Point]) -> None:
    """Copies points in; their days get partitions first."""
    if not points:
        return
    await _ensure_days(conn, points)
    await conn.copy_records_to_table("position_history", records=points, columns=COLUMNS)


async def append_late(conn: Conn, points: Sequence[Point]) -> None:
    """Adds points of earlier times, each once: one of the same technician, place and moment (to two seconds, by
    which the estimate of a phone's clock may have moved meanwhile) is there already."""
    if not points:
        return
    await _ensure_days(conn, points)
    numbers, times, lats, lngs, accuracies, speeds, headings = (list(column) for column in zip(*points, strict=True))
    await _add_missing(
        conn, numbers=numbers, times=times, lats=lats, lngs=lngs, accuracies=accuracies, speeds=speeds,
        headings=headings,
    )  # fmt: skip


async def _ensure_days(conn: Conn, points: Sequence[Point]) -> None:
    for day in sorted({p[1].astimezone(UTC).date() for p in points}):
        await ensure_day(conn, day)


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
