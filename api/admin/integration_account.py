"""What apps that are billed owe: their accounts as staff see them, and transfers that arrived at the bank."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Admin, admin
from api.shared.exports import ExportQuery, file, whole
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Body, Currency, Day, Money, View
from api.wire.results import File, Page, PageWith, Reply
from dispatch.billing import integration_account
from dispatch.billing.integration_account import Balance, Transfer
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services
from storage.integration_payments import IntegrationPayment
from storage.ledger import DebtorEntry

Reference = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
READ, WRITE = "integrations:read", "payouts:write"
TAGS = ("integrations",)

LINES = Grammar(
    key="lines", source=integration_account.LINES,
    filters={"type": Literal["credit", "debit"], "currency": str, **DAYS},
)  # fmt: skip
PAYMENTS = Grammar(key="payments", source=integration_account.PAYMENTS, filters={"currency": str})


class BalanceOut(View):
    """In one currency; `credit` is what was paid before it was owed: the next bookings take it."""

    currency: str
    owed: Money
    credit: Money


class LineOut(View):
    """A `debit` is billed, or a payment taken back (`payment_id` is of either); a `credit` is paid. `payment_status` is
    that of a booking that is done: the oldest are paid first.
    """

    id: int
    type: str
    category: str
    amount: Money
    currency: str
    booking_id: UUID | None
    booking_number: str | None
    payment_status: str | None
    payment_id: UUID | None
    description: str | None
    created_at: datetime


class AccountOut(View):
    """How the account stands, whatever the lines were asked for."""

    balances: list[BalanceOut]


class TransferIn(Body):
    """What arrived, whether it is owed or not. `paid_on` is today at the latest."""

    amount: Annotated[Money, Field(gt=0)]
    currency: Currency
    reference: Reference
    paid_on: Day


class ReversalIn(Body):
    reason: Words


class PaymentOut(View):
    """One with `reversed_at` was recorded by mistake, and does not count."""

    id: UUID
    amount: Money
    currency: str
    reference: str
    paid_on: date
    created_at: datetime
    reversed_at: datetime | None
    reversal_reason: str | None


@admin.route("GET", "/integrations/{id}/account", permission=READ, listing=LINES, tags=TAGS)
async def account(services: Services, caller: Admin, id: UUID, listing: Listing) -> PageWith[LineOut, AccountOut]:
    """What an app owes in each currency, and of what: its account's lines, the newest first."""
    async with services.read() as conn:
        await integration_account.check(conn, id)
        held = await integration_account.balances(conn, id)
        found = await integration_account.lines(conn, id, listing.wanted, services.settings.timezone)
    return PageWith.among(found, line_out, AccountOut(balances=[balance_out(b) for b in held]))


@admin.route("GET", "/integrations/{id}/account/export", permission=READ, listing=whole(LINES), tags=TAGS)
async def export(services: Services, caller: Admin, id: UUID, query: ExportQuery, listing: Listing) -> File:
    """The account's lines as a file: csv, xlsx or pdf. What is billed is below zero."""
    async with services.read() as conn:
        await integration_account.check(conn, id)
    pieces = exports.export(
        services, query.format, "Account", COLUMNS, integration_account.LINES, listing.wanted, _cells,
        owner_id=id, timezone=services.settings.timezone,
    )  # fmt: skip
    return file(pieces, "account", query.format)


@admin.route("GET", "/integrations/{id}/payments", permission=READ, listing=PAYMENTS, tags=TAGS)
async def payments(services: Services, caller: Admin, id: UUID, listing: Listing) -> Page[PaymentOut]:
    """What arrived of an app at the bank, the newest record first, with what was taken back."""
    async with services.read() as conn:
        await integration_account.check(conn, id)
        return Page.of(await integration_account.payments(conn, id, listing.wanted), payment_out)


@admin.route("POST", "/integrations/{id}/payments", idempotency="optional", status=201, permission=WRITE, tags=TAGS)
async def record(services: Services, caller: Admin, id: UUID, body: TransferIn) -> Reply[PaymentOut]:
    """A transfer of the app arrived at the bank. The same reference counts once.

    Example: {"amount": 907.92, "currency": "INR", "reference": "UTR-123456", "paid_on": "2026-01-05"}
    """
    transfer = Transfer(body.amount, body.currency, body.reference, body.paid_on)
    async with services.transaction() as tx:
        made = await integration_account.record(tx, caller.actor, id, transfer)
    return Reply(payment_out(made), message="The transfer is recorded.")


@admin.route("POST", "/integrations/{id}/payments/{payment_id}/reverse", permission=WRITE, tags=TAGS)
async def reverse(services: Services, caller: Admin, id: UUID, payment_id: UUID, body: ReversalIn) -> Reply[PaymentOut]:
    """Takes back a record that was a mistake, once; what it paid is owed again.

    Example: {"reason": "It was for another app."}
    """
    async with services.transaction() as tx:
        found = await integration_account.reverse(tx, caller.actor, id, payment_id, body.reason)
    return Reply(payment_out(found), message="The payment is taken back.")


def balance_out(held: Balance) -> BalanceOut:
    return BalanceOut(currency=held.currency, owed=held.due_minor, credit=held.credit_minor)


def line_out(entry: DebtorEntry) -> LineOut:
    return LineOut(
        id=entry.id, type=entry.side, category=entry.kind,
        amount=abs(entry.amount_minor), currency=entry.currency, booking_id=entry.booking_id,
        booking_number=entry.booking_number, payment_status=entry.payment_status,
        payment_id=integration_account.payment_of(entry), description=entry.description, created_at=entry.at,
    )  # fmt: skip


def payment_out(p: IntegrationPayment) -> PaymentOut:
    return PaymentOut(
        id=p.id, amount=p.amount_minor, currency=p.currency, reference=p.reference, paid_on=p.paid_on,
        created_at=p.created_at, reversed_at=p.reversed_at, reversal_reason=p.reversal_reason,
    )  # fmt: skip


COLUMNS = ("When", "Category", "Booking", "Description", "Amount", "Currency")


def _cells(entry: DebtorEntry) -> list[Cell]:
    amount = admin.dialect.money(entry.amount_minor)
    return [entry.at, entry.kind, entry.booking_number, entry.description, amount, entry.currency]
