"""What a cancelled booking means for money: the fee is kept or becomes a debt, the rest goes back."""

from __future__ import annotations

from uuid import UUID

from dispatch.billing import ledger, on_account, refunds
from dispatch.billing.ledger import Line
from dispatch.engine import alerts, queue
from dispatch.events import Fact
from dispatch.services import Reactions, Tx
from storage import bookings as booking_rows
from storage import intents as intent_rows
from storage import payments as payment_rows
from storage.bookings import Booking
from storage.database.pool import Conn
from storage.payments import Payment


async def on_cancelled(tx: Tx, fact: Fact) -> None:
    """Settles a cancelled booking in the transaction that cancels it.

    The fee is taken out of what was paid; what is missing becomes a debt that the next booking settles. Staff
    decide the refund themselves (`refund_minor`, `refund_to_wallet`); everybody else gets all but the fee.
    """
    booking = tx.known.get(fact.booking_id) or await booking_rows.lock(tx.conn, booking_id=fact.booking_id)
    assert booking is not None, "a fact has its booking"
    payments = await payment_rows.of_booking(tx.conn, booking_id=booking.id)
    for payment in payments:
        if payment.kind == "online":
            await intent_rows.expire(tx.conn, payment_id=payment.id)
    fee, was_paid = int(fact.data.get("fee_minor") or 0), any(p.captured_minor for p in payments)
    if not fee and not was_paid and booking.payment_method != "account":
        return
    # The refund may touch the wallet, and the fee the debt: both are locked here, in their order.
    await ledger.lock_owner(tx, "account", booking.account_id, booking.currency)
    if was_paid:
        await alerts.resolve(tx, [queue.RETURNED], booking_id=booking.id)
    back = _to_refund(payments, fee, fact)
    if back:
        await refunds.request_for_booking(
            tx, booking.id, back, reason=f"Booking {booking.number} cancelled",
            requested_by=_by(fact), to_wallet=bool(fact.data.get("refund_to_wallet")),
        )  # fmt: skip
    await _keep(tx, booking, fee, fact.data.get("reason"), was_paid=was_paid)


async def held_minor(conn: Conn, booking_id: UUID) -> int:
    """What was paid for a booking, by whatever means, and has not been given back yet."""
    return _held(await payment_rows.of_booking(conn, booking_id=booking_id))


def _held(payments: list[Payment]) -> int:
    # Old fees that a payment settled are not part of this booking and stay settled.
    return sum(p.refundable_minor - p.dues_minor for p in payments if p.captured_minor and p.surplus_of is None)


def _to_refund(payments: list[Payment], fee_minor: int, fact: Fact) -> int:
    free = _held(payments)
    if fact.actor.kind == "admin" and fact.data.get("refund_minor") is not None:
        return min(max(free, 0), int(fact.data["refund_minor"]))
    return max(0, free - fee_minor)


def _by(fact: Fact) -> str:
    return f"{fact.actor.kind}:{fact.actor.id}" if fact.actor.id else fact.actor.kind


async def _keep(tx: Tx, booking: Booking, fee_minor: int, reason: str | None, *, was_paid: bool) -> None:
    """What is still held of the booking is the fee; a fee that nothing was held for is owed by whoever is billed."""
    debtor = None
    if booking.payment_method == "account":
        debtor = await on_account.released(tx, booking, fee_minor, reason)
    held = await ledger.held_for(tx.conn, booking.id) if was_paid else 0
    owed = max(0, fee_minor - held)
    debts = [Line(ledger.receivable(booking.account_id, booking.currency), -owed)]
    if debtor is not None and owed:
        debts = await debtor.owes(tx, booking.currency, owed)
    await ledger.post(
        tx, "cancellation_fee", str(booking.id),
        [
            Line(ledger.platform("prepaid", booking.currency), -held),
            *debts,
            Line(ledger.platform("fee_revenue", booking.currency), held + owed),
        ],
        booking_id=booking.id, description=f"Cancellation of booking {booking.number}",
    )  # fmt: skip


def register(reactions: Reactions) -> None:
    """Hears of cancelled bookings."""
    reactions.on("booking.cancelled", on_cancelled)
