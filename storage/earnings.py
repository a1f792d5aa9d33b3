"""Rows of earnings: one per done booking, with the payee and the shares as they were at acceptance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("earnings")


@dataclass(frozen=True, slots=True)
class Earning:
    id: UUID
    booking_id: UUID
    booking_number: str
    assignment_id: UUID
    technician_id: UUID
    payee_id: UUID
    technician_share_pct: Decimal
    currency: str
    booking_minor: int
    tax_minor: int
    earning_minor: int
    platform_minor: int
    paid_minor: int
    payment_method: str
    status: str
    payout_id: UUID | None
    payout_number: str | None
    created_at: datetime
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class Totals:
    currency: str
    total_minor: int
    pending_minor: int
    paid_minor: int
    earnings: int


@dataclass(frozen=True, slots=True)
class Open:
    """An earning of which `open_minor` may go into a payout."""

    id: UUID
    currency: str
    open_minor: int


insert = sql.scalar("insert", UUID)
status_of = sql.scalar("status_of", str)
totals = sql.rows("totals", Totals)
lock_open = sql.rows("lock_open", Open)
count_known = sql.scalar("count_known", int)
claim = sql.run("claim")
pay = sql.run("pay")
release = sql.run("release")

of_payee = Listed(
    sql, "of_payee", Earning,
    key=Sort("e.id", "uuid"),
    sorts={"created_at": Sort("e.created_at", "timestamptz"), "amount": Sort("e.earning_minor", "bigint")},
    default_sort=(("created_at", True),),
    filters={"status": AnyOf("e.status", "text"), **made_on_days("e.created_at")},
    indexed=[("created_at", ()), ("created_at", ("status",)), ("created_at", ("date_from", "date_to"))],
)  # fmt: skip
