"""Rows of members: people of an organisation, what they may do in it, and what it knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("members")


@dataclass(frozen=True, slots=True)
class Member:
    """The id is the membership's. `allowed_services` empty: all are."""

    id: UUID
    organisation_id: UUID
    account_id: UUID
    role: str
    status: str
    department_id: UUID | None
    department_name: str | None
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    employee_no: str | None
    access_level: str
    can_book: bool
    require_approval: bool
    monthly_limit_minor: int | None
    allowed_services: list[str]
    employment_status: str | None
    hired_on: date | None
    segment: str | None
    status_reason: str | None
    next_status: str | None
    next_status_on: date | None
    enrolled_at: datetime
    last_active_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """A status that is to come about today."""

    id: UUID
    organisation_id: UUID
    status: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    total: int
    active: int
    pending: int


@dataclass(frozen=True, slots=True)
class Stats:
    id: UUID
    bookings: int
    last_booking: datetime | None
    spent_minor: int


@dataclass(frozen=True, slots=True)
class Address:
    address: str


is_somebodys = sql.scalar("is_somebodys", bool)
add_account = sql.scalar("add_account", UUID)
add_membership = sql.scalar("add_membership", UUID)
insert = sql.run("insert")
get = sql.row("get", Member)
lock = sql.row("lock", Member)
lock_owner = sql.row("lock_owner", Member)
lock_by_email = sql.row("lock_by_email", Member)
hand_over = sql.run("hand_over")
of_account = sql.row("of_account", Member)
department_of = sql.scalar("department_of", UUID)
known = sql.scalar("known", int)
set_access = sql.run("set_access")
change = sql.run("change")
set_role = sql.run("set_role")
set_status = sql.scalar("set_status", UUID)
note_status = sql.run("note_status")
tell_no_more = sql.run("tell_no_more")
still_told = sql.rows("still_told", Address)
plan_status = sql.run("plan_status")
due_changes = sql.rows("due_changes", Change)
totals = sql.row("totals", Totals)
stats = sql.rows("stats", Stats)

of_organisation = Listed(
    sql, "of_organisation", Member,
    key=Sort("m.id", "uuid"),
    sorts={
        "enrolled": Sort("m.enrolled_at", "timestamptz"), "name": Sort("lower(m.last_name)", "text"),
        "email": Sort("lower(m.email)", "text", is_nullable=True),
        "last_active": Sort("m.last_active_at", "timestamptz", is_nullable=True),
    },
    default_sort=(("enrolled", True),),
    filters={
        "status": AnyOf("s.status", "text"), "department": AnyOf("m.department_id", "uuid"),
        "access_level": AnyOf("m.access_level", "text"), "role": AnyOf("s.role", "text"),
        "segment": AnyOf("lower(m.segment)", "text"),
    },
    search="m.words @@ {}",
    indexed=[("enrolled", ())],
)  # fmt: skip
