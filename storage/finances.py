"""What an organisation's bookings cost it, fees of cancelled ones included, by department, service and month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("finances")


@dataclass(frozen=True, slots=True)
class Totals:
    """`bookings`: those that were done."""

    net_minor: int
    discount_minor: int
    tax_minor: int
    spent_minor: int
    bookings: int


@dataclass(frozen=True, slots=True)
class ByDepartment:
    department_id: UUID | None
    department: str | None
    net_minor: int
    discount_minor: int
    tax_minor: int
    spent_minor: int
    bookings: int


@dataclass(frozen=True, slots=True)
class ByService:
    service: str
    bookings: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ByMonth:
    month: date
    net_minor: int
    discount_minor: int
    tax_minor: int
    spent_minor: int
    bookings: int


@dataclass(frozen=True, slots=True)
class Upcoming:
    bookings: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Detail:
    number: str
    local_date: date
    department: str | None
    member: str | None
    services: str | None
    status: str
    net_minor: int
    discount_minor: int
    tax_minor: int
    grand_total_minor: int
    invoice: str | None


@dataclass(frozen=True, slots=True)
class Place:
    day: date
    id: UUID


totals = sql.row("totals", Totals)
by_department = sql.rows("by_department", ByDepartment)
by_service = sql.rows("by_service", ByService)
by_month = sql.rows("by_month", ByMonth)
upcoming = sql.row("upcoming", Upcoming)
detailed = sql.rows("detailed", Detail)
last_of = sql.row("last_of", Place)
