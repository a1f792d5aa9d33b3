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
    is_queued: bool
    queue_reason: str | None
    technician_id: UUID | None
    assignment_state: str | None
    offered_to: UUID | None
    offer_expires_at: datetime | None


open_bookings = sql.rows("open_bookings", BoardBooking)
queue_length = sql.scalar("queue_length", int)
