"""Sums by the days of the business, and the events of the days that are not summed yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("analytics")


@dataclass(frozen=True, slots=True)
class Revenue:
    """Of a day, a week or a month: bookings made, bookings paid, and what came in less what went back."""

    starts_on: date
    bookings: int
    paid: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class TechnicianSums:
    technician_id: UUID
    code: str
    name: str
    completed: int
    cancelled: int
    earnings_minor: int
    ratings: int
    stars: int


@dataclass(frozen=True, slots=True)
class ServiceSums:
    service_id: UUID
    name: str
    category: str
    tier: str
    bookings: int
    revenue_minor: int
    ratings: int
    stars: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """`total` is the sum of the four counts after it. Money is of one currency."""

    total: int
    pending: int
    confirmed: int
    completed: int
    cancelled: int
    revenue_minor: int
    today_minor: int
    active_technicians: int
    technicians: int
    payable_minor: int


@dataclass(frozen=True, slots=True)
class Rolled:
    """All days before `until`, by the clocks of `timezone`, are summed."""

    timezone: str
    until: date


revenue = sql.rows("revenue", Revenue)
technicians = sql.rows("technicians", TechnicianSums)
services = sql.rows("services", ServiceSums)
dashboard = sql.row("dashboard", Dashboard)

read = sql.row("read", Rolled)
lock = sql.row("lock", Rolled)
first_day = sql.scalar("first_day", date)
empty = sql.run("empty")
#: In this order, each for days that are not summed yet.
ROLLS = (
    sql.run("roll_days"), sql.run("roll_technicians"), sql.run("roll_services"), sql.run("roll_technician_months"),
    sql.run("roll_service_months"),
)  # fmt: skip
rolled = sql.run("rolled")
