"""The operations board: what an area looks like now, and what has changed since one looked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from dispatch.engine import nearby
from dispatch.services import Services
from storage import alerts as alert_rows
from storage import board as rows

#: A board shows at most so many of each.
MOST_TECHNICIANS, MOST_BOOKINGS, MOST_ALERTS = 5000, 2000, 200
#: So many are looked at before others have a turn on the loop.
_AT_ONCE = 250
#: Somebody who stands still is told of again when their fix is so much newer, in seconds: the age is shown.
STILL_S = 15
#: Entries of one message: a page of at most 64 KiB.
PAGE = 250


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees; `west` may be east of `east` where the box crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


class Mark(NamedTuple):
    """A technician on the map. `is_sure`: offers may be made from this position; positions to a metre."""

    no: int
    lat: float
    lng: float
    heading_deg: int | None
    fix_s: int
    presence: str
    job: str | None
    is_sure: bool
    id: UUID
    code: str
    name: str

    @property
    def shown(self) -> dict[str, Any]:
        return self._asdict()

    @property
    def moved(self) -> list[Any]:
        return [self.no, self.lat, self.lng, self.heading_deg, self.fix_s]


@dataclass(frozen=True, slots=True)
class Board:
    """By number or id, so that two boards can be compared. `is_cut`: there are more technicians than are shown."""

    at: datetime
    technicians: dict[int, Mark]
    bookings: dict[UUID, dict[str, Any]]
    alerts: dict[UUID, dict[str, Any]]
    queue_length: int
    is_cut: bool


class Glance:
    """One look at everything, for as many viewers as there are: nobody is looked up twice."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._marks: dict[int, Mark | None] = {}

    async def marks(self, box: Box) -> tuple[dict[int, Mark], bool]:
        """Who is on the map there, with presence: online, busy (on a job, wherever that is), offline or stale."""
        fleet = self._services.tracker.fleet
        numbers = fleet.in_box(box.south, box.west, box.north, box.east).tolist()
        found: dict[int, Mark] = {}
        for n, no in enumerate(numbers[:MOST_TECHNICIANS]):
            if n % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)
            mark = self._marks[no] if no in self._marks else self._marks.setdefault(no, self._look(no))
            if mark is not None:
                found[no] = mark
        return found, len(numbers) > MOST_TECHNICIANS

    def _look(self, no: int) -> Mark | None:
        seen, person = self._services.tracker.find(no), self._services.roster.by_no(no)
        if seen is None or person is None:
            return None
        age_s = self._services.clock.timestamp() - seen.fix_at_s
        presence, job = nearby.presence_of(self._services, person, age_s)
        heading = None if seen.heading_deg is None else round(seen.heading_deg)
        return Mark(
            no, round(seen.lat, 5), round(seen.lng, 5), heading, int(seen.fix_at_s), presence, job,
            seen.is_dispatchable, person.id, person.code, person.name,
        )  # fmt: skip


async def read(services: Services, box: Box, glance: Glance | None = None) -> Board:
    """Technicians from memory, the rest from the database."""
    async with services.read() as conn:
        bookings = await rows.open_bookings(
            conn, west=box.west, south=box.south, east=box.east, north=box.north, limit=MOST_BOOKINGS
        )
        alerts = await alert_rows.open_ones(conn, limit=MOST_ALERTS)
        queue_length = await rows.queue_length(conn) or 0
    marks, is_cut = await (glance or Glance(services)).marks(box)
    return Board(
        services.clock.now(), marks, {b.id: asdict(b) for b in bookings}, {a.id: asdict(a) for a in alerts},
        queue_length, is_cut,
    )  # fmt: skip


def changes(before: Board, after: Board) -> dict[str, Any] | None:
    """What a client must be told to get from one board to the other; None when nothing changed.

    A technician who only moved is `moved`: number, latitude, longitude, heading, unix seconds of the fix. `after` keeps
    what the client was told before of those of whom nothing is said.
    """
    told: dict[str, Any] = {}
    shown: list[dict[str, Any]] = []
    moved: list[list[Any]] = []
    for no, mark in after.technicians.items():
        old = before.technicians.get(no)
        if old == mark:
            continue
        if old is None or old[5:] != mark[5:]:
            shown.append(mark.shown)
        elif old[1:4] != mark[1:4] or mark.fix_s - old.fix_s >= STILL_S:
            moved.append(mark.moved)
        else:
            after.technicians[no] = old
    gone = [no for no in before.technicians if no not in after.technicians]
    for name, values in (("technicians", shown), ("moved", moved), ("technicians_gone", gone)):
        if values:
            told[name] = values
    for name in ("bookings", "alerts"):
        earlier, later = getattr(before, name), getattr(after, name)
        changed = [one for key, one in later.items() if earlier.get(key) != one]
        if changed:
            told[name] = changed
        if over := [key for key in earlier if key not in later]:
            told[f"{name}_gone"] = over
    for name in ("queue_length", "is_cut"):
        if getattr(before, name) != getattr(after, name):
            told[name] = getattr(after, name)
    return {"at": after.at, **told} if told else None


def snapshot(board: Board) -> dict[str, Any]:
    """The whole board as it is sent first."""
    return {
        "at": board.at, "technicians": [m.shown for m in board.technicians.values()],
        "bookings": list(board.bookings.values()), "alerts": list(board.alerts.values()),
        "queue_length": board.queue_length, "is_cut": board.is_cut,
    }  # fmt: skip


def pages(told: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The same in messages that a socket takes one after the other: the first has everything that is no list too."""
    lists = {name: values for name, values in told.items() if isinstance(values, list)}
    longest = max((len(values) for values in lists.values()), default=0)
    for begin in range(0, max(longest, 1), PAGE):
        part = {name: values[begin : begin + PAGE] for name, values in lists.items()}
        kept = {name: values for name, values in part.items() if values or not begin}
        yield {"at": told["at"], **({n: v for n, v in told.items() if n not in lists} if not begin else {}), **kept}
