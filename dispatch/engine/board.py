"""The operations board: what an area looks like now, and what has changed since one looked."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch.engine import nearby
from dispatch.services import Services
from storage import alerts as alert_rows
from storage import board as rows

#: A board shows at most so many of each.
MOST_TECHNICIANS, MOST_BOOKINGS, MOST_ALERTS = 5000, 2000, 200


@dataclass(frozen=True, slots=True)
class Box:
    """Degrees; `west` may be east of `east` where the box crosses the antimeridian."""

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Board:
    """By id, so that two boards can be compared."""

    at: datetime
    technicians: dict[UUID, dict[str, Any]]
    bookings: dict[UUID, dict[str, Any]]
    alerts: dict[UUID, dict[str, Any]]
    queue_length: int


async def read(services: Services, box: Box) -> Board:
    """Technicians from memory, the rest from the database."""
    async with services.read() as conn:
        bookings = await rows.open_bookings(
            conn, west=box.west, south=box.south, east=box.east, north=box.north, limit=MOST_BOOKINGS
        )
        alerts = await alert_rows.open_ones(conn, limit=MOST_ALERTS)
        queue_length = await rows.queue_length(conn) or 0
    return Board(
        services.clock.now(), technicians(services, box), {b.id: asdict(b) for b in bookings},
        {a.id: asdict(a) for a in alerts}, queue_length,
    )  # fmt: skip


def technicians(services: Services, box: Box) -> dict[UUID, dict[str, Any]]:
    """Who is on the map there, with presence: online, busy (on a job, wherever that is), offline or stale."""
    tracker, now_s = services.tracker, services.clock.timestamp()
    found: dict[UUID, dict[str, Any]] = {}
    for no in tracker.fleet.in_box(box.south, box.west, box.north, box.east)[:MOST_TECHNICIANS].tolist():
        seen, person = tracker.find(no), services.roster.by_no(no)
        if seen is None or person is None:
            continue
        presence, job = nearby.presence_of(services, person, now_s - seen.fix_at_s)
        found[person.id] = {
            "id": person.id, "code": person.code, "name": person.name, "lat": seen.lat, "lng": seen.lng,
            "heading_deg": seen.heading_deg, "presence": presence, 
            "job": job,
        }  # fmt: skip
    return found


def changes(before: Board, after: Board) -> dict[str, Any] | None:
    """What a client must be told to get from one board to the other; None when nothing changed."""
    told: dict[str, Any] = {}
    for name in ("technicians", "bookings", "alerts"):
        old, new = getattr(before, name), getattr(after, name)
        changed = [one for key, one in new.items() if old.get(key) != one]
        gone = [key for key in old if key not in new]
        if changed:
            told[name] = changed
        if gone:
            told[f"{name}_gone"] = gone
    if before.queue_length != after.queue_length:
        told["queue_length"] = after.queue_length
    return {"at": after.at, **told} if told else None


def snapshot(board: Board) -> dict[str, Any]:
    """The whole board as it is sent first."""
    return {
        "at": board.at, "technicians": list(board.technicians.values()), "bookings": list(board.bookings.values()),
        "alerts": list(board.alerts.values()), "queue_length": board.queue_length,
    }  # fmt: skip
