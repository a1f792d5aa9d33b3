"""What a partner that is billed owes, and of what."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from api.audiences import Member
from api.integration import callers
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import CamelView, Money
from api.wire.results import PageWith
from dispatch.billing import integration_account
from dispatch.services import Services
from storage.ledger import DebtorEntry

TAGS = ("account",)

LINES = Grammar(
    key="lines", source=integration_account.LINES,
    filters={"type": Literal["credit", "debit"], "currency": str, **DAYS},
    sorts={"createdAt": "created_at"},
)  # fmt: skip


class BalanceOut(CamelView):
    """In one currency; `credit` is what was paid before it was owed: the next bookings take it."""

    currency: str
    owed: Money
    credit: Money


class LineOut(CamelView):
    """A `debit` is billed, or a payment taken back; a `credit` is paid. `paymentStatus` is that of a booking that is
    done: the oldest are paid first.
    """

    id: int
    type: str
    category: str
    amount: Money
    currency: str
    booking_id: UUID | None
    booking_number: str | None
    payment_status: str | None
    description: str | None
    created_at: datetime


class AccountOut(CamelView):
    """How the account stands, whatever the lines were asked for."""

    balances: list[BalanceOut]


@callers.route("GET", "/{id}/account", "usage:read", listing=LINES, tags=TAGS)
async def account(services: Services, caller: Member, id: UUID, listing: Listing) -> PageWith[LineOut, AccountOut]:
    """What is owed in each currency for bookings on account, and of what: the lines, the newest first."""
    async with services.read() as conn:
        held = await integration_account.balances(conn, id)
        found = await integration_account.lines(conn, id, listing.wanted, services.settings.timezone)
    balances = [BalanceOut(currency=b.currency, owed=b.due_minor, credit=b.credit_minor) for b in held]
    return PageWith.among(found, _line_out, AccountOut(balances=balances))


def _line_out(entry: DebtorEntry) -> LineOut:
    return LineOut(
        id=entry.id, type=entry.side, category=entry.kind,
        amount=abs(entry.amount_minor), currency=entry.currency, booking_id=entry.booking_id,
        booking_number=entry.booking_number, payment_status=entry.payment_status, description=entry.description,
        created_at=entry.at,
    )  # fmt: skip
