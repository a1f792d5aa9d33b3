"""Rows of notifications: what a customer or a technician reads in the app."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Filter, Flag, Listed, Pair, Sort

sql = Statements("notifications")


@dataclass(frozen=True, slots=True)
class About:
    number: str
    account_id: UUID
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


put_all = sql.run("put_all")
about = sql.row("about", About)
mark_read = sql.row("mark_read", Notification)
purge = sql.run("purge")


def _told(keys: str, indexed: list[Pair]) -> Listed[Notification]:
    filters: dict[str, Filter] = {"unread": Flag("NOT n.is_read", "true"), "type": AnyOf("n.type", "text")}
    return Listed(
        sql, keys, Notification,
        key=Sort("n.id", "uuid"), sorts={"created_at": Sort("n.created_at", "timestamptz")},
        default_sort=(("created_at", True),), filters=filters, indexed=indexed,
    )  # fmt: skip


of_account = _told("of_account", [("created_at", ()), ("created_at", ("unread",))])
of_technician = _told("of_technician", [("created_at", ())])
