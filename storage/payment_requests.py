"""Rows of payment_requests: one amount that one customer of a provider is asked for, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("payment_requests")


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """`url` is the gateway's page, once it is known; `code` is ours, for the public checkout.

    Paid, it makes its subscription go on for `renews_days`.
    """

    id: UUID
    provider_id: UUID
    customer_id: UUID
    account_id: UUID
    customer_name: str
    customer_email: str | None
    customer_phone: str | None
    transaction_id: UUID
    payment_id: UUID | None
    link_id: UUID | None
    purpose: str
    purpose_id: UUID | None
    method: str
    status: str
    amount_minor: int
    currency: str
    reference: str
    code: str
    description: str | None
    due_at: datetime | None
    metadata: dict[str, Any]
    renews_days: int | None
    redirect_url: str | None
    gateway_link_id: str | None
    url: str | None
    paid_at: datetime | None
    cancelled_at: datetime | None
    created_at: datetime
    updated_at: datetime


insert = sql.run("insert")
get = sql.row("get", PaymentRequest)
lock = sql.row("lock", PaymentRequest)
lock_open_of = sql.rows("lock_open_of", PaymentRequest)
open_renewal = sql.row("open_renewal", PaymentRequest)
of_payment = sql.row("of_payment", PaymentRequest)
lock_of_payment = sql.row("lock_of_payment", PaymentRequest)
lock_of_link = sql.row("lock_of_link", PaymentRequest)
by_code = sql.row("by_code", PaymentRequest)
open_of_link = sql.row("open_of_link", PaymentRequest)
linked = sql.run("linked")
change = sql.run("change")
reprice = sql.run("reprice")
pay = sql.run("pay")
cancel = sql.run("cancel")

of_provider = Listed(
    sql, "of_provider", PaymentRequest,
    key=Sort("q.id", "uuid"),
    sorts={
        "date": Sort("q.created_at", "timestamptz"), "amount": Sort("q.amount_minor", "bigint"),
        "customer": Sort("coalesce(c.name, '')", "text"), "status": Sort("q.status", "text"),
        "due": Sort("q.due_at", "timestamptz", is_nullable=True),
    },
    default_sort=(("date", True),),
    filters={
        "status": AnyOf("q.status", "text"), "method": AnyOf("q.method", "text"),
        "customer_id": AnyOf("q.customer_id", "uuid"),
        "from_at": "q.created_at >= {}::timestamptz", "to_at": "q.created_at < {}::timestamptz",
    },
    search="q.id IN (SELECT n.id FROM payment_requests n WHERE words_in(search_words(n.reference)) @@ {}"
    " UNION ALL SELECT n.id FROM provider_customers k JOIN payment_requests n ON n.customer_id = k.id"
    " WHERE array_to_tsvector(search_words(k.name) || search_words(k.email) || search_phone(k.phone)) @@ {})",
    indexed=[("date", ()), ("date", ("status",)), ("date", ("from_at", "to_at"))],
)  # fmt: skip
