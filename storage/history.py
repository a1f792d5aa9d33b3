"""Where technicians have been: COPY into day partitions, which are dropped whole when retention ends."""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from storage import locks
from storage.database.binder import Statements
from storage.database.pool import Conn

sql = Statements("history")

#: (anything, lat, lng, accuracy_m, speed_mps, heading_deg): a ping, or a fix
Sample = tuple[float, float, float, float | None, float | None, float | None]

#: (technician_no, at, lat, lng, accuracy_m, speed_mps, heading_deg)
Point = tuple[int, datetime, float, float, float | None, float | None, float | None]

COLUMNS = ("technician_no", "at", "lat", "lng", "accuracy_m", "speed_mps", "heading_deg")


# The binary form of COPY (PostgreSQL's manual, COPY, "Binary Format"): a row is the number of its columns, then each
# with its length in bytes, -1 for NULL. Times are microseconds since 2000.
_HEAD, _TAIL = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_FULL, _SHORT, _REAL = (struct.Struct(form) for form in ("!hiqiqididififif", "!hiqiqidid", "!if"))
_TIME, _TIME_AT = struct.Struct("!q"), struct.calcsize("!hiqi")
_NULL, _Y2000_US = b"\xff\xff\xff\xff", 946_684_800_000_000


@dataclass(slots=True)
class Packed:
    """Points ready to be copied, each a row in the form of PostgreSQL's binary COPY, and the span of their times in
    unix seconds. On the ping's path this is all that history costs."""

    rows: list[bytes] = field(default_factory=list)
    first_s: float = math.inf
    last_s: float = -math.inf

    def add(self, no: int, times: Sequence[float], samples: Iterable[Sample]) -> None:
        """Points of one technician, oldest first: their times, and the samples that say the rest."""
        if times[0] < self.first_s:
            self.first_s = times[0]
        if times[-1] > self.last_s:
            self.last_s = times[-1]
        append, pack = self.rows.append, _FULL.pack
        for at_s, (_, lat, lng, accuracy_m, speed_mps, heading_deg) in zip(times, samples, strict=True):
            at_us = round(at_s * 1e6) - _Y2000_US
            if speed_mps is None or heading_deg is None:
                append(_short(no, at_us, lat, lng, accuracy_m, speed_mps, heading_deg))
            else:
                append(pack(7, 8, no, 8, at_us, 8, lat, 8, lng, 4, accuracy_m, 4, speed_mps, 4, heading_deg))

    def add_rows(self, rows: list[bytes], first_s: float, last_s: float) -> None:
        """The same of points that are rows already, and the span of their times."""
        if first_s < self.first_s:
            self.first_s = first_s
        if last_s > self.last_s:
            self.last_s = last_s
        self.rows += rows

    def within(self, from_s: float, until_s: float) -> Packed:
        """Those of this time and not of another."""
        if from_s <= self.first_s and self.last_s < until_s:
            return self
        kept = [row for row in self.rows if from_s <= _time_of(row) < until_s]
        return Packed(kept, max(from_s, self.first_s), min(until_s, self.last_s)) if kept else Packed()

    def first(self, count: int) -> Packed:
        """So many of the first ones."""
        return Packed(self.rows[:count], self.first_s, self.last_s)

    def without(self, count: int) -> Packed:
        """The others."""
        return Packed(self.rows[count:], self.first_s, self.last_s)

    def after(self, earlier: Packed) -> Packed:
        """Both, the earlier ones first."""
        return Packed(
            earlier.rows + self.rows, min(earlier.first_s, self.first_s), max(earlier.last_s, self.last_s)
        )  # fmt: skip


def _short(no: int, at_us: int, lat: float, lng: float, *optional: float | None) -> bytes:
    found = [_NULL if value is None else _REAL.pack(4, value) for value in optional]
    return _SHORT.pack(7, 8, no, 8, at_us, 8, lat, 8, lng) + b"".join(found)


def _time_of(row: bytes) -> float:
    at_us: int = _TIME.unpack_from(row, _TIME_AT)[0]
    return (at_us + _Y2000_US) / 1e6


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


async def append(conn: Conn, points: Packed) -> None:
    """Copies packed points in; their days get partitions first."""
    if not points.rows:
        return
    # As they are in the rows, to the microsecond: the last one of a day may be the first of the next.
    days = range(int(round(points.first_s, 6) // 86_400), int(round(points.last_s, 6) // 86_400) + 1)
    await _ensure_days(conn, (datetime.fromtimestamp(day * 86_400, UTC).date() for day in days))
    rows = io.BytesIO(b"".join([_HEAD, *points.rows, _TAIL]))
    await conn.copy_to_table("position_history", source=rows, columns=COLUMNS, format="binary")


async def append_late(conn: Conn, points: Sequence[Point]) -> None:
    """Adds points of earlier times, each once: one of the same technician, place and moment (to two seconds, by
    which the estimate of a phone's clock may have moved meanwhile) is there already."""
    if not points:
        return
    await _ensure_days(conn, {point[1].astimezone(UTC).date() for point in points})
    numbers, times, lats, lngs, accuracies, speeds, headings = (list(column) for column in zip(*points, strict=True))
    await _add_missing(
        conn, numbers=numbers, times=times, lats=lats, lngs=lngs, accuracies=accuracies, speeds=speeds,
        headings=headings,
    )  # fmt: skip


async def _ensure_days(conn: Conn, days: Iterable[date]) -> None:
    for day in sorted(days):
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
