"""What a technician has earned, and what was paid out."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from api.audiences import Technician, technician
from api.wire.listing import Grammar, Listing
from api.wire.models import Day, Money, View
from api.wire.results import Page
from dispatch.billing import earnings, payouts
from dispatch.services import Services
from storage.earnings import Earning
from storage.payouts import Payout

EARNINGS = Grammar(
    key="earnings",
    filters={"status": Literal["pending", "paid"], "date_from": Day, "date_to": Day},
)
PAYOUTS = Grammar(
    key="payouts",
    filters={
        "status": Literal["pending", "processing", "completed", "failed"], "date_from": Day, "date_to": Day,
    },
)  # fmt: skip


class EarningOut(View):
    id: UUID
    booking_id: UUID
    booking_number: str
    booking_amount: Money
    commission_percentage: float
    partner_earning: Money
    platform_commission: Money
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


@technician.route("GET", "/earnings", listing=EARNINGS, tags=["money"])
async def my_earnings(services: Services, caller: Technician, listing: Listing) -> Page[EarningOut]:
    """My earnings and their sums; the sums are of the period, whatever the status asked for."""
    who, wanted = caller.technician_id, listing.filters
    from_at, to_at = earnings.span(wanted.get("date_from"), wanted.get("date_to"), services.settings.timezone)
    async with services.read() as conn:
        found, total = await earnings.page(
            conn, who, status=wanted.get("status"), from_at=from_at, to_at=to_at, limit=listing.limit,
            offset=listing.offset,
        )  # fmt: skip
        sums = await earnings.summary(conn, who, from_at=from_at, to_at=to_at, currency=services.settings.currency)
    return Page([earning_out(e) for e in found], total, extra=sums_out(sums))


@technician.route("GET", "/payouts", listing=PAYOUTS, tags=["money"])
async def my_payouts(services: Services, caller: Technician, listing: Listing) -> Page[PayoutOut]:
    """What was paid out to me, newest first."""
    wanted = listing.filters
    from_at, to_at = earnings.span(wanted.get("date_from"), wanted.get("date_to"), services.settings.timezone)
    async with services.read() as conn:
        found, total = await payouts.page(
            conn, party_id=caller.technician_id, status=wanted.get("status"), from_at=from_at, to_at=to_at,
            limit=listing.limit, offset=listing.offset,
        )  # fmt: skip
    return Page([payout_out(p) for p in found], total)


def earning_out(earning: Earning) -> EarningOut:
    """The contract's commission is the technician's share (C61), the platform's the rest of the total."""
    return EarningOut(
        id=earning.id, booking_id=earning.booking_id, booking_number=earning.booking_number,
        booking_amount=earning.booking_minor, commission_percentage=float(earning.technician_share_pct),
        partner_earning=earning.earning_minor,
        platform_commission=earning.booking_minor - earning.earning_minor, currency=earning.currency,
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


def sums_out(sums: earnings.Summary) -> dict[str, float | str]:
    """The sums beside the list, in major units."""
    money = technician.dialect.money
    return {
        "total_earnings": money(sums.total_minor),
        "pending": money(sums.pending_minor),
        "paid": money(sums.paid_minor),
        "cash_in_hand": money(sums.cash_in_hand_minor),
        "payable": money(sums.payable_minor),
        "currency": sums.currency,
    }
