"""Rows of notifications: what a customer or a technician reads in the app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("notifications")


@dataclass(frozen=True, slots=True)
class About:
    number: str
    account_id: UUID
    account_phone: str | None
    is_reachable: bool
    local_date: date
    local_time: time
    city: str | None
    technician_id: UUID | None
    technician_name: str | None
    technician_phone: str | None


@dataclass(frozen=True, slots=True)
class Notification:
    id: UUID
    booking_id: UUID | None
    type: str
    title: str
    message: str
    is_read: bool
    metadata: dict[str, Any]
    created_at: datetime


put = sql.scalar("put", UUID)
about = sql.row("about", About)
page_of_account = sql.rows("page_of_account", Notification)
page_of_technician = sql.rows("page_of_technician", Notification)
mark_read = sql.row("mark_read", Notification)
count_of = sql.scalar("count_of", int)
purge = sql.run("purge")
