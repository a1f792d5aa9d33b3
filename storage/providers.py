"""Rows of providers: a party with a team, a wallet and settings of its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import Listed, Sort

sql = Statements("providers")


@dataclass(frozen=True, slots=True)
class Provider:
    """`address` is {address, city, country, postal_code}; `timezone` and `currency` are always there."""

    id: UUID
    code: str
    name: str
    email: str | None
    phone: str | None
    address: dict[str, Any] | None
    timezone: str
    currency: str
    facility_type: str
    description: str
    services: list[str]
    money_units: str
    language: str
    date_format: str
    time_format: str
    payout_frequency: str
    payout_day: str | None
    store_currency: str
    min_payout_minor: int
    manual_payouts: bool
    paid_out_on: date | None
    payouts_from: date
    billing_email: str | None
    billing_period: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Worker:
    """A technician, and the provider that they work for; None: for themselves."""

    id: UUID
    name: str
    phone: str | None
    provider_id: UUID | None


insert_party = sql.scalar("insert_party", UUID)
insert = sql.run("insert")
get = sql.row("get", Provider)
lock = sql.row("lock", Provider)
lock_lines = sql.row("lock_lines", Provider)
all = sql.rows("all", Provider)
paid_out = sql.run("paid_out")
ask_for_account = sql.run("ask_for_account")
set_payouts = sql.run("set_payouts")
enlist = sql.run("enlist")
lock_technician = sql.row("lock_technician", Worker)
set_service = sql.run("set_service")
set_units = sql.run("set_units")
set_general = sql.run("set_general")
set_head = sql.run("set_head")
set_clock = sql.run("set_clock")
set_formats = sql.run("set_formats")
set_billing = sql.run("set_billing")

every = Listed(
    sql, "every", Provider,
    key=Sort("p.id", "uuid"),
    sorts={"created_at": Sort("p.created_at", "timestamptz"), "name": Sort("p.name", "text")},
    default_sort=(("created_at", True),),
)  # fmt: skip
