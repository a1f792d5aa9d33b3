"""Rows of trade partners: the ERP's commercial master record, its statuses, and how partners are found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("trade_partners")


@dataclass(frozen=True, slots=True)
class TradePartner:
    """`no` is the id that the ERP shows. Of the terms only the default one stands here."""

    no: int
    party_id: UUID
    code: str
    name: str
    status: str
    partner_type: str
    channel: str
    is_b2b: bool
    customer_no: int | None
    organisation_id: UUID | None
    price_list_id: int | None
    parent_no: int | None
    salesperson_id: int | None
    credit_limit_minor: int
    credit_used_minor: int
    credit_available_minor: int
    tax_number_ice: str | None
    tax_number_if: str | None
    tax_exempt: bool
    vat_group_code: str | None
    phone: str | None
    whatsapp: str | None
    email: str | None
    website: str | None
    address_line1: str | None
    address_line2: str | None
    city: str | None
    region: str | None
    country: str | None
    postal_code: str | None
    geo_area_code: str | None
    geo_lat: float | None
    geo_lng: float | None
    opening_hours: Any
    delivery_instructions: str | None
    delivery_zone: str | None
    min_order_minor: int | None
    blocked_until: datetime | None
    block_reason: str | None
    default_discount_rate: Decimal | None
    default_discount_minor: int | None
    max_discount_rate: Decimal | None
    created_at: datetime
    updated_at: datetime
    price_list_code: str | None
    price_list_name: str | None
    payment_term_id: int | None


@dataclass(frozen=True, slots=True)
class Brief:
    no: int
    code: str
    name: str
    status: str


@dataclass(frozen=True, slots=True)
class Found:
    no: int
    code: str
    name: str
    email: str | None
    phone: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Placed:
    no: int
    lat: float
    lng: float


@dataclass(frozen=True, slots=True)
class StatusChange:
    id: int
    old: str | None
    new: str
    reason: str | None
    is_notified: bool
    blocked_until: datetime | None
    actor_kind: str
    actor_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class LatestStatus:
    partner_no: int
    new: str
    reason: str | None
    is_notified: bool


@dataclass(frozen=True, slots=True)
class Statistics:
    total: int
    active: int
    blocked: int
    on_hold: int
    closed: int
    total_credit_limit_minor: int
    total_credit_used_minor: int
    with_customer: int


@dataclass(frozen=True, slots=True)
class Counted:
    """Partners of one kind; without a name those of all kinds that are not named."""

    name: str | None
    count: int


get = sql.row("get", TradePartner)
lock = sql.row("lock", TradePartner)
of_numbers = sql.rows("of_numbers", TradePartner)
lock_numbers = sql.rows("lock_numbers", TradePartner)
unknown = sql.scalar("unknown", list[str])
by_code = sql.row("by_code", TradePartner)
take_number = sql.scalar("take_number", int)
next_number = sql.scalar("next_number", int)
insert = sql.scalar("insert", int)
save = sql.run("save")
delete = sql.scalar("delete", int)
set_status = sql.run("set_status")
note_statuses = sql.run("note_statuses")
latest_statuses = sql.rows("latest_statuses", LatestStatus)
lift_expired = sql.run("lift_expired")
children = sql.rows("children", Brief)
brief = sql.row("brief", Brief)
set_credit_limit = sql.run("set_credit_limit")
let_over = sql.run("let_over")
recalculate = sql.scalar("recalculate", int)
search_beginnings = sql.rows("search_beginnings", Found)
search_words = sql.rows("search_words", Found)
nearest = sql.rows("nearest", Placed)
within = sql.rows("within", Placed)
statistics = sql.row("statistics", Statistics)
by_type = sql.rows("by_type", Counted)
by_channel = sql.rows("by_channel", Counted)

#: As `status_now`: a block that has run out is none, in filters and sorts as in what is shown.
_STATUS = sql.part("status_now")

every = Listed(
    sql, "all", TradePartner,
    key=Sort("t.no", "bigint"),
    sorts={
        "id": Sort("t.no", "bigint"), "code": Sort("t.code", "text"), "name": Sort("t.name", "text"),
        "status": Sort(_STATUS, "text"), "partner_type": Sort("t.partner_type", "text"),
        "channel": Sort("t.channel", "text"), "email": Sort("t.email", "text", is_nullable=True),
        "city": Sort("t.city", "text", is_nullable=True), "region": Sort("t.region", "text", is_nullable=True),
        "credit_limit": Sort("t.credit_limit_minor", "bigint"), "credit_used": Sort("t.credit_used_minor", "bigint"),
        "credit_available": Sort("t.credit_available_minor", "bigint"),
        "created_at": Sort("t.created_at", "timestamptz"), "updated_at": Sort("t.updated_at", "timestamptz"),
    },
    default_sort=(("id", False),),
    filters={
        "status": AnyOf(_STATUS, "text"), "partner_type": AnyOf("t.partner_type", "text"),
        "channel": AnyOf("t.channel", "text"), "price_list_id": AnyOf("t.price_list_id", "bigint"),
        "salesperson_id": AnyOf("t.salesperson_id", "bigint"), "parent_partner_id": AnyOf("t.parent_no", "bigint"),
        "city": "position(lower({}::text) IN lower(t.city)) > 0",
        "region": "position(lower({}::text) IN lower(t.region)) > 0",
        "is_b2b": "t.is_b2b = {}::boolean", "blocked": f"({_STATUS} = 'BLOCKED') = {{}}::boolean",
        "min_credit_limit": "t.credit_limit_minor >= {}::bigint",
        "max_credit_limit": "t.credit_limit_minor <= {}::bigint",
    },
    search="t.words @@ {}",
    indexed=[
        ("id", ()), ("name", ()), ("code", ()), ("id", ("price_list_id",)), ("id", ("salesperson_id",)),
        ("id", ("parent_partner_id",)),
    ],
)  # fmt: skip
statuses = Listed(
    sql, "statuses", StatusChange,
    key=Sort("s.id", "bigint"), sorts={"id": Sort("s.id", "bigint")}, default_sort=(("id", True),),
    columns="status_columns", source="status_source", indexed=[("id", ())],
)  # fmt: skip
