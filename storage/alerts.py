"""Rows of alerts: what staff must look at. One of a kind about one thing is open at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

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
    #: Of the booking's place.
    timezone: str | None


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as staff read it, with the names of what it is about."""

    id: UUID
    kind: str
    booking_id: UUID | None
    booking_number: str | None
    timezone: str | None
    technician_id: UUID | None
    technician_name: str | None
    subject: str | None
    message: str
    created_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody who is told of an alert from now on."""

    alert_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Told:
    alert_id: UUID
    kind: str
    message: str
    account_id: UUID
    email: str | None
    channels: list[str]


@dataclass(frozen=True, slots=True)
class OpenKind:
    kind: str
    count: int


everything = Listed(
    sql, "all", AlertView,
    key=Sort("a.id", "uuid"),
    sorts={
        "created_at": Sort("a.created_at", "timestamptz"), "type": Sort("a.kind", "text"),
        "resolved_at": Sort("a.resolved_at", "timestamptz", is_nullable=True),
    },
    default_sort=(("created_at", True),),
    filters={
        "kind": AnyOf("a.kind", "text"), "booking_id": AnyOf("a.booking_id", "uuid"),
        "technician_id": AnyOf("a.technician_id", "uuid"),
        "status": "(a.resolved_at IS NULL) = ({}::text = 'open')", **made_on_days("a.created_at"),
    },
    indexed=[
        ("created_at", ()), ("created_at", ("status",)), ("created_at", ("kind",)), ("created_at", ("status", "kind")),
        ("created_at", ("date_from", "date_to")),
    ],
)  # fmt: skip

raise_alert = sql.run("raise_alert")
resolve_of_booking = sql.run("resolve_of_booking")
resolve_of_subject = sql.run("resolve_of_subject")
resolve_old = sql.run("resolve_old")
open_ones = sql.rows("open", Alert)
get = sql.row("get", AlertView)
resolve_one = sql.run("resolve_one")
count_open = sql.rows("count_open", OpenKind)
tell = sql.rows("tell", Notice)
told = sql.rows("told", Told)
