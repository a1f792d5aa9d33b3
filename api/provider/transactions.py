"""A provider's statement: listed, looked into, and as a file."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from api.audiences import TeamMember, provider
from api.provider.views import METHOD_WORDS, TransactionDetailOut, TransactionOut, detail_out, transaction_out
from api.provider.when import When, local_today, spanned
from api.shared.exports import file, whole
from api.wire.listing import Grammar, Listing, Once
from api.wire.models import CamelQuery, CamelView, Money
from api.wire.results import File, PageWith
from dispatch.billing import provider_sums, provider_transactions
from dispatch.reports import exports
from dispatch.reports.formats import Formats, major
from dispatch.reports.rows import Cell
from dispatch.services import Services
from storage.database.listing import Wanted
from storage.provider_transactions import Transaction
from storage.providers import Provider

Word = Literal["settled", "pending", "failed", "refunded", "cancelled", "successful"]
Category = Literal[
    "provider_payment", "payment_received", "subscription", "cash_collected", "manual", "payout", "refund", "wallet"
]
#: What each word that may be asked for stands for among ours; people see three of them.
_WORDS = {
    **provider_transactions.SHOWN, "refunded": ("refunded",), "cancelled": ("cancelled",), "successful": ("settled",),
}  # fmt: skip

LIST = Grammar(
    key="transactions", source=provider_transactions.LIST,
    filters={
        "status": Word, "type": Literal["credit", "debit"], "category": Category, "minAmount": Once(Money),
        "maxAmount": Once(Money), "dateFrom": Once(When), "dateTo": Once(When), "customerId": UUID, "currency": str,
    },
    aliases={"startDate": "dateFrom", "endDate": "dateTo"},
    names={
        "minAmount": "min_amount", "maxAmount": "max_amount", "dateFrom": "from_at", "dateTo": "to_at",
        "customerId": "customer_id",
    },
)  # fmt: skip


class SummaryOut(CamelView):
    """`totalAmount` (of what is settled, in the provider's currency) and `totalCount` are of the whole statement."""

    total_amount: Money
    total_count: int
    filtered_count: int


class ListedOut(CamelView):
    items: list[TransactionOut]
    summary: SummaryOut


class ExportQuery(CamelQuery):
    format: Literal["csv", "xlsx"] = "csv"


def wanted_of(listing: Listing, mine: Provider) -> Wanted:
    """What the storage is asked: words for states as ours, days by the provider's clock."""
    asked = listing.filters.get("status")
    changed: dict[str, Any] = {}
    if asked:
        changed["status"] = list(dict.fromkeys(own for word in asked for own in _WORDS[word]))
    return spanned(listing, mine, "dateTo", "dateFrom", **changed)


@provider.route("GET", "/transactions", permission="transactions:read", listing=LIST, tags=["transactions"])
async def page(services: Services, caller: TeamMember, listing: Listing) -> PageWith[TransactionOut, ListedOut]:
    """What came in and went out, newest first; searched by payer, e-mail address or reference."""
    mine = caller.provider
    async with services.read() as conn:
        found = await provider_transactions.page(conn, mine.id, wanted_of(listing, mine))
        totals = await provider_sums.totals(conn, mine.id, mine.currency)
    shown = [transaction_out(line, mine) for line in found.rows]
    summary = SummaryOut(total_amount=totals.settled_minor, total_count=totals.lines, filtered_count=found.total)
    return PageWith.among(found.of(shown), lambda one: one, ListedOut(items=shown, summary=summary))


@provider.route(
    "GET", "/transactions/export", permission="transactions:read", listing=whole(LIST), tags=["transactions"]
)
async def export(services: Services, caller: TeamMember, query: ExportQuery, listing: Listing) -> File:
    """All that the list would show, as a file: csv, xlsx. Amounts are in major units."""
    mine = caller.provider
    written = Formats(mine.date_format, mine.time_format, mine.timezone)
    pieces = exports.export(
        services, query.format, "Transactions", COLUMNS, provider_transactions.LIST, wanted_of(listing, mine),
        lambda line: _cells(line, written), provider_id=mine.id,
    )  # fmt: skip
    return file(pieces, f"transactions_{local_today(services.clock.now(), mine)}", query.format)


@provider.route("GET", "/transactions/{transaction_id}", permission="transactions:read", tags=["transactions"])
async def get(services: Services, caller: TeamMember, transaction_id: UUID) -> TransactionDetailOut:
    """One line, with those that belong to the same thing: refunds, reversals, the cash of a job."""
    async with services.read() as conn:
        line = await provider_transactions.get(conn, caller.provider_id, transaction_id)
        related = await provider_transactions.related(conn, line)
    return detail_out(line, list(related), caller.provider)


COLUMNS = ("Payer", "Email", "Date & Time", "Method", "Type", "Reference", "Status", "Amount")


def _cells(line: Transaction, written: Formats) -> list[Cell]:
    at: datetime = line.created_at
    return [
        line.payer_name, line.payer_email, written.moment(at), METHOD_WORDS.get(line.method, line.method), line.type,
        line.reference, provider_transactions.shown(line.status).capitalize(), major(line.amount_minor),
    ]  # fmt: skip
