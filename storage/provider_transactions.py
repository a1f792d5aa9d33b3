"""Rows of provider_transactions: a provider's statement, one line for whatever came in or went out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("provider_transactions")


@dataclass(frozen=True, slots=True)
class Transaction:
    id: UUID
    provider_id: UUID
    type: str
    category: str
    status: str
    amount_minor: int
    currency: str
    reference: str
    customer_id: UUID | None
    payer_name: str | None
    payer_email: str | None
    payer_phone: str | None
    method: str
    description: str | None
    service: str | None
    booking_id: UUID | None
    payout_id: UUID | None
    related_to: UUID | None
    metadata: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    settled_at: datetime | None


insert = sql.row("insert", Transaction)
move = sql.row("move", Transaction)
of_payout = sql.rows("of_payout", Transaction)
get = sql.row("get", Transaction)
change = sql.row("change", Transaction)
describe = sql.run("describe")
by_reference = sql.row("by_reference", Transaction)
of_payment = sql.row("of_payment", Transaction)
related = sql.rows("related", Transaction)

of_provider = Listed(
    sql, "of_provider", Transaction,
    key=Sort("t.id", "uuid"),
    sorts={
        "date": Sort("t.created_at", "timestamptz"), "amount": Sort("t.amount_minor", "bigint"),
        "payer": Sort("coalesce(t.payer_name, '')", "text"), "status": Sort("t.status", "text"),
    },
    default_sort=(("date", True),),
    filters={
        "status": AnyOf("t.status", "text"), "type": AnyOf("t.type", "text"), "category": AnyOf("t.category", "text"),
        "min_amount": "t.amount_minor >= {}::bigint", "max_amount": "t.amount_minor <= {}::bigint",
        "from_at": "t.created_at >= {}::timestamptz", "to_at": "t.created_at < {}::timestamptz",
        "customer_id": AnyOf("t.customer_id", "uuid"), "currency": AnyOf("t.currency", "text"),
    },
    search="array_to_tsvector(search_words(t.payer_name) || search_words(t.payer_email) || search_words(t.reference))"
    " @@ {}",
    indexed=[("date", ()), ("date", ("status",)), ("date", ("from_at", "to_at")), ("amount", ()), ("payer", ())],
)  # fmt: skip
