"""Rows of manual_transactions: money that a provider took itself, in cash, by transfer or at a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort

sql = Statements("manual_transactions")


@dataclass(frozen=True, slots=True)
class ManualTransaction:
    id: UUID
    provider_id: UUID
    transaction_id: UUID
    customer_id: UUID | None
    payer_name: str | None
    payer_email: str | None
    payer_phone: str | None
    status: str
    method: str
    received_on: date
    note: str | None
    amount_minor: int
    currency: str
    reference: str
    description: str | None
    metadata: dict[str, Any]
    reconciled_at: datetime | None
    voided_at: datetime | None
    created_at: datetime
    updated_at: datetime


insert = sql.scalar("insert", UUID)
get = sql.row("get", ManualTransaction)
change = sql.run("change")
reconcile = sql.run("reconcile")
void = sql.run("void")

of_provider = Listed(
    sql, "of_provider", ManualTransaction,
    key=Sort("m.id", "uuid"),
    sorts={
        "date": Sort("m.created_at", "timestamptz"), "amount": Sort("t.amount_minor", "bigint"),
        "received": Sort("m.received_on", "date"), "status": Sort("m.status", "text"),
    },
    default_sort=(("date", True),),
    filters={
        "status": AnyOf("m.status", "text"), "method": AnyOf("m.method", "text"),
        "from_at": "m.created_at >= {}::timestamptz", "to_at": "m.created_at < {}::timestamptz",
    },
    search="array_to_tsvector(search_words(t.payer_name) || search_words(t.payer_email) || search_words(t.reference))"
    " @@ {}",
    indexed=[("date", ()), ("date", ("from_at", "to_at"))],
)  # fmt: skip
