"""A technician's agenda: open offers and own jobs, read as one list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from dispatch.errors import Missing
from storage import technician_bookings as rows
from storage.database.pool import Conn
from storage.technician_bookings import ItemRow, JobRow, Stats

#: How many rows a dashboard shows of each list.
DASHBOARD_ROWS = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One booking on the agenda, with its lines."""

    job: JobRow
    items: list[ItemRow]


async def page(
    conn: Conn,
    technician_id: UUID,
    *,
    state: str | None = None,
    day: date | None = None,
    upcoming: bool = False,
    booking_id: UUID | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[Entry]:
    """`state` is an assignment state or, of own jobs, a booking status; newest first, upcoming ones soonest first."""
    jobs = await rows.page(
        conn, technician_id=technician_id, state=state, day=day, upcoming=upcoming, booking_id=booking_id,
        limit=limit, offset=offset,
    )  # fmt: skip
    items = await rows.items(conn, booking_ids=[j.booking_id for j in jobs])
    by_booking: dict[UUID, list[ItemRow]] = {}
    for item in items:
        by_booking.setdefault(item.booking_id, []).append(item)
    return [Entry(job, by_booking.get(job.booking_id, [])) for job in jobs]


async def count(conn: Conn, technician_id: UUID, *, state: str | None = None, day: date | None = None) -> int:
    return await rows.count(conn, technician_id=technician_id, state=state, day=day) or 0


async def get(conn: Conn, technician_id: UUID, booking_id: UUID) -> Entry:
    """One booking that was offered or assigned to this technician. Raises Missing."""
    found = await page(conn, technician_id, booking_id=booking_id, limit=1)
    if not found:
        raise Missing("booking")
    return found[0]


async def stats(conn: Conn, technician_id: UUID) -> Stats:
    """The figures and the profile of a technician. Raises Missing."""
    found = await rows.stats(conn, technician_id=technician_id)
    if found is None:
        raise Missing("technician")
    return found
