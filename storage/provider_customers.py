"""Rows of a provider's customers; their sums are kept by a trigger of its transactions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("provider_customers")


@dataclass(frozen=True, slots=True)
class Customer:
    """`spent_minor` is what was paid in the provider's own currency less what went back; `transactions` counts what
    was paid."""

    id: UUID
    provider_id: UUID
    account_id: UUID
    name: str | None
    email: str | None
    phone: str | None
    location: str | None
    avatar_url: str | None
    source: str
    status: str
    has_app_account: bool
    is_reachable: bool
    metadata: dict[str, Any]
    spent_minor: int
    transactions: int
    last_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    customers: int
    spent_minor: int
    transactions: int


@dataclass(frozen=True, slots=True)
class Line:
    """A transaction of a customer, in short."""

    id: UUID
    amount_minor: int
    currency: str
    type: str
    status: str
    created_at: datetime
    reference: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription of a customer, in short."""

    id: UUID
    plan_name: str
    status: str
    starts_at: datetime
    ends_at: datetime


ensure = sql.row("ensure", Customer)
find = sql.row("find", Customer)
by_email = sql.row("by_email", Customer)
insert = sql.scalar("insert", UUID)
change = sql.run("change")
summary = sql.row("summary", Summary)
recent_lines = sql.rows("recent_lines", Line)
subscriptions = sql.rows("subscriptions", Subscribed)
of_ids = sql.rows("of_ids", Customer)
active = sql.rows("active", Customer)

of_provider = Listed(
    sql, "of_provider", Customer,
    key=Sort("c.id", "uuid"),
    sorts={
        "name": Sort("coalesce(c.name, '')", "text"), "email": Sort("coalesce(c.email, '')", "text"),
        "spent": Sort("c.spent_minor", "bigint"), "transactions": Sort("c.transactions", "int"),
        "last": Sort("c.last_at", "timestamptz", is_nullable=True), "created": Sort("c.created_at", "timestamptz"),
    },
    default_sort=(("name", False),),
    filters={"status": AnyOf("c.status", "text"), "source": AnyOf("c.source", "text")},
    search="array_to_tsvector(search_words(c.name) || search_words(c.email) || search_phone(c.phone)) @@ {}",
    indexed=[("name", ()), ("spent", ()), ("transactions", ())],
)  # fmt: skip
