"""Payouts: what technicians and providers are sent, made, confirmed and given up by staff."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.shared.exports import ExportQuery, file, whole
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Body, Currency, Money, View
from api.wire.results import File, Page
from dispatch.billing import payouts
from dispatch.engine import audit
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services, Tx
from storage import payouts as rows
from storage.payouts import Payout

Code = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]

PAYOUTS = Grammar(
    key="payouts", source=rows.everybodys,
    filters={
        "partner_id": UUID, "status": Literal["pending", "processing", "completed", "failed"],
        "payment_method": Literal["bank_transfer", "upi"], "currency": str,
        "kind": Literal["technician", "provider"], **DAYS,
    },
    aliases={"technician_id": "partner_id", "provider_id": "partner_id"},
    names={"partner_id": "party_id", "payment_method": "method"},
)  # fmt: skip


class PayeeOut(View):
    """`kind` is technician or provider."""

    id: UUID
    name: str
    partner_code: str
    kind: str


class PayoutOut(View):
    """net = total - deduction - cash that the payee holds already."""

    id: UUID
    payout_number: str
    partner: PayeeOut
    total_amount: Money
    commission_deduction: Money
    cash_offset: Money
    net_amount: Money
    currency: str
    payment_method: str
    status: str
    bank_transaction_id: str | None
    upi_transaction_id: str | None
    failure_reason: str | None
    notes: str | None
    requested_by: str
    earnings_ids: list[UUID]
    processed_at: datetime | None
    created_at: datetime


class MadeOut(View):
    payout: PayoutOut
    payout_number: str


class EndedOut(View):
    payout: PayoutOut
    status: str


class PayoutIn(Body):
    """Without `earnings_ids` and `amount` all that waits is paid, in the currency of the oldest unless one is named.

    An amount is what is sent, out of all that the payee is owed; it needs a currency where money is owed in several.
    """

    partner_id: UUID
    payment_method: Literal["bank_transfer", "upi"]
    earnings_ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = None
    amount: Annotated[Money, Field(gt=0)] | None = None
    currency: Currency | None = None
    commission_deduction: Annotated[Money, Field(ge=0)] = 0
    notes: Words | None = None


class ProcessIn(Body):
    """The proof of the transfer: a UPI payout may name either."""

    bank_transaction_id: Code | None = None
    upi_transaction_id: Code | None = None
    notes: Words | None = None


class FailIn(Body):
    failure_reason: Words


@admin.route("GET", "/payouts", permission="payouts:read", listing=PAYOUTS, tags=["payouts"])
async def list_payouts(services: Services, caller: Admin, listing: Listing) -> Page[PayoutOut]:
    """Everybody's payouts, the newest first."""
    async with services.read() as conn:
        found = await rows.everybodys.page(conn, listing.wanted, timezone=services.settings.timezone)
    return Page.of(found, payout_out)


COLUMNS = (
    "Number", "Made", "Payee", "Code", "Total", "Deduction", "Cash", "Net", "Currency", "Method", "Status",
    "Bank transaction", "UPI transaction", "Processed", "Failure",
)  # fmt: skip


@admin.route("GET", "/payouts/export", permission="payouts:read", listing=whole(PAYOUTS), tags=["payouts"])
async def export_payouts(services: Services, caller: Admin, query: ExportQuery, listing: Listing) -> File:
    """All payouts that the list would show, as a file: csv, xlsx, pdf."""
    pieces = exports.export(
        services, query.format, "Payouts", COLUMNS, rows.everybodys, listing.wanted, _line,
        timezone=services.settings.timezone,
    )  # fmt: skip
    return file(pieces, "payouts", query.format)


def _line(p: Payout) -> list[Cell]:
    money = admin.dialect.money
    return [
        p.number, p.created_at, p.party_name, p.party_code, money(p.total_minor), money(p.deduction_minor),
        money(p.cash_offset_minor), money(p.net_minor), p.currency, p.method, p.status, p.bank_transaction_id,
        p.upi_transaction_id, p.processed_at, p.failure_reason,
    ]  # fmt: skip


@admin.route("POST", "/payouts", status=201, permission="payouts:write", idempotency="optional", tags=["payouts"])
async def create(services: Services, caller: Admin, body: PayoutIn) -> MadeOut:
    """Reserve a payout of what waits: all of it, some earnings, or an amount."""

    async def work(tx: Tx) -> Payout:
        made = await payouts.create(
            tx, body.partner_id, method=body.payment_method, requested_by=caller.key, amount_minor=body.amount,
            earning_ids=body.earnings_ids, deduction_minor=body.commission_deduction, notes=body.notes,
            currency=body.currency,
        )  # fmt: skip
        asked = {
            "number": made.number, "party_id": made.party_id, "net_minor": made.net_minor, "currency": made.currency,
            "method": made.method, "notes": made.notes,
        }  # fmt: skip
        await audit.record(tx, caller.actor, "create_payout", "payout", made.id, asked)
        return made

    made = await services.retrying(work)
    return MadeOut(payout=payout_out(made), payout_number=made.number)


@admin.route("GET", "/payouts/{id}", permission="payouts:read", tags=["payouts"])
async def one(services: Services, caller: Admin, id: UUID) -> PayoutOut:
    """One payout."""
    async with services.read() as conn:
        return payout_out(await payouts.get(conn, id))


@admin.route("POST", "/payouts/{id}/process", permission="payouts:write", idempotency="optional", tags=["payouts"])
async def process(services: Services, caller: Admin, id: UUID, body: ProcessIn) -> EndedOut:
    """The money was sent: the payout is completed, and its earnings are paid."""
    ended = await services.retrying(lambda tx: process_one(tx, caller, id, body))
    return EndedOut(payout=payout_out(ended), status=ended.status)


@admin.route("POST", "/payouts/{id}/fail", permission="payouts:write", idempotency="optional", tags=["payouts"])
async def fail(services: Services, caller: Admin, id: UUID, body: FailIn) -> EndedOut:
    """The money did not go: what was reserved waits again."""

    async def work(tx: Tx) -> Payout:
        before = await payouts.lock(tx, id)
        after = await payouts.fail(tx, id, failure_reason=body.failure_reason)
        await audit.changed(tx, caller.actor, "fail_payout", "payout", id, before, after)
        return after

    ended = await services.retrying(work)
    return EndedOut(payout=payout_out(ended), status=ended.status)


@admin.route("POST", "/payouts/{id}/returned", permission="payouts:write", idempotency="optional", tags=["payouts"])
async def returned(services: Services, caller: Admin, id: UUID, body: FailIn) -> EndedOut:
    """The bank gave back what had been sent: it is owed again.

    Example: {"failure_reason": "The account is closed."}
    """

    async def work(tx: Tx) -> Payout:
        before = await payouts.lock(tx, id)
        after = await payouts.returned(tx, id, reason=body.failure_reason)
        await audit.changed(tx, caller.actor, "return_payout", "payout", id, before, after)
        return after

    ended = await services.retrying(work)
    return EndedOut(payout=payout_out(ended), status=ended.status)


async def process_one(tx: Tx, caller: Admin, payout_id: UUID, body: ProcessIn) -> Payout:
    """Completes a payout, audited. Raises Missing, Invalid, PayoutState."""
    before = await payouts.lock(tx, payout_id)
    after = await payouts.process(
        tx, payout_id, bank_transaction_id=body.bank_transaction_id, upi_transaction_id=body.upi_transaction_id,
        notes=body.notes,
    )  # fmt: skip
    await audit.changed(tx, caller.actor, "process_payout", "payout", payout_id, before, after)
    return after


def payout_out(p: Payout) -> PayoutOut:
    return PayoutOut(
        id=p.id, payout_number=p.number,
        partner=PayeeOut(id=p.party_id, name=p.party_name, partner_code=p.party_code, kind=p.party_kind),
        total_amount=p.total_minor, commission_deduction=p.deduction_minor, cash_offset=p.cash_offset_minor,
        net_amount=p.net_minor, currency=p.currency, payment_method=p.method, status=p.status,
        bank_transaction_id=p.bank_transaction_id, upi_transaction_id=p.upi_transaction_id,
        failure_reason=p.failure_reason, notes=p.notes, requested_by=p.requested_by, earnings_ids=p.earning_ids,
        processed_at=p.processed_at, created_at=p.created_at,
    )  # fmt: skip
