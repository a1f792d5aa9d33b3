"""Earnings: what a done booking is worth to its payee, posted in the transaction that completes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from dispatch import localtime
from dispatch.billing import charges, ledger, on_account, provider_credits
from dispatch.billing.ledger import Line
from dispatch.engine import facts
from dispatch.errors import Invalid
from dispatch.events import Fact
from dispatch.services import Reactions, Tx
from storage import bookings as booking_rows
from storage import earnings as rows
from storage import offers as offer_rows
from storage import payments as payment_rows
from storage.bookings import Booking
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.earnings import Earning

STATUSES = ("pending", "paid", "cancelled")


@dataclass(frozen=True, slots=True)
class Shares:
    """How a booking's total is divided; the parts always add up to it. The platform's may be negative."""

    earning_minor: int
    tax_minor: int
    platform_minor: int

    @property
    def total_minor(self) -> int:
        return self.earning_minor + self.tax_minor + self.platform_minor


def divide(grand_total_minor: int, tax_minor: int, earning_minor: int) -> Shares:
    """The worked example: 1771.20 is 1239.84 for the technician, 331.20 tax and 200.16 for the platform."""
    return Shares(earning_minor, tax_minor, grand_total_minor - tax_minor - earning_minor)


@dataclass(frozen=True, slots=True)
class Summary:
    """A payee's sums in minor units; the cash that is still to hand over is already in `payable_minor`."""

    currency: str
    total_minor: int
    pending_minor: int
    paid_minor: int
    cash_in_hand_minor: int
    payable_minor: int


async def on_completed(tx: Tx, fact: Fact) -> None:
    """Turns a done booking into postings: what paid for it, and who gets which part. Once per booking."""
    booking = await booking_rows.lock(tx.conn, booking_id=fact.booking_id)
    assert booking is not None, "a fact has its booking"
    job = await offer_rows.assignment(tx.conn, booking_id=booking.id)
    assert job is not None, "a done booking has its assignment"
    shares = divide(booking.grand_total_minor, booking.tax_minor, job.earning_minor)
    payee_id = job.payee_id
    earning_id = await rows.insert(
        tx.conn, booking_id=booking.id, assignment_id=job.id, technician_id=job.technician_id,
        payee_id=payee_id, technician_share_pct=Decimal(str(job.technician_share_pct)),
        currency=booking.currency, booking_minor=shares.total_minor, tax_minor=shares.tax_minor,
        earning_minor=shares.earning_minor, platform_minor=shares.platform_minor,
        payment_method=booking.payment_method,
    )  # fmt: skip
    if earning_id is None:
        return
    paid = await _paid_by(tx, booking, payee_id, shares.total_minor)
    await ledger.post(
        tx, "completion", str(booking.id), [*paid, *_parts(booking, payee_id, shares)],
        booking_id=booking.id, description=f"Booking {booking.number} done",
    )  # fmt: skip
    if payee_id != job.technician_id:
        cash = -sum(line.amount_minor for line in paid if line.account.type == "cash_in_hand")
        await provider_credits.earned(tx, booking, payee_id, shares.earning_minor, cash)
    is_paid = booking.payment_method == "cash" or (booking.payment_method == "account" and not _is_owed(paid))
    if is_paid and booking.payment_status in ("pending", "failed"):
        await booking_rows.set_payment_status(tx.conn, booking_id=booking.id, payment_status="paid")
    elif booking.payment_status == "refunded" and booking.to_collect_minor:
        # The wallet's part had gone back, and now the rest was paid at the door.
        await booking_rows.set_payment_status(tx.conn, booking_id=booking.id, payment_status="partially_refunded")
    facts.tell_party(tx, payee_id, "earnings.updated", _told(booking, earning_id, shares))


async def _paid_by(tx: Tx, booking: Booking, payee_id: UUID, total_minor: int) -> list[Line]:
    """The debits of a completion: prepaid money first, then what the payment method stands for."""
    currency = booking.currency
    held = min(await ledger.held_for(tx.conn, booking.id), total_minor)
    lines = [Line(ledger.platform("prepaid", currency), -held)]
    rest = total_minor - held
    if booking.payment_method == "account":
        # Its documents are made also where it cost nothing.
        debtor = await on_account.delivered(tx, booking)
        return [*lines, *await debtor.owes(tx, currency, rest)] if rest > 0 else lines
    if rest <= 0:
        return lines
    if booking.payment_method == "cash":
        # What the technician took is what every screen asked for, whatever became of the wallet's part since.
        cash, dues = await charges.collect_cash(tx, booking)
        lines.append(Line(ledger.cash_in_hand(payee_id, currency), -cash))
        lines += await charges.settled_dues(tx, booking.account_id, currency, dues)
        rest -= cash - dues
    if rest > 0:
        # Money that went back before the job was done is the platform's loss; what never came is the
        # customer's debt.
        settled = await payment_rows.settled_of_booking(tx.conn, booking_id=booking.id)
        given_back = min(rest, settled.refunded_minor if settled else 0)
        lines.append(Line(ledger.platform("refunds", currency), -given_back))
        lines.append(Line(ledger.receivable(booking.account_id, currency), -(rest - given_back)))
    return lines


def _is_owed(paid: list[Line]) -> bool:
    """Whether anything is left for somebody to pay: what an app paid before it was owed may have been enough."""
    return any(line.account.type == "receivable" and line.amount_minor for line in paid)


def _parts(booking: Booking, payee_id: UUID, shares: Shares) -> list[Line]:
    """The credits of a completion, and the promo's discount as an expense beside what it paid for."""
    currency = booking.currency
    return [
        Line(ledger.payable(payee_id, currency), shares.earning_minor),
        Line(ledger.platform("tax_payable", currency), shares.tax_minor),
        Line(ledger.platform("platform_revenue", currency), shares.platform_minor),
        Line(ledger.platform("promo_expense", currency), -booking.discount_minor),
        Line(ledger.platform("promo_funding", currency), booking.discount_minor),
    ]


def _told(booking: Booking, earning_id: UUID, shares: Shares) -> dict[str, Any]:
    return {
        "earning_id": str(earning_id),
        "booking_id": str(booking.id),
        "booking_number": booking.number,
        "earning_minor": shares.earning_minor,
        "currency": booking.currency,
        "status": "pending",
    }


# ---------------------------------------------------------------- reading


def span(date_from: date | None, date_to: date | None, timezone: str) -> tuple[datetime | None, datetime | None]:
    """Local days, both included, as moments [from, to). Raises Invalid when they are the wrong way round."""
    if date_from and date_to and date_to < date_from:
        raise Invalid({"date_to": "must not be before date_from"})
    start = localtime.to_utc(date_from, time(), timezone) if date_from else None
    end = localtime.to_utc(date_to + timedelta(days=1), time(), timezone) if date_to else None
    return start, end


#: A payee's earnings, as a list.
LIST = rows.of_payee


async def page(conn: Conn, payee_id: UUID, wanted: Wanted, timezone: str) -> Slice[Earning]:
    """A payee's earnings, newest first; days are those of `timezone`."""
    return await rows.of_payee.page(conn, wanted, payee_id=payee_id, timezone=timezone)


async def status_of(conn: Conn, booking_id: UUID) -> str:
    """How what was earned with a done booking stands: pending, paid or cancelled."""
    found = await rows.status_of(conn, booking_id=booking_id)
    assert found is not None, "a done booking has its earning"
    return found


async def latest(conn: Conn, payee_id: UUID, limit: int) -> list[Earning]:
    return await rows.of_payee.first(conn, Wanted(limit=limit), payee_id=payee_id, timezone="UTC")


async def summary(
    conn: Conn,
    payee_id: UUID,
    *,
    from_at: datetime | None = None,
    to_at: datetime | None = None,
    currency: str,
) -> Summary:
    """The sums of a period, in the currency of most earnings (`currency` when there are none).

    Cash in hand and what is payable are of now, not of the period.
    """
    totals = await rows.totals(conn, payee_id=payee_id, from_at=from_at, to_at=to_at)
    main = totals[0] if totals else None
    used = main.currency if main else currency
    cash = -await ledger.balance(conn, ledger.cash_in_hand(payee_id, used))
    owed = await ledger.balance(conn, ledger.payable(payee_id, used))
    return Summary(
        used,
        main.total_minor if main else 0,
        main.pending_minor if main else 0,
        main.paid_minor if main else 0,
        cash,
        owed - cash,
    )


def register(reactions: Reactions) -> None:
    """Hears of done bookings."""
    reactions.on("booking.completed", on_completed)
