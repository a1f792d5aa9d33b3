"""Rows of the links by which somebody follows a booking without signing in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("tracking_links")


@dataclass(frozen=True, slots=True)
class Followed:
    """A booking that has a link, with the moments of its job; `state` is the assignment's."""

    booking_id: UUID
    status: str
    timezone: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    cancelled_at: datetime | None
    generation: int
    is_revoked: bool
    technician_id: UUID | None
    state: str | None
    accepted_at: datetime | None
    in_transit_at: datetime | None
    arrived_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None


make = sql.scalar("make", int)
revoke = sql.run("revoke")
follow = sql.row("follow", Followed)
