"""What a technician has earned, and what was paid out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from api.audiences import Technician, technician
from api.shared.exports import ExportQuery, file, whole
from api.wire.listing import DAYS, Grammar, Listing
from api.wire.models import Money, View
from api.wire.results import File, Page, PageWith
from dispatch.billing import earnings, payouts
from dispatch.localtime import local
from dispatch.reports import exports
from dispatch.reports.rows import Cell
from dispatch.services import Services
from storage.database.listing import Wanted
from storage.earnings import Earning
from storage.payouts import Payout

EARNINGS = Grammar(
    key="earnings", source=earnings.LIST, filters={"status": Literal["pending", "paid", "cancelled"], **DAYS}
)  # fmt: skip
#: Nobody does more jobs in a day.
MOST_TODAY = 100
PAYOUTS = Grammar(
    key="payouts", source=payouts.LIST,
    filters={"status": Literal["pending", "processing", "completed", "failed"], **DAYS},
)  # fmt: skip


class EarningOut(View):
    """`paid_amount` is how much of it payouts have paid: all of it, or a part while it is pending."""

    id: UUID
    booking_id: UUID
    booking_number: str
    booking_amount: Money
    commission_percentage: float
    partner_earning: Money
    platform_commission: Money
    paid_amount: Money
    currency: str
    payment_method: str
    status: str
    payout_id: UUID | None
    payout_number: str | None
    created_at: datetime
    paid_at: datetime | None


class PayoutOut(View):
    id: UUID
    payout_number: str
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
    processed_at: datetime | None
    created_at: datetime


class SumsOut(View):
    """Of the period that was asked for; what is in hand and payable is of now."""

    total_earnings: Money
    pending: Money
    paid: Money
    cash_in_hand: Money
    payable: Money
    currency: str


@technician.route("GET", "/earnings", listing=EARNINGS, tags=["money"])
async def my_earnings(services: Services, caller: Technician, listing: Listing) -> PageWith[EarningOut, SumsOut]:
    """My earnings and their sums; the sums are of the period, whatever the status asked for."""
    who, asked, timezone = caller.technician_id, listing.filters, services.settings.timezone
    from_at, to_at = earnings.span(asked.get("date_from"), asked.get("date_to"), timezone)
    async with services.read() as conn:
        found = await earnings.page(conn, who, listing.wanted, timezone)
        sums = await earnings.summary(conn, who, from_at=from_at, to_at=to_at, currency=services.settings.currency)
    return PageWith.among(found, earning_out, sums_out(sums))


class TodayOut(SumsOut):
    """The sums of a day, and the newest of what made them."""

    earnings: list[EarningOut]


# Real front ends ask so.
@technician.route("GET", "/earnings/today", tags=["money"])
async def todays_earnings(services: Services, caller: Technician) -> TodayOut:
    """My earnings of today, by the operator's clocks, and their sums."""
    who, timezone = caller.technician_id, services.settings.timezone
    today = local(services.clock.now(), timezone).date()
    from_at, to_at = earnings.span(today, today, timezone)
    wanted = Wanted(limit=MOST_TODAY, filters={"date_from": today, "date_to": today})
    async with services.read() as conn:
        found = await earnings.page(conn, who, wanted, timezone)
        sums = await earnings.summary(conn, who, from_at=from_at, to_at=to_at, currency=services.settings.currency)
    return TodayOut(**dict(sums_out(sums)), earnings=[earning_out(one) for one in found.rows])


COLUMNS = (
    "Booking", "Date & Time (UTC)", "Status", "Payment method", "Booking amount", "Share %", "Earning", "Currency",
    "Payout", "Paid at (UTC)",
)  # fmt: skip


@technician.route("GET", "/earnings/export", listing=whole(EARNINGS), tags=["money"])
async def export_earnings(services: Services, caller: Technician, query: ExportQuery, listing: Listing) -> File:
    """All my earnings that the list would show, as a file: csv, xlsx, pdf."""
    pieces = exports.export(
        services, query.format, "Earnings", COLUMNS, earnings.LIST, listing.wanted, _earning_line,
        payee_id=caller.technician_id, timezone=services.settings.timezone,
    )  # fmt: skip
    return file(pieces, "earnings", query.format)


def _earning_line(e: Earning) -> list[Cell]:
    money = technician.dialect.money
    return [
        e.booking_number, e.created_at, e.status, e.payment_method, money(e.booking_minor), e.technician_share_pct,
        money(e.earning_minor), e.currency, e.payout_number, e.paid_at,
    ]  # fmt: skip


@technician.route("GET", "/payouts", listing=PAYOUTS, tags=["money"])
async def my_payouts(services: Services, caller: Technician, listing: Listing) -> Page[PayoutOut]:
    """What was paid out to me, newest first."""
    async with services.read() as conn:
        return Page.of(
            await payouts.page(conn, caller.technician_id, listing.wanted, services.settings.timezone), payout_out
        )


def earning_out(earning: Earning) -> EarningOut:
    """The contract's commission is the technician's share (C61), the platform's the rest of the total."""
    return EarningOut(
        id=earning.id, booking_id=earning.booking_id, booking_number=earning.booking_number,
        booking_amount=earning.booking_minor, commission_percentage=float(earning.technician_share_pct),
        partner_earning=earning.earning_minor,
        platform_commission=earning.booking_minor - earning.earning_minor, paid_amount=earning.paid_minor,
        currency=earning.currency,
        payment_method=earning.payment_method, status=earning.status, payout_id=earning.payout_id,
        payout_number=earning.payout_number, created_at=earning.created_at, paid_at=earning.paid_at,
    )  # fmt: skip


def payout_out(payout: Payout) -> PayoutOut:
    return PayoutOut(
        id=payout.id, payout_number=payout.number, total_amount=payout.total_minor,
        commission_deduction=payout.deduction_minor, cash_offset=payout.cash_offset_minor,
        net_amount=payout.net_minor, currency=payout.currency, payment_method=payout.method,
        status=payout.status, bank_transaction_id=payout.bank_transaction_id,
        upi_transaction_id=payout.upi_transaction_id, failure_reason=payout.failure_reason,
        processed_at=payout.processed_at, created_at=payout.created_at,
    )  # fmt: skip


def sums_out(sums: earnings.Summary) -> SumsOut:
    return SumsOut(
        total_earnings=sums.total_minor, pending=sums.pending_minor, paid=sums.paid_minor,
        cash_in_hand=sums.cash_in_hand_minor, payable=sums.payable_minor, currency=sums.currency,
    )  # fmt: skip
