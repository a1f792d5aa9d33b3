"""Rows of departments: the parts of an organisation, who leads them and who approves what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("departments")


@dataclass(frozen=True, slots=True)
class Department:
    """`allowed_services` empty: all are. `approvers` are members."""

    id: UUID
    organisation_id: UUID
    name: str
    code: str
    description: str | None
    manager_id: UUID | None
    manager_name: str | None
    manager_email: str | None
    allowed_services: list[str]
    approval_required: bool
    approvers: list[UUID]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """A department's code and name in small letters."""

    id: UUID
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Stats:
    id: UUID
    members: int
    active: int
    bookings: int


insert = sql.scalar("insert", UUID)
change = sql.scalar("change", UUID)
add_approvers = sql.run("add_approvers")
drop_approvers = sql.run("drop_approvers")
get = sql.row("get", Department)
lock = sql.scalar("lock", UUID)
hold = sql.scalar("hold", UUID)
of_organisation = sql.rows("of_organisation", Department)
by_names = sql.rows("by_names", Named)
delete = sql.scalar("delete", UUID)
has_series = sql.scalar("has_series", bool)
stats = sql.rows("stats", Stats)
