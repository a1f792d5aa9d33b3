"""A technician's agenda: open offers and own jobs, read as one list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from dispatch.errors import Missing
from storage import technician_bookings as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.technician_bookings import JobRow, Stats

#: How many rows a dashboard shows of each list.
DASHBOARD_ROWS = 5

#: A job's booking status, which the list is asked for as well as for the job's own state, as states of the agenda.
_STATES = {
    "pending": (), "partner_assigned": ("assigned",), "confirmed": ("accepted", "in_transit", "arrived"),
}  # fmt: skip


#: Open offers and own jobs, as a list.
LIST = rows.of_technician


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the booking; the price per unit in minor units."""

    service_id: UUID
    name: str
    category: str
    tier: str
    quantity: int
    price_minor: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One booking on the agenda, with its lines."""

    job: JobRow
    items: list[Item]


async def page(conn: Conn, technician_id: UUID, wanted: Wanted) -> Slice[Entry]:
    """Open offers and own jobs, newest first; a filter by status takes states of jobs and statuses of bookings."""
    asked = wanted.filters.get("status")
    if asked is not None:
        states = sorted({state for word in asked for state in _STATES.get(word, (word,))})
        wanted = replace(wanted, filters={**wanted.filters, "status": states})
    found = await rows.of_technician.page(conn, wanted, technician_id=technician_id)
    return found.of([_entry(job) for job in found.rows])


async def ahead(conn: Conn, technician_id: UUID, limit: int) -> list[Entry]:
    """Jobs that are not done and what is offered, the soonest first."""
    return [_entry(job) for job in await rows.ahead.first(conn, Wanted(limit=limit), technician_id=technician_id)]


async def offered(conn: Conn, technician_id: UUID, limit: int) -> list[Entry]:
    """Open offers, the latest start first."""
    wanted = Wanted(limit=limit, filters={"status": ["assigned"]})
    return [_entry(job) for job in await rows.of_technician.first(conn, wanted, technician_id=technician_id)]


async def get(conn: Conn, technician_id: UUID, booking_id: UUID) -> Entry:
    """One booking that was offered or assigned to this technician. Raises Missing."""
    found = await rows.get(conn, technician_id=technician_id, booking_id=booking_id)
    if found is None:
        raise Missing("booking")
    return _entry(found)


def _entry(job: JobRow) -> Entry:
    return Entry(job, [Item(UUID(one.pop("service_id")), **one) for one in job.items])


async def stats(conn: Conn, technician_id: UUID) -> Stats:
    """The figures and the profile of a technician. Raises Missing."""
    found = await rows.stats(conn, technician_id=technician_id)
    if found is None:
        raise Missing("technician")
    return found
