"""The technician's reading of bookings: offers and own jobs in one list, and the figures of the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.customer_bookings import local_days
from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("technician_bookings")


@dataclass(frozen=True, slots=True)
class JobRow:
    """`state` is the contract's assignment state: an open offer is `assigned`."""

    booking_id: UUID
    number: str
    status: str
    state: str
    local_date: date
    local_time: time
    timezone: str
    starts_at: datetime
    ends_at: datetime
    address: dict[str, Any]
    contact: dict[str, Any]
    lat: float
    lng: float
    payment_method: str
    payment_status: str
    grand_total_minor: int
    wallet_minor: int
    outstanding_fee_minor: int
    to_collect_minor: int
    collected_minor: int
    currency: str
    earning_minor: int
    offer_id: UUID | None
    offer_expires_at: datetime | None
    estimated_arrival: datetime | None
    accepted_at: datetime | None
    completed_at: datetime | None
    needs_start_code: bool
    rating: int | None
    is_mine: bool
    items: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Stats:
    total_bookings: int
    completed_bookings: int
    cancelled_bookings: int
    rating: float | None
    is_available: bool
    last_seen_at: datetime | None
    pending_bookings: int
    today_bookings: int
    name: str
    code: str
    phone: str | None
    email: str | None
    working_hours: dict[str, Any]
    onboarding_status: str
    categories: list[str]
    tiers: list[str]
    service_radius_m: int


of_technician = Listed(
    sql, "of_technician", JobRow,
    key=Sort("g.booking_id", "uuid"),
    sorts={"starts_at": Sort("g.starts_at", "timestamptz")},
    default_sort=(("starts_at", True),),
    filters={"status": AnyOf("g.state", "text"), **local_days("g")},
    indexed=[("starts_at", ()), ("starts_at", ("status",)), ("starts_at", ("date_from", "date_to"))],
)  # fmt: skip

ahead = Listed(
    sql, "ahead", JobRow,
    key=Sort("g.booking_id", "uuid"),
    sorts={"starts_at": Sort("g.starts_at", "timestamptz")},
    default_sort=(("starts_at", False),),
    indexed=[("starts_at", ())],
)  # fmt: skip

get = sql.row("get", JobRow)
stats = sql.row("stats", Stats)
