"""Rows of trade partners' orders and delivery notes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Flag, Listed, Sort, made_on_days

sql = Statements("trade_orders")


@dataclass(frozen=True, slots=True)
class TradeOrder:
    """`party_id` is the partner's; `credit_minor` is what the order takes of the partner's credit just now."""

    id: int
    code: str
    partner_no: int
    party_id: UUID
    partner_code: str
    partner_name: str
    booking_id: UUID | None
    organisation_id: UUID | None
    status: str
    currency: str
    lines: list[dict[str, Any]]
    subtotal_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    credit_minor: int
    fee_minor: int
    due_on: date | None
    notes: str | None
    cancellation_reason: str | None
    payment_reference: str | None
    created_at: datetime
    delivered_at: datetime | None
    cancelled_at: datetime | None
    paid_at: datetime | None
    delivery_id: int | None
    delivery_code: str | None


@dataclass(frozen=True, slots=True)
class DeliveryNote:
    id: int
    code: str
    order_id: int
    order_code: str
    partner_no: int
    partner_name: str
    status: str
    currency: str
    total_minor: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """What a partner pays by, and how its credit stands; without a VAT group `vat_percent` is None."""

    no: int
    party_id: UUID
    code: str
    name: str
    status: str
    price_list_id: int | None
    tax_exempt: bool
    vat_percent: Decimal | None
    min_order_minor: int | None
    default_discount_rate: Decimal | None
    default_discount_minor: int | None
    max_discount_rate: Decimal | None
    credit_available_minor: int


@dataclass(frozen=True, slots=True)
class ListPrice:
    service_id: UUID
    price_minor: int


@dataclass(frozen=True, slots=True)
class NextNumbers:
    orders: int
    notes: int


get = sql.row("get", TradeOrder)
of_booking = sql.row("of_booking", TradeOrder)
terms = sql.row("terms", Terms)
terms_of_party = sql.row("terms_of_party", Terms)
terms_of_booker = sql.row("terms_of_booker", Terms)
prices = sql.rows("prices", ListPrice)
insert = sql.scalar("insert", int)
deliver = sql.scalar("deliver", int)
cancel = sql.run("cancel")
pay = sql.scalar("pay", int)
undo_pay = sql.scalar("undo_pay", int)
open_of = sql.scalar("open_of", list[int])
latest_of = sql.rows("latest_of", TradeOrder)
notes_of = sql.rows("notes_of", DeliveryNote)
note = sql.row("note", DeliveryNote)
next_numbers = sql.row("next_numbers", NextNumbers)

#: Owed and due before today, by the house's clocks.
_OVERDUE = "o.credit_minor > 0 AND o.due_on < (app_now() AT TIME ZONE :timezone)::date"

every = Listed(
    sql, "all", TradeOrder,
    key=Sort("o.id", "bigint"),
    sorts={
        "id": Sort("o.id", "bigint"), "created_at": Sort("o.created_at", "timestamptz"),
        "total_amount": Sort("o.total_minor", "bigint"), "status": Sort("o.status", "text"),
        "due_on": Sort("o.due_on", "date", is_nullable=True),
    },
    default_sort=(("id", True),),
    filters={
        "partner_id": AnyOf("o.partner_no", "bigint"), "status": AnyOf("o.status", "text"),
        "code": AnyOf("o.code", "text"), "overdue": Flag(_OVERDUE, f"({_OVERDUE}) IS NOT TRUE"),
        "unpaid": "(o.paid_at IS NULL AND (o.status <> 'CANCELLED' OR o.fee_minor > 0)) = {}::boolean",
        **made_on_days("o.created_at"),
    },
    indexed=[
        ("id", ()), ("id", ("status",)), ("id", ("partner_id",)), ("created_at", ()),
        ("created_at", ("date_from", "date_to")),
    ],
)  # fmt: skip
every_note = Listed(
    sql, "all_notes", DeliveryNote,
    key=Sort("d.id", "bigint"),
    sorts={"id": Sort("d.id", "bigint"), "created_at": Sort("d.created_at", "timestamptz")},
    default_sort=(("id", True),),
    filters={
        "partner_id": AnyOf("d.partner_no", "bigint"), "code": AnyOf("d.code", "text"), **made_on_days("d.created_at"),
    },
    columns="note_columns", source="note_source",
    indexed=[
        ("id", ()), ("id", ("partner_id",)), ("created_at", ()), ("created_at", ("date_from", "date_to")),
    ],
)  # fmt: skip
