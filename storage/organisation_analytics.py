"""How an organisation's people use what it books, and how those who serve it do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("organisation_analytics")


@dataclass(frozen=True, slots=True)
class Overview:
    bookings: int
    users: int
    rating: float | None


@dataclass(frozen=True, slots=True)
class ByDepartment:
    id: UUID
    department: str
    users: int
    active_users: int
    bookings: int
    spent_minor: int
    top_service: str | None


@dataclass(frozen=True, slots=True)
class ByService:
    """`again`: how many of the users booked it more than once."""

    service: str
    bookings: int
    users: int
    satisfaction: float | None
    again: int


@dataclass(frozen=True, slots=True)
class ByUser:
    id: UUID
    name: str
    bookings: int
    spent_minor: int


@dataclass(frozen=True, slots=True)
class ByLocation:
    location: str
    bookings: int
    spent_minor: int


@dataclass(frozen=True, slots=True)
class ByDay:
    day: date
    bookings: int
    users: int


@dataclass(frozen=True, slots=True)
class Stars:
    stars: int
    count: int


@dataclass(frozen=True, slots=True)
class Provider:
    id: UUID
    name: str
    services: list[str] | None
    bookings: int
    completed: int
    ended: int
    rating: float | None
    response_s: float | None
    on_time: int
    arrived: int
    saved_minor: int
    #: What it would have cost without discounts.
    would_minor: int
    complaints: int
    resolved: int


@dataclass(frozen=True, slots=True)
class Group:
    """One row of a custom report; a dimension that was not asked for is None."""

    department: str | None
    service_type: str | None
    provider: str | None
    location: str | None
    month: str | None
    member: str | None
    bookings: int
    spent_minor: int
    users: int
    satisfaction: float | None


@dataclass(frozen=True, slots=True)
class UnusedMember:
    id: UUID
    first_name: str
    last_name: str
    email: str | None
    role: str
    status: str
    last_active_at: datetime | None
    enrolled_at: datetime


@dataclass(frozen=True, slots=True)
class UnusedKey:
    id: UUID
    name: str
    public_key: str
    last_used_at: datetime | None
    created_at: datetime


overview = sql.row("overview", Overview)
by_department = sql.rows("by_department", ByDepartment)
by_service = sql.rows("by_service", ByService)
by_user = sql.rows("by_user", ByUser)
by_location = sql.rows("by_location", ByLocation)
by_day = sql.rows("by_day", ByDay)
stars = sql.rows("stars", Stars)
providers = sql.rows("providers", Provider)
custom = sql.rows("custom", Group)
unused_members = sql.rows("unused_members", UnusedMember)
unused_keys = sql.rows("unused_keys", UnusedKey)
