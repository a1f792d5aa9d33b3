"""Rows of bookings as their customer sees them: lines, technician and progress in one read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, Words

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
    free_cancellation_s: float | None
    cancellation_fee_pct: float | None
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
    completed_at: datetime | None
    items: list[dict[str, Any]]


get = sql.row("get", BookingView)

_EARLIEST = "::timestamp AT TIME ZONE 'UTC' - interval '14 hours'"
_LATEST = "::timestamp AT TIME ZONE 'UTC' + interval '12 hours'"


def local_days(alias: str) -> dict[str, str]:
    """The filters by a booking's local day: date (any of), date_from, date_to (both included).

    Around the day they name what an index of moments knows: no place is further than fourteen hours from UTC.
    """
    day, at = f"{alias}.local_date", f"{alias}.starts_at"
    return {
        "date_from": f"{day} >= {{}}::date AND {at} >= {{}}::date{_EARLIEST}",
        "date_to": f"{day} <= {{}}::date AND {at} < ({{}}::date + 1){_LATEST}",
        "date": f"{day} = ANY({{}}::date[]) AND {at} >= (SELECT min(d) FROM unnest({{}}::date[]) d){_EARLIEST}"  # noqa: S608
        f" AND {at} < (SELECT max(d) + 1 FROM unnest({{}}::date[]) d){_LATEST}",
    }


#: Words and codes of a booking, and its phone.
SEARCH = Words("booking_words", "booking_id", "words", beside="b.id")

of_account = Listed(
    sql, "of_account", BookingView,
    key=Sort("b.id", "uuid"),
    sorts={"created_at": Sort("b.created_at", "timestamptz"), "starts_at": Sort("b.starts_at", "timestamptz")},
    default_sort=(("created_at", True),),
    filters={
        "status": AnyOf("b.status", "text"), "payment_status": AnyOf("b.payment_status", "text"),
        "payment_method": AnyOf("b.payment_method", "text"), **local_days("b"),
    },
    search=SEARCH,
    indexed=[
        ("created_at", ()), ("created_at", ("status",)), ("starts_at", ()), ("starts_at", ("date_from", "date_to")),
    ],
)  # fmt: skip
