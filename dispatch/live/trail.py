"""What the positions leave behind: last ones in batches, history by COPY, and shares for the other nodes."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from dispatch import bus
from dispatch.bus import Bus
from dispatch.clock import Clock
from dispatch.live.reports import Seen
from dispatch.loops import Loop
from geo.filter import Fix
from storage import history
from storage import roster as rows
from storage.database.pool import Pool

log = logging.getLogger(__name__)

#: Last positions are written, and history copied, this often in real seconds.
SAVE_S = 3.0
#: Other nodes hear of moves this often in real seconds.
SHARE_S = 0.5
#: So many positions, and points of the history, are written or shared in one go: no ping waits for a long save.
LAST_SLICE, POINT_SLICE = 500, 5_000
#: Points that wait for the database; the oldest go first when it is away for long.
MOST_POINTS = 200_000
#: Old partitions are looked for this often in real seconds.
TIDY_S = 3600.0

#: A position at most so old, in seconds of the domain's time, brings one back who had gone dark.
SIGN_OF_LIFE_S = 120.0

_RECORD = struct.Struct("<qdddf?")

#: technician_id, no, lat, lng, accuracy_m, unix seconds of the fix, whether offers may be made from there
Last = tuple[UUID, int, float, float, float, float, bool]

_NUMBER = itemgetter(1)


class Trail:
    """Bounded buffers between the ping's path and the database. Losing them loses at most a few seconds of a map."""

    def __init__(self, pool: Pool, node_bus: Bus, clock: Clock, history_days: int) -> None:
        self._pool, self._bus, self._clock, self._history_days = pool, node_bus, clock, history_days
        #: This process among those that save positions: what it wrote it need not read.
        self.node_id = uuid4()
        self._unsaved: dict[int, Last] = {}
        self._unshared: dict[int, Last] = {}
        self._points = history.Packed()
        self._late: list[history.Point] = []
        self.lost_points = 0
        #: Saving, sharing and tidying; a database that is away costs a warning, what was not written stays here.
        self.loops = [
            Loop("positions saved", self.save, every_s=SAVE_S),
            Loop("positions shared", self.share, every_s=SHARE_S),
            Loop("positions tidied", self._tidy, every_s=TIDY_S),
        ]

    def moved(self, seen: Seen) -> None:
        """A position that was judged here: as it is now it is saved and shared with the next batch."""
        no = seen.no
        self._unsaved[no] = self._unshared[no] = (
            seen.id, no, seen.lat, seen.lng, seen.accuracy_m, seen.fix_at_s, seen.is_dispatchable
        )  # fmt: skip

    def points(self, no: int, times: Sequence[float], samples: Iterable[history.Sample]) -> None:
        """Fixes for the history, in the order of their technician's time: when each was, and where."""
        if len(self._points.rows) >= MOST_POINTS:
            self._make_room(self._points.rows)
        self._points.add(no, times, samples)

    def rows(self, rows: list[bytes], times: Sequence[float]) -> None:
        """The same of fixes that are rows of the history already."""
        if len(self._points.rows) >= MOST_POINTS:
            self._make_room(self._points.rows)
        self._points.add_rows(rows, times[0], times[-1])

    def late(self, no: int, fix: Fix) -> None:
        """A fix of an earlier time, such as one of a backlog: it is written unless the history has it already."""
        if len(self._late) >= MOST_POINTS:
            self._make_room(self._late)
        at = datetime.fromtimestamp(fix.at_s, UTC)
        self._late.append((no, at, fix.lat, fix.lng, fix.accuracy_m, fix.speed_mps, fix.heading_deg))

    def _make_room(self, points: list[Any]) -> None:
        del points[: MOST_POINTS // 10]
        self.lost_points += MOST_POINTS // 10

    async def save(self) -> None:
        """Writes what has gathered in slices: last positions, then the history by COPY, each for itself."""
        await self._save_last()
        await self._save_points()

    async def _save_last(self) -> None:
        last, self._unsaved = self._unsaved, {}
        while last:
            # In one order everywhere, so that two nodes never wait for each other.
            found = sorted(islice(last.values(), LAST_SLICE), key=_NUMBER)
            try:
                back = await self._write_last(found)
            except BaseException:
                self._unsaved = last | self._unsaved
                raise
            for one in found:
                del last[one[1]]
            for technician_id in back:
                self._bus.publish(bus.TECHNICIAN_CHANGED, {"technician_id": str(technician_id)})

    async def _write_last(self, found: list[Last]) -> list[UUID]:
        """Saves these and answers who of them had gone dark and is back."""
        async with self._pool.transaction() as conn:
            ids = [p[0] for p in found]
            await rows.save_positions(
                conn, ids=ids, lats=[p[2] for p in found], lngs=[p[3] for p in found],
                accuracies=[p[4] for p in found], fixes=[datetime.fromtimestamp(p[5], UTC) for p in found],
                fit=[p[6] for p in found], node_id=self.node_id,
            )  # fmt: skip
            return [one.id for one in await rows.back_again(conn, ids=ids, fresh_s=SIGN_OF_LIFE_S)]

    async def _save_points(self) -> None:
        points, self._points = self._points, history.Packed()
        late, self._late = self._late, []
        oldest, newest = self._kept_days()
        points = points.within(oldest.timestamp(), newest.timestamp())
        late = [point for point in late if oldest <= point[1] < newest]
        while points.rows or late:
            some, some_late = points.first(POINT_SLICE), late[:POINT_SLICE]
            try:
                async with self._pool.transaction() as conn:
                    await history.append(conn, some)
                    await history.append_late(conn, some_late)
            except BaseException:
                self._points, self._late = self._points.after(points), late + self._late
                raise
            points, late = points.without(len(some.rows)), late[POINT_SLICE:]

    def _kept_days(self) -> tuple[datetime, datetime]:
        """From the start of the oldest day that is kept until tomorrow's end. Another day gets no partition: it would
        be dropped again, and phones must not make tables."""
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self._history_days), today + timedelta(days=2)

    async def share(self) -> None:
        """Tells the other nodes, if there are any, where people have been seen here since the last time."""
        shared, self._unshared = self._unshared, {}
        moved = [] if self._bus.is_alone else list(shared.values())
        for at in range(0, len(moved), LAST_SLICE):
            self._bus.publish_positions(self.pack(moved[at : at + LAST_SLICE]))
            await asyncio.sleep(0)

    @staticmethod
    def pack(moved: list[Last]) -> bytes:
        """37 bytes a position: no, unix seconds, lat, lng, accuracy, dispatchable."""
        return b"".join(_RECORD.pack(no, at_s, lat, lng, acc, fit) for _, no, lat, lng, acc, at_s, fit in moved)

    @staticmethod
    def unpack(batch: bytes) -> Iterator[tuple[int, float, float, float, float, bool]]:
        """The records of a batch; a torn end is ignored."""
        return _RECORD.iter_unpack(batch[: len(batch) // _RECORD.size * _RECORD.size])

    async def _tidy(self) -> None:
        await self.drop_old()

    async def drop_old(self) -> list[str]:
        """Drops the days of history whose retention has ended."""
        oldest = self._clock.now() - timedelta(days=self._history_days)
        async with self._pool.transaction() as conn:
            return await history.drop_before(conn, oldest.date())
