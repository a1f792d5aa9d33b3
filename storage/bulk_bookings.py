"""Rows of bulk bookings: what was asked for, at which places, on which days, and what became of each visit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("bulk_bookings")


@dataclass(frozen=True, slots=True)
class Bulk:
    """Prices are of one visit: by the list, as negotiated, and the tax on it."""

    id: UUID
    number: str
    organisation_id: UUID
    department_id: UUID | None
    program_id: UUID | None
    member_id: UUID
    account_id: UUID
    type: str
    status: str
    service_id: UUID
    title: str
    category: str
    tier: str
    duration_minutes: int
    schedule: dict[str, Any]
    timezone: str
    budget_code: str | None
    requirements: list[str]
    currency: str
    list_minor: int
    price_minor: int
    tax_minor: int
    discount_pct: Decimal
    billed_to: UUID
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Id:
    id: UUID


@dataclass(frozen=True, slots=True)
class Location:
    """`number` is what the line of this place is called in lists."""

    id: UUID
    position: int
    name: str
    address: dict[str, Any]
    contact: dict[str, Any]
    zone_id: UUID | None
    lat: float
    lng: float
    is_approximate: bool
    number: str


@dataclass(frozen=True, slots=True)
class Approval:
    """`is_there`: they are still an active member who decides, and can be waited for."""

    member_id: UUID
    name: str
    is_there: bool
    decision: str | None
    note: str | None
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class Acting:
    member_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Open:
    """A booking that has not begun, and whose it is."""

    id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Visit:
    """`trouble`: why it could not be booked yet. `starts_at`: of its booking, which may have been moved."""

    id: UUID
    location_id: UUID
    location: str
    on_date: date
    at_time: time
    state: str
    booking_id: UUID | None
    trouble: str | None
    booking_number: str | None
    booking_status: str | None
    starts_at: datetime | None


@dataclass(frozen=True, slots=True)
class Planned:
    id: UUID
    bulk_id: UUID
    location_id: UUID
    on_date: date
    at_time: time
    state: str


@dataclass(frozen=True, slots=True)
class Day:
    id: UUID
    on_date: date


@dataclass(frozen=True, slots=True)
class Due:
    """A visit, and its place in the order in which they are looked at."""

    id: UUID
    bulk_id: UUID
    on_date: date
    at_time: time


@dataclass(frozen=True, slots=True)
class Over:
    """The bulk that a booking was a visit of, and what it held of a budget; None where there is no such thing."""

    bulk_id: UUID | None
    organisation_id: UUID | None
    department_id: UUID | None
    month: date | None
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class Sums:
    """The first day that is planned; visits that are still to be or were, those done, and at how many moments."""

    next_on: date | None
    visits: int
    done: int
    occurrences: int


@dataclass(frozen=True, slots=True)
class Line:
    """A place of a bulk, or a booking that a member made alone (`bulk_id` None). Prices before tax."""

    id: UUID
    bulk_id: UUID | None
    number: str
    type: str
    service: str
    category: str
    location: str | None
    status: str
    frequency: str | None
    currency: str
    per_booking_minor: int
    paid_minor: int
    remaining_minor: int
    next_on: date | None
    next_time: time | None
    timezone: str
    first_on: date | None
    last_on: date | None
    visits: int
    done: int
    department_id: UUID | None
    department_name: str | None
    member_id: UUID | None
    member_name: str | None
    member_email: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    total: int
    active: int
    completed_this_month: int
    spent_minor: int


insert = sql.scalar("insert", UUID)
add_location = sql.scalar("add_location", UUID)
add_visits = sql.run("add_visits")
add_approvals = sql.run("add_approvals")
get = sql.row("get", Bulk)
lock = sql.row("lock", Bulk)
locations = sql.rows("locations", Location)
approvals = sql.rows("approvals", Approval)
approvers = sql.rows("approvers", Id)
deciders = sql.rows("deciders", Id)
owner = sql.row("owner", Acting)
decide = sql.scalar("decide", UUID)
set_status = sql.scalar("set_status", UUID)
waiting_for = sql.rows("waiting_for", Id)
sums = sql.row("sums", Sums)
to_book = sql.rows("to_book", Due)
take = sql.row("take", Planned)
booked = sql.run("booked")
in_trouble = sql.scalar("in_trouble", bool)
troubled = sql.scalar("troubled", UUID)
over = sql.row("over", Over)
drop_planned = sql.rows("drop_planned", Day)
open_bookings = sql.rows("open_bookings", Open)
finish = sql.scalar("finish", UUID)
finish_all = sql.run("finish_all")
overdue = sql.rows("overdue", Id)
bind = sql.run("bind")
spent_in_month = sql.scalar("spent_in_month", int)
summary = sql.row("summary", Summary)
of_organisation = Listed(
    sql, "of_organisation", Line,
    key=Sort("e.id", "uuid"),
    sorts={
        "created": Sort("e.created_at", "timestamptz"), "next": Sort("e.next_on", "date", is_nullable=True),
        "remaining": Sort("e.remaining_minor", "bigint"), "service": Sort("lower(e.service)", "text"),
    },
    default_sort=(("created", True),),
    filters={
        "status": AnyOf("e.status", "text"), "department": AnyOf("e.department_id", "uuid"),
        "type": AnyOf("e.type", "text"), "date_from": "e.last_on >= {}::date", "date_to": "e.first_on <= {}::date",
        "category": AnyOf("e.category", "text"), "member": AnyOf("e.member_id", "uuid"),
    },
    columns="line_columns", source="line_source",
)  # fmt: skip
visits = Listed(
    sql, "of_bulk", Visit,
    key=Sort("v.id", "uuid"),
    sorts={"date": Sort("v.on_date", "date")},
    default_sort=(("date", False),),
    filters={
        "state": AnyOf("v.state", "text"), "location": AnyOf("v.location_id", "uuid"),
        "date_from": "v.on_date >= {}::date", "date_to": "v.on_date <= {}::date",
    },
    columns="visit_columns", source="visit_source", indexed=[("date", ())],
)  # fmt: skip
