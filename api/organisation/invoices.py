"""Invoices, what was paid on them, and paying."""

from __future__ import annotations

import logging
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, ValidationInfo

from api.audiences import Member, organisation
from api.organisation.billing_settings import GroupBy
from api.organisation.fields import organisation_of, whole_organisation
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import CamelBody, CamelView, Day, Money
from api.wire.results import File, PageWith, Reply
from dispatch.billing import invoice_payments, invoices
from dispatch.billing.invoices import Period
from dispatch.engine import audit, files
from dispatch.parties import organisations
from dispatch.ports.files import FilesAway
from dispatch.services import Services
from storage.invoice_payments import InvoicePayment
from storage.invoices import Invoice, Line, LineOf

log = logging.getLogger(__name__)
DATES = {"startDate": "date_from", "endDate": "date_to"}
INVOICES = Grammar(
    key="invoices", source=invoices.LIST, filters={"status": Literal["paid", "pending", "overdue"], **DAYS},
    aliases=DATES,
)  # fmt: skip
PAYMENTS = Grammar(
    key="payments", source=invoice_payments.LIST,
    filters={
        "status": Literal["pending", "success", "failed"], "method": Literal["bank_transfer", "online", "credit"],
        **DAYS,
    },
    aliases=DATES,
)  # fmt: skip
TAGS = ("finance",)


def _after_start(end: date, info: ValidationInfo) -> date:
    start = info.data.get("start_date")
    if start is not None and end < start:
        raise ValueError("must not be before startDate")
    return end


class PeriodIn(CamelBody):
    start_date: Day
    end_date: Annotated[Day, AfterValidator(_after_start)]


class InvoiceRequest(CamelBody):
    """`includeDetails` false: one line for each group, as with the format `summary`; unsaid, the settings hold."""

    period: PeriodIn
    include_details: bool | None = None
    group_by: GroupBy | None = None
    format: Literal["pdf"] = "pdf"


class BillingPeriodOut(CamelView):
    start: date
    end: date


class ItemOut(CamelView):
    description: str
    quantity: int
    unit_price: Money
    amount: Money


class LineOut(ItemOut):
    group: str | None


class InvoiceOut(CamelView):
    """`discount` is an amount; `open` is what is still to be paid."""

    id: UUID
    invoice_number: str
    billing_period: BillingPeriodOut
    status: str
    items: list[ItemOut]
    subtotal: Money
    tax: Money
    discount: Money
    total: Money
    paid: Money
    open: Money
    currency: str
    issue_date: date
    due_date: date
    paid_date: date | None
    payment_method: str | None


class WholeInvoiceOut(InvoiceOut):
    lines: list[LineOut]


class OneInvoiceOut(CamelView):
    invoice: WholeInvoiceOut


class RequestedOut(CamelView):
    """`downloadUrl` is good for some minutes; null while the PDF cannot be kept, which then follows by itself."""

    invoice: WholeInvoiceOut
    download_url: str | None


class SumsOut(CamelView):
    total_invoices: int
    total_paid: Money
    total_pending: Money
    total_overdue: Money


class InvoicesSummary(CamelView):
    summary: SumsOut


class PaymentOut(CamelView):
    """`applied` is what the invoice needed of it; the rest is our credit."""

    id: UUID
    invoice_id: UUID
    invoice_number: str
    amount: Money
    applied: Money
    currency: str
    method: str
    status: str
    reference: str | None
    payment_url: str | None
    paid_date: date | None
    created_at: datetime


class PaymentSumsOut(CamelView):
    total_payments: int
    total_paid: Money
    total_pending: Money


class PaymentsSummary(CamelView):
    summary: PaymentSumsOut


class OnePaymentOut(CamelView):
    payment: PaymentOut


@organisation.route("GET", "/finance/invoices", permission="finance:read", listing=INVOICES, tags=TAGS)
async def page(services: Services, caller: Member, listing: Listing) -> PageWith[InvoiceOut, InvoicesSummary]:
    """Our invoices, the newest first.

    A manager sees those with something of their department on them, and of these its lines and amounts alone; a part
    counts as paid when its invoice is.
    """
    organisation_id = organisation_of(caller)
    async with services.read() as conn:
        found = await invoices.page(conn, organisation_id, caller.within, listing.wanted)
        lines = await invoices.lines_of(conn, [i.id for i in found.rows], caller.within)
        sums = await invoices.summary(conn, organisation_id, caller.within)
    extra = SumsOut(
        total_invoices=sums.invoices, total_paid=sums.paid_minor, total_pending=sums.pending_minor,
        total_overdue=sums.overdue_minor,
    )  # fmt: skip
    return PageWith.among(found, lambda i: invoice_out(i, lines[i.id]), InvoicesSummary(summary=extra))


@organisation.route("GET", "/finance/invoices/{id}", permission="finance:read", tags=TAGS)
async def get(services: Services, caller: Member, id: UUID) -> OneInvoiceOut:
    """One invoice with its lines."""
    return OneInvoiceOut(invoice=await _whole(services, whole_organisation(caller), id))


@organisation.route("GET", "/finance/invoices/{id}/pdf", permission="finance:read", tags=TAGS)
async def pdf(services: Services, caller: Member, id: UUID) -> File:
    """The invoice as PDF, with what was paid on it by now."""
    async with services.read() as conn:
        found = await invoices.get(conn, whole_organisation(caller), id)
    return File(await invoices.pdf(services, id), f"{found.number}.pdf", "application/pdf", is_inline=True)


@organisation.route(
    "POST", "/finance/invoices/{id}/pay", idempotency="optional", status=201, permission="finance:write", tags=TAGS
)
async def pay(services: Services, caller: Member, id: UUID) -> Reply[OnePaymentOut]:
    """A link to pay what is open; asked for again, the same link."""
    found = await invoice_payments.pay_online(services, whole_organisation(caller), id, caller.actor)
    return Reply(OnePaymentOut(payment=payment_out(found)), message="Pay at the payment URL")


@organisation.route(
    "POST", "/billing/invoice-request", idempotency="optional", status=201, permission="billing:write", tags=TAGS
)
async def request(services: Services, caller: Member, body: InvoiceRequest) -> Reply[RequestedOut]:
    """An invoice now, for all that was done until the end of the period and stands on none yet.

    Example: {"period": {"startDate": "2026-01-01", "endDate": "2026-01-31"}, "groupBy": "department", "format": "pdf"}
    """
    organisation_id = whole_organisation(caller)
    period = Period(body.period.start_date, body.period.end_date)
    async with services.transaction() as tx:
        made = await invoices.issue(
            tx, organisation_id, period, kind="requested", group_by=body.group_by,
            is_summary=None if body.include_details is None else not body.include_details,
        )  # fmt: skip
        await audit.record(tx, caller.actor, "invoice.request", "invoice", made.id)
    url = await _link(services, made.id)
    whole = await _whole(services, organisation_id, made.id)
    message = "Invoice generated" if url else "Invoice generated; the link to its PDF follows"
    return Reply(RequestedOut(invoice=whole, download_url=url), message=message)


async def _link(services: Services, invoice_id: UUID) -> str | None:
    """To the invoice's PDF. None: the store is away, and the clock keeps it later; the invoice stands."""
    try:
        file_id = await invoices.file_of(services, invoice_id)
    except FilesAway as e:
        log.warning("the PDF of invoice %s cannot be kept, and is made at a later turn: %s", invoice_id, e)
        return None
    async with services.read() as conn:
        return files.link_to(services, await files.get(conn, file_id))


@organisation.route("GET", "/billing/payments", permission="finance:read", listing=PAYMENTS, tags=TAGS)
async def payments(services: Services, caller: Member, listing: Listing) -> PageWith[PaymentOut, PaymentsSummary]:
    """What was paid on our invoices, the newest first."""
    organisation_id = whole_organisation(caller)
    async with services.read() as conn:
        home = await organisations.get(conn, organisation_id)
        found = await invoice_payments.page(conn, home.id, listing.wanted, organisations.timezone_of(home))
        sums = await invoice_payments.summary(conn, home.id)
    extra = PaymentSumsOut(total_payments=sums.payments, total_paid=sums.paid_minor, total_pending=sums.pending_minor)
    return PageWith.among(found, payment_out, PaymentsSummary(summary=extra))


async def _whole(services: Services, organisation_id: UUID, id: UUID) -> WholeInvoiceOut:
    async with services.read() as conn:
        found = await invoices.get(conn, organisation_id, id)
        lines = await invoices.lines(conn, id)
    return WholeInvoiceOut(**_fields(found, lines), lines=[
        LineOut(
            description=line.description, quantity=line.quantity, unit_price=line.unit_minor, amount=line.amount_minor,
            group=line.heading,
        )
        for line in lines
    ])  # fmt: skip


def invoice_out(i: Invoice, lines: list[LineOf]) -> InvoiceOut:
    return InvoiceOut(**_fields(i, lines))


def payment_out(p: InvoicePayment) -> PaymentOut:
    return PaymentOut(
        id=p.id, invoice_id=p.invoice_id, invoice_number=p.invoice_number, amount=p.amount_minor,
        applied=p.applied_minor, currency=p.currency, method=p.method, status=p.status, reference=p.reference,
        payment_url=p.url, paid_date=p.paid_on, created_at=p.created_at,
    )  # fmt: skip


def _fields(i: Invoice, lines: list[LineOf] | list[Line]) -> dict[str, Any]:
    items = [
        ItemOut(
            description=line.description, quantity=line.quantity, unit_price=line.unit_minor, amount=line.amount_minor
        )
        for line in lines
    ]
    return {
        "id": i.id, "invoice_number": i.number, "status": i.status, "items": items,
        "billing_period": BillingPeriodOut(start=i.period_start, end=i.period_end), "subtotal": i.subtotal_minor,
        "tax": i.tax_minor, "discount": i.discount_minor, "total": i.total_minor, "paid": i.paid_minor,
        "open": i.open_minor, "currency": i.currency, "issue_date": i.issued_on, "due_date": i.due_on,
        "paid_date": i.paid_on, "payment_method": i.payment_method,
    }  # fmt: skip
