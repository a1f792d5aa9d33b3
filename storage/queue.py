"""The queue of bookings that wait for a technician, as staff and services read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("queue")


@dataclass(frozen=True, slots=True)
class Waiting:
    booking_id: UUID
    number: str
    status: str
    local_date: date
    local_time: time
    starts_at: datetime
    categories: list[str]
    address: dict[str, Any]
    priority: int
    queued_at: datetime | None
    queue_reason: str | None
    waits_for: list[str]
    round: int
    attempt: int
    next_action_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Woken:
    id: UUID


waiting = sql.rows("waiting", Waiting)
wake = sql.rows("wake", Woken)
wake_all = sql.run("wake_all")
