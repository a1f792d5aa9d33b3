"""Rows of everybody's bookings as staff see them: with the customer, the technician and the lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.customer_bookings import SEARCH, local_days
from storage.database.binder import Statements
from storage.database.listing import AnyOf, Flag, Listed, Mostly, Sort, Worded

sql = Statements("staff_bookings")


@dataclass(frozen=True, slots=True)
class StaffBooking:
    """`assignment_state` is `assigned` while an offer is open. `items` as a customer's booking has them."""

    id: UUID
    number: str
    system: str
    status: str
    payment_method: str
    payment_status: str
    local_date: date
    local_time: time
    timezone: str
    starts_at: datetime
    ends_at: datetime
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
    lat: float
    lng: float
    zone_id: UUID | None
    organisation_id: UUID | None
    priority: int
    auto_assign: bool
    round: int
    attempt: int
    queued_at: datetime | None
    queue_reason: str | None
    start_code: str | None
    rating: int | None
    feedback: str | None
    created_at: datetime
    free_cancellation_s: float | None
    cancellation_fee_pct: float | None
    updated_at: datetime
    cancelled_at: datetime | None
    cancelled_by: str | None
    cancellation_reason: str | None
    cancellation_fee_minor: int | None
    refund_minor: int | None
    promo_code: str | None
    account_id: UUID
    account_name: str | None
    account_phone: str | None
    account_email: str | None
    technician_id: UUID | None
    technician_code: str | None
    technician_name: str | None
    technician_phone: str | None
    technician_rating: float | None
    assignment_state: str | None
    offer_expires_at: datetime | None
    completed_at: datetime | None
    items: list[dict[str, Any]]


get = sql.row("get", StaffBooking)

everybodys = Listed(
    sql, "everybodys", StaffBooking,
    key=Sort("b.id", "uuid"),
    sorts={
        "created_at": Sort("b.created_at", "timestamptz"), "starts_at": Sort("b.starts_at", "timestamptz"),
        "priority": Sort("b.priority", "int"), "grand_total": Sort("b.grand_total_minor", "bigint"),
        "rating": Sort("b.rating", "int", is_nullable=True),
    },
    default_sort=(("created_at", True),),
    filters={
        "status": AnyOf("b.status", "text"), "payment_status": AnyOf("b.payment_status", "text"),
        "payment_method": AnyOf("b.payment_method", "text"), "technician_id": AnyOf("b.technician_id", "uuid"),
        "account_id": AnyOf("b.account_id", "uuid"), "zone_id": AnyOf("b.zone_id", "uuid"),
        "organisation_id": AnyOf("b.organisation_id", "uuid"), "system": Mostly("b.system", "text", usual="customer"),
        "currency": AnyOf("b.currency", "bpchar"), "category": Worded("b.categories && {}::text[]", SEARCH),
        "tier": Worded("b.tiers && {}::text[]", SEARCH), "rating": AnyOf("b.rating", "int"),
        "is_queued": Flag("b.queued_at IS NOT NULL", "b.queued_at IS NULL"),
        "is_assigned": Flag("b.technician_id IS NOT NULL", "b.technician_id IS NULL"),
        "created_from": "b.created_at >= {}::date::timestamp AT TIME ZONE :timezone",
        "created_to": "b.created_at < ({}::date + 1)::timestamp AT TIME ZONE :timezone",
        **local_days("b"),
    },
    search=SEARCH,
    indexed=[
        ("created_at", ()), ("created_at", ("status",)), ("created_at", ("technician_id",)),
        ("created_at", ("account_id",)), ("created_at", ("zone_id",)), ("created_at", ("payment_status",)),
        ("created_at", ("organisation_id",)), ("created_at", ("rating",)), ("created_at", ("is_queued",)),
        ("created_at", ("system",)), ("created_at", ("currency",)),
        ("starts_at", ()), ("starts_at", ("date_from", "date_to")), ("starts_at", ("is_queued",)),
        ("priority", ()), ("grand_total", ()),
    ],
)  # fmt: skip
