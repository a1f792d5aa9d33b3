"""Rows of invoice_payments: what was paid on invoices, and links that wait for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.database.binder import Statements
from storage.database.listing import AnyOf, Listed, Sort, made_on_days

sql = Statements("invoice_payments")


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """`applied_minor` is what the invoice needed of it; the rest is the organisation's credit.

    `means` are what the page of a link offers; none named: everything. One with `reversed_at` was taken back.
    """

    id: UUID
    invoice_id: UUID
    invoice_number: str
    organisation_id: UUID
    method: str
    status: str
    currency: str
    amount_minor: int
    applied_minor: int
    reference: str | None
    gateway_link_id: str | None
    url: str | None
    means: list[str]
    paid_on: date | None
    created_at: datetime
    settled_at: datetime | None
    reversed_at: datetime | None
    reversal_reason: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    paid_minor: int
    pending_minor: int
    payments: int


insert = sql.scalar("insert", UUID)
get = sql.row("get", InvoicePayment)
open_link = sql.row("open_link", InvoicePayment)
of_link = sql.row("of_link", InvoicePayment)
set_link = sql.run("set_link")
settle = sql.scalar("settle", UUID)
reverse = sql.scalar("reverse", UUID)
paid_by_credit = sql.rows("paid_by_credit", InvoicePayment)
of_invoice = sql.rows("of_invoice", InvoicePayment)
claim = sql.rows("claim", InvoicePayment)
summary = sql.row("summary", Summary)

of_organisation = Listed(
    sql, "of_organisation", InvoicePayment, key=Sort("y.id", "uuid"),
    sorts={"created": Sort("y.created_at", "timestamptz"), "amount": Sort("y.amount_minor", "bigint")},
    default_sort=(("created", True),),
    filters={
        "status": AnyOf("y.status", "text"), "method": AnyOf("y.method", "text"), **made_on_days("y.created_at"),
    },
    indexed=[("created", ()), ("created", ("date_from", "date_to"))],
)  # fmt: skip
