"""Rows of bookings as their customer sees them: lines, technician and progress in one read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements

sql = Statements("customer_bookings")


@dataclass(frozen=True, slots=True)
class BookingView:
    """`items` are {service_id, name, category, tier, quantity, duration_minutes, list_price_minor,
    price_minor}.
    """

    id: UUID
    number: str
    status: str
    payment_method: str
    payment_status: str
    local_date: date
    local_time: time
    timezone: str
    starts_at: datetime
    currency: str
    subtotal_minor: int
    savings_minor: int
    discount_minor: int
    tax_minor: int
    grand_total_minor: int
    wallet_minor: int
    outstanding_fee_minor: int
    to_collect_minor: int
    collected_minor: int
    address: dict[str, Any]
    contact: dict[str, Any]
    start_code: str | None
    rating: int | None
    feedback: str | None
    created_at: datetime
    cancelled_at: datetime | None
    cancelled_by: str | None
    cancellation_reason: str | None
    cancellation_fee_minor: int | None
    refund_minor: int | None
    technician_id: UUID | None
    technician_name: str | None
    technician_phone: str | None
    technician_rating: float | None
    assignment_state: str | None
    items: list[dict[str, Any]]


page = sql.rows("page", BookingView)
count = sql.scalar("count", int)
get = sql.row("get", BookingView)
