"""Rows of alerts: what staff must look at. One of a kind about one thing is open at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("alerts")


@dataclass(frozen=True, slots=True)
class Alert:
    """`subject` is what it is about where that is not the booking as a whole: `refund:<id>`, `task:<id>`."""

    id: UUID
    kind: str
    booking_id: UUID | None
    technician_id: UUID | None
    subject: str | None
    message: str
    created_at: datetime


raise_alert = sql.run("raise_alert")
resolve_of_booking = sql.run("resolve_of_booking")
resolve_of_subject = sql.run("resolve_of_subject")
open_ones = sql.rows("open", Alert)
