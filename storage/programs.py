"""Rows of programs: who may use them, what each is given in a period, and what was used of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("programs")


@dataclass(frozen=True, slots=True)
class Program:
    """Empty lists mean everybody, or every service. `credit_minor` None: there is nothing to use up.

    `academic_year`: it goes by the terms of that year.
    """

    id: UUID
    organisation_id: UUID
    kind: str
    name: str
    description: str | None
    status: str
    departments: list[UUID]
    employment: list[str]
    tenure_months: int | None
    segments: list[str]
    credit_minor: int | None
    currency: str
    frequency: str | None
    rollover: bool
    allowed_services: list[str]
    month_bookings: int | None
    advance_days: int | None
    cancel_hours: int | None
    budget_minor: int | None
    details: dict[str, Any]
    activation: dict[str, Any] | None
    starts_on: date
    ends_on: date
    academic_year: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Stats:
    """`enrolled` have used it at least once."""

    id: UUID
    eligible: int
    enrolled: int
    used_minor: int


@dataclass(frozen=True, slots=True)
class TopService:
    program_id: UUID
    service: str
    bookings: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Used:
    """A member's use of a program."""

    program_id: UUID
    member_id: UUID
    amount_minor: int
    organisation_id: UUID


@dataclass(frozen=True, slots=True)
class Provider:
    id: UUID
    email: str | None


#: As the columns have it: what is over is ended, whatever it was before.
_STATUS = f"({sql.part('status_now')})"

insert = sql.scalar("insert", UUID)
get = sql.row("get", Program)
lock = sql.row("lock", Program)
set_status = sql.scalar("set_status", UUID)
activate = sql.run("activate")
stats = sql.rows("stats", Stats)
top_services = sql.rows("top_services", TopService)
providers = sql.rows("providers", Provider)
is_eligible = sql.scalar("is_eligible", bool)
in_month = sql.scalar("in_month", int)
open_credit = sql.run("open_credit")
take_credit = sql.scalar("take_credit", int)
take_budget = sql.run("take_budget")
give_back = sql.run("give_back")
use = sql.run("use")
used = sql.row("used", Used)
unuse = sql.row("unuse", Used)
bind = sql.run("bind")
of_organisation = Listed(
    sql, "of_organisation", Program, key=Sort("g.id", "uuid"),
    sorts={"created": Sort("g.created_at", "timestamptz"), "name": Sort("lower(g.name)", "text")},
    default_sort=(("created", True),),
    filters={"status": AnyOf(_STATUS, "text"), "kind": AnyOf("g.kind", "text")},
    indexed=[("created", ())],
)  # fmt: skip
