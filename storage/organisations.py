"""Rows of organisations: a party that books for its members, its standing and its tier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("organisations")


@dataclass(frozen=True, slots=True)
class Organisation:
    """`member_limit` None: the tier has room for any number."""

    id: UUID
    code: str
    name: str
    legal_name: str | None
    address: dict[str, Any] | None
    timezone: str | None
    currency: str | None
    org_type: str
    status: str
    status_reason: str | None
    tier: str
    member_limit: int | None
    member_count: int
    registration_no: str | None
    tax_id: str | None
    industry: str | None
    size: str | None
    website: str | None
    description: str | None
    logo_url: str | None
    contacts: dict[str, Any]
    program: dict[str, Any]
    account_manager_id: UUID | None
    registered_email: str
    member_since: date | None
    volume_discount_pct: Decimal
    payment_terms_days: int | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Manager:
    """A member of staff who looks after an organisation."""

    id: UUID
    name: str | None
    email: str | None
    phone: str | None


insert_party = sql.scalar("insert_party", UUID)
insert = sql.run("insert")
get = sql.row("get", Organisation)
lock = sql.row("lock", Organisation)
change = sql.run("change")
change_party = sql.run("change_party")
set_status = sql.scalar("set_status", UUID)
set_tier = sql.run("set_tier")
set_account_manager = sql.run("set_account_manager")
set_terms = sql.run("set_terms")
least_busy_manager = sql.scalar("least_busy_manager", UUID)
manager = sql.row("manager", Manager)

everybodys = Listed(
    sql, "everybodys", Organisation, key=Sort("o.id", "uuid"),
    sorts={"created": Sort("o.created_at", "timestamptz"), "name": Sort("lower(p.name)", "text")},
    default_sort=(("created", True),),
    filters={
        "status": AnyOf("o.status", "text"), "tier": AnyOf("o.tier", "text"), "type": AnyOf("o.org_type", "text"),
        "account_manager": AnyOf("o.account_manager_id", "uuid"),
    },
    search="array_to_tsvector(search_words(p.name) || search_words(p.code) || search_words(o.registered_email)) @@ {}",
)  # fmt: skip
