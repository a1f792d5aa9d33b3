"""Where a provider's money goes and when, what has been paid out, and asking for more."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from api.audiences import TeamMember, provider
from api.provider.when import SPAN, SPAN_NAMES, spanned
from api.wire.listing import Grammar, Listing
from api.wire.models import CamelBody, CamelQuery, CamelView, Money, documented
from api.wire.results import File, PageWith, Reply
from dispatch.billing import payout_days, payouts, provider_invoices, provider_payouts
from dispatch.billing.payout_days import FREQUENCIES, WEEKDAYS
from dispatch.parties import bank_accounts
from dispatch.parties.bank_accounts import Change
from dispatch.reports.rows import CONTENT_TYPES
from dispatch.services import Services
from storage.bank_accounts import BankAccount
from storage.payouts import Payout
from storage.providers import Provider

CURRENCIES = ("NGN", "USD", "EUR", "GBP", "GHS", "KES", "ZAR", "INR")

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Code = Annotated[str, StringConstraints(strip_whitespace=True, max_length=34)]


def _frequency(value: Any) -> Any:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in (*FREQUENCIES, ""):
        return word
    raise documented("Invalid frequency. Must be weekly, bi-weekly, or monthly")


def _day(value: Any) -> Any:
    word = str(value).strip().lower() if isinstance(value, str | int) and not isinstance(value, bool) else value
    if word == "" or word in WEEKDAYS:
        return word
    if isinstance(word, str) and word.isdecimal() and 1 <= int(word) <= payout_days.LAST_MONTH_DAY:
        return str(int(word))
    raise ValueError("must be a day of the week, or a day of the month from 1 to 28")


def _currency(value: str) -> str:
    if value.upper() not in CURRENCIES:
        raise ValueError(f"must be one of {', '.join(CURRENCIES)}")
    return value.upper()


Currency = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_currency)]
#: Of a form in which nothing was chosen: it stays as it is.
CurrencyOrBlank = Annotated[
    str, StringConstraints(strip_whitespace=True), AfterValidator(lambda value: _currency(value) if value else "")
]


class BankIn(CamelBody):
    """The mask that was shown, sent back, leaves the number as it is."""

    bank_name: Line | None = None
    account_number: Code | None = None
    account_name: Line | None = None
    routing_number: Code | None = None
    swift_code: Code | None = None
    bank_code: Code | None = None
    ifsc_code: Code | None = None


class SettingsIn(CamelBody):
    """What is not sent stays, and an empty text is the same as nothing."""

    payout_frequency: Annotated[str | None, BeforeValidator(_frequency)] = None
    payout_day: Annotated[str | None, BeforeValidator(_day)] = None
    store_currency: CurrencyOrBlank | None = None
    bank_details: BankIn | None = None


class BankOut(CamelView):
    """The number is masked always."""

    bank_name: str | None
    account_number: str | None
    account_name: str | None
    routing_number: str | None
    swift_code: str | None
    bank_code: str | None


class PayoutSettingsOut(CamelView):
    payout_frequency: str
    payout_day: str | None
    store_currency: str
    bank_details: BankOut
    next_payout_date: date
    minimum_payout_amount: Money
    manual_payouts_enabled: bool
    updated_at: datetime


class PayoutOut(CamelView):
    id: UUID
    invoice: str
    date: date
    amount: Money
    currency: str
    status: Literal["completed", "pending", "failed"]
    bank_details: BankOut
    transaction_reference: str | None
    description: str | None
    failure_reason: str | None
    created_at: datetime
    completed_at: datetime | None


class SummaryOut(CamelView):
    total_payouts: int
    total_amount: Money
    next_payout_date: date


class HistoryOut(CamelView):
    summary: SummaryOut


class RequestIn(CamelBody):
    amount: Annotated[Money, Field(gt=0)]
    currency: Currency
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)] | None = None


class RequestedOut(CamelView):
    payout_id: UUID
    amount: Money
    currency: str
    status: str
    needs_review: bool
    estimated_completion_date: datetime
    invoice: str
    created_at: datetime


class InvoiceQuery(CamelQuery):
    format: Literal["pdf", "csv"] = "pdf"


def status_of(payout: Payout) -> Any:
    """The contract's three words: what is under way is pending."""
    return payout.status if payout.status in ("completed", "failed") else "pending"


@provider.route("GET", "/payouts/settings", permission="payouts:read", tags=["payouts"])
async def settings(services: Services, caller: TeamMember) -> PayoutSettingsOut:
    """When and where money leaves by itself; the account's number is masked."""
    async with services.read() as conn:
        account = await bank_accounts.find(conn, caller.provider_id)
    return settings_out(caller.provider, account, services.clock.now())


@provider.route("PUT", "/payouts/settings", permission="payouts:write", accepts_cards=True, tags=["payouts"])
async def change_settings(services: Services, caller: TeamMember, body: SettingsIn) -> Reply[PayoutSettingsOut]:
    """Change when and where money leaves by itself: what is not sent stays. Who reads the bills and the owner are told.

    Example: {"payoutFrequency": "weekly", "payoutDay": "friday", "storeCurrency": "NGN",
      "bankDetails": {"bankName": "First Bank", "accountNumber": "0123452939", "accountName": "Asha Clinic"}}
    """
    async with services.transaction() as tx:
        changed = await provider_payouts.set_schedule(
            tx, caller.provider_id, frequency=body.payout_frequency or None, day=body.payout_day or None,
            currency=body.store_currency or None,
        )  # fmt: skip
        if body.bank_details is None:
            account = await bank_accounts.find(tx.conn, caller.provider_id)
        else:
            account = await provider_payouts.set_account(
                tx, caller.provider_id, _change(body.bank_details), caller.actor
            )
    shown = settings_out(changed, account, services.clock.now())
    return Reply(shown, message="Payout settings updated successfully")


def _change(bank: BankIn) -> Change:
    number = (bank.account_number or "").replace(" ", "").replace("-", "")
    return Change(
        number or None, bank.bank_name or None, bank.account_name or None, bank.ifsc_code or None,
        bank.bank_code or None, bank.routing_number or None, bank.swift_code or None,
    )  # fmt: skip


HISTORY = Grammar(
    key="payouts", source=payouts.LIST, filters={"status": Literal["completed", "pending", "failed"], **SPAN},
    names=SPAN_NAMES,
)  # fmt: skip


@provider.route("GET", "/payouts/history", permission="payouts:read", listing=HISTORY, tags=["payouts"])
async def history(services: Services, caller: TeamMember, listing: Listing) -> PageWith[PayoutOut, HistoryOut]:
    """What was paid out, newest first; the sums are of the span, in the currency that payouts are made in."""
    mine, who = caller.provider, caller.provider_id
    given = listing.filters.get("status")
    wanted = spanned(listing, mine)
    if given:
        words = [w for s in given for w in ((s, "processing") if s == "pending" else (s,))]
        wanted = replace(wanted, filters={**wanted.filters, "status": words})
    async with services.read() as conn:
        found = await payouts.page(conn, who, wanted, mine.timezone)
        sums = await payouts.sums(
            conn, who, mine.store_currency, wanted.filters.get("from_at"), wanted.filters.get("to_at")
        )
        used = [p.bank_account_id for p in found.rows if p.bank_account_id is not None]
        accounts = await bank_accounts.of_payouts(conn, who, used)
    summary = SummaryOut(
        total_payouts=sums.payouts, total_amount=sums.amount_minor,
        next_payout_date=provider_payouts.next_day(mine, services.clock.now()),
    )  # fmt: skip
    return PageWith.among(found, lambda p: _payout_out(p, accounts, mine), HistoryOut(summary=summary))


@provider.route("GET", "/payouts/{payout_id}/invoice", permission="payouts:read", tags=["payouts"])
async def invoice(services: Services, caller: TeamMember, payout_id: UUID, query: InvoiceQuery) -> File:
    """The invoice of a payout as a PDF, or as CSV."""
    async with services.read() as conn:
        payout = await provider_payouts.of_provider(conn, caller.provider_id, payout_id)
        accounts = await bank_accounts.of_payouts(conn, caller.provider_id, [payout.bank_account_id or payout.id])
    account = accounts.get(payout.bank_account_id) if payout.bank_account_id else None
    content = await provider_invoices.of_payout(caller.provider, payout, account, query.format)
    return File(content, f"invoice_{payout.number.lstrip('#')}.{query.format}", CONTENT_TYPES[query.format])


@provider.route(
    "POST", "/payouts/request", permission="payouts:write", idempotency="optional", tags=["payouts"], status=201
)
async def request(services: Services, caller: TeamMember, body: RequestIn) -> Reply[RequestedOut]:
    """Ask for a payout now. The same amount once more, while it is under way, is the same payout.

    Example: {"amount": 150000, "currency": "NGN", "description": "Before the holidays"}
    """
    made = await services.retrying(
        lambda tx: provider_payouts.request(
            tx, caller.provider_id, body.amount, body.currency, description=body.description, actor=caller.actor
        )
    )  # fmt: skip
    shown = RequestedOut(
        payout_id=made.id, amount=made.net_minor, currency=made.currency, status=status_of(made),
        needs_review=made.needs_review, invoice=made.number, created_at=made.created_at,
        estimated_completion_date=made.created_at + timedelta(days=provider_payouts.ARRIVES_DAYS),
    )  # fmt: skip
    return Reply(shown, message="Payout request submitted successfully")


def settings_out(mine: Provider, account: BankAccount | None, now: datetime) -> PayoutSettingsOut:
    return PayoutSettingsOut(
        payout_frequency=mine.payout_frequency, payout_day=mine.payout_day, store_currency=mine.store_currency,
        bank_details=bank_out(account), next_payout_date=provider_payouts.next_day(mine, now),
        minimum_payout_amount=mine.min_payout_minor, manual_payouts_enabled=mine.manual_payouts,
        updated_at=mine.updated_at,
    )  # fmt: skip


def bank_out(account: BankAccount | None) -> BankOut:
    if account is None:
        return BankOut(
            bank_name=None, account_number=None, account_name=None, routing_number=None, swift_code=None, bank_code=None
        )
    return BankOut(
        bank_name=account.bank_name, account_number=bank_accounts.short_mask(account),
        account_name=account.account_name, routing_number=account.routing_no, swift_code=account.swift,
        bank_code=account.bank_code,
    )  # fmt: skip


def _payout_out(payout: Payout, accounts: dict[UUID, BankAccount], mine: Provider) -> PayoutOut:
    account = accounts.get(payout.bank_account_id) if payout.bank_account_id else None
    return PayoutOut(
        id=payout.id, invoice=payout.number, date=provider_payouts.local_day(payout.created_at, mine),
        amount=payout.net_minor, currency=payout.currency, status=status_of(payout), bank_details=bank_out(account),
        transaction_reference=provider_payouts.reference_of(payout), description=payout.notes,
        failure_reason=payout.failure_reason, created_at=payout.created_at,
        completed_at=payout.processed_at if payout.status == "completed" else None,
    )  # fmt: skip
