"""What the operations board reads: open bookings of an area and the queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("board")


@dataclass(frozen=True, slots=True)
class BoardBooking:
    id: UUID
    number: str
    status: str
    lat: float
    lng: float
    starts_at: datetime
    priority: int
    categories: list[str]
    zone_id: UUID | None
    is_queued: bool
    queued_at: datetime | None
    queue_reason: str | None
    waits_for: list[str]
    next_look_at: datetime | None
    technician_id: UUID | None
    assignment_state: str | None
    offered_to: UUID | None
    offer_made_at: datetime | None
    offer_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """A message about a booking; `reader` is customer or technician."""

    id: UUID
    reader: str
    type: str
    title: str
    message: str
    is_read: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """Where somebody was at a moment in unix seconds; `slot` numbers the steps of time."""

    technician_no: int
    at_s: float
    lat: float
    lng: float
    heading_deg: float | None
    slot: int


@dataclass(frozen=True, slots=True)
class Person:
    no: int
    id: UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class PastFact:
    """One fact of a booking with where that is; the technician and the offer's end where it has them."""

    id: UUID
    number: str
    lat: float
    lng: float
    starts_at: datetime
    seq: int
    type: str
    at: datetime
    technician_id: str | None
    expires_at: str | None


open_bookings = sql.rows("open_bookings", BoardBooking)
queue_length = sql.scalar("queue_length", int)
messages_of = sql.rows("messages_of", Told)
trail_of = sql.rows("trail_of", Point)
positions_between = sql.rows("positions_between", Point)
people = sql.rows("people", Person)
facts_between = sql.rows("facts_between", PastFact)
