"""Invoices of organisations as staff see them, and transfers that arrived at the bank."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Body, Day, Money, View
from api.wire.results import File, Page, Reply
from dispatch.billing import invoice_payments, invoices
from dispatch.billing.invoice_payments import Transfer
from dispatch.services import Services
from storage.invoice_payments import InvoicePayment
from storage.invoices import Invoice

INVOICES = Grammar(
    key="invoices", source=invoices.EVERYBODYS,
    filters={"status": Literal["paid", "pending", "overdue"], "organisation": UUID, **DAYS},
)  # fmt: skip
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
TAGS = ("organisations",)


class TransferIn(Body):
    """What arrived: a part, all of it, or more; the rest is the organisation's credit."""

    amount: Annotated[Money, Field(gt=0)]
    reference: Reference
    paid_on: Day


class ReversalIn(Body):
    reason: Words


class InvoiceOut(View):
    id: UUID
    invoice_number: str
    organisation_id: UUID
    organisation_name: str
    period_start: date
    period_end: date
    status: str
    subtotal: Money
    discount: Money
    tax: Money
    total: Money
    paid: Money
    open: Money
    currency: str
    issued_on: date
    due_on: date
    paid_on: date | None


class PaymentOut(View):
    """One with `reversed_at` was taken back, and does not count."""

    id: UUID
    invoice_id: UUID
    amount: Money
    applied: Money
    currency: str
    method: str
    status: str
    reference: str | None
    paid_on: date | None
    created_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None


@admin.route("GET", "/organisations/invoices", permission="organisations:read", listing=INVOICES, tags=TAGS)
async def page(services: Services, caller: Admin, listing: Listing) -> Page[InvoiceOut]:
    """Every organisation's invoices, the newest first."""
    async with services.read() as conn:
        return Page.of(await invoices.page_of_all(conn, listing.wanted), invoice_out)


@admin.route("GET", "/organisations/invoices/{id}/pdf", permission="organisations:read", tags=TAGS)
async def pdf(services: Services, caller: Admin, id: UUID) -> File:
    """The invoice as PDF."""
    async with services.read() as conn:
        found = await invoices.get(conn, None, id)
    return File(await invoices.pdf(services, id), f"{found.number}.pdf", "application/pdf", is_inline=True)


@admin.route(
    "POST",
    "/organisations/invoices/{id}/payments",
    idempotency="optional",
    status=201,
    permission="payouts:write",
    tags=TAGS,
)
async def record(services: Services, caller: Admin, id: UUID, body: TransferIn) -> Reply[PaymentOut]:
    """A transfer arrived at the bank for this invoice.

    Example: {"amount": 907.92, "reference": "UTR-123456", "paid_on": "2026-02-05"}
    """
    transfer = Transfer(body.amount, body.reference, body.paid_on)
    async with services.transaction() as tx:
        made = await invoice_payments.record_transfer(tx, caller.actor, id, transfer)
    return Reply(payment_out(made), message="The transfer is recorded.")


@admin.route("GET", "/organisations/invoices/{id}/payments", permission="organisations:read", tags=TAGS)
async def payments(services: Services, caller: Admin, id: UUID) -> list[PaymentOut]:
    """What came in for an invoice, or is to, the oldest first, with what was taken back."""
    async with services.read() as conn:
        await invoices.get(conn, None, id)
        return [payment_out(p) for p in await invoice_payments.of_invoice(conn, id)]


@admin.route(
    "POST", "/organisations/invoices/{id}/payments/{payment_id}/reverse", permission="payouts:write", tags=TAGS
)
async def reverse(services: Services, caller: Admin, id: UUID, payment_id: UUID, body: ReversalIn) -> Reply[PaymentOut]:
    """Takes back a transfer that was recorded by mistake or that the bank took back, once; what it paid is open again.

    Example: {"reason": "It was for another invoice."}
    """
    async with services.transaction() as tx:
        found = await invoice_payments.reverse_transfer(tx, caller.actor, id, payment_id, body.reason)
    return Reply(payment_out(found), message="The payment is taken back.")


def invoice_out(i: Invoice) -> InvoiceOut:
    return InvoiceOut(
        id=i.id, invoice_number=i.number, organisation_id=i.organisation_id, organisation_name=i.organisation_name,
        period_start=i.period_start, period_end=i.period_end, status=i.status, subtotal=i.subtotal_minor,
        discount=i.discount_minor, tax=i.tax_minor, total=i.total_minor, paid=i.paid_minor, open=i.open_minor,
        currency=i.currency, issued_on=i.issued_on, due_on=i.due_on, paid_on=i.paid_on,
    )  # fmt: skip


def payment_out(p: InvoicePayment) -> PaymentOut:
    return PaymentOut(
        id=p.id, invoice_id=p.invoice_id, amount=p.amount_minor, applied=p.applied_minor, currency=p.currency,
        method=p.method, status=p.status, reference=p.reference, paid_on=p.paid_on, created_at=p.created_at,
        reversed_at=p.reversed_at, reversal_reason=p.reversal_reason,
    )  # fmt: skip
