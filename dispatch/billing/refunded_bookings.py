"""What a refund means for its booking: it shows what is back, and when all of it goes nobody new is sent."""

from __future__ import annotations

from dispatch.engine import alerts, facts, lifecycle, offers, queue
from dispatch.events import SYSTEM, Actor
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import payments as payment_rows
from storage.payments import Payment
from storage.refunds import Refund

GATEWAY_ACTOR = Actor("gateway")


async def stop(tx: Tx, payment: Payment) -> None:
    """Nothing is held any more for a booking that was paid: it gets no new offer, and a person decides.

    Who has accepted it already keeps it until then, and is followed by nobody. The caller holds the booking's lock.
    """
    assert payment.booking_id is not None, "money is held for bookings"
    booking = await offers.lock(tx, payment.booking_id)
    if booking.status not in lifecycle.BOOKING["complete"].sources + lifecycle.BOOKING["cancel"].sources:
        return
    if booking.payment_status not in ("paid", "partially_refunded") or booking.to_collect_minor:
        return
    await alerts.raise_alert(
        tx, queue.RETURNED,
        f"All that was paid for booking {booking.number} goes back, and the booking still stands.",
        booking_id=booking.id,
    )  # fmt: skip
    await booking_rows.set_priority(tx.conn, booking_id=booking.id, priority=booking.priority, auto_assign=False)
    if booking.status in ("pending", "partner_assigned"):
        booking = await offers.withdraw(tx, booking, "its payment went back", SYSTEM)
        await queue.hand_over(tx, booking, queue.RETURNED)


async def show(tx: Tx, refund: Refund) -> None:
    """The booking shows what is settled: partially refunded, or refunded once all of it is back (C74).

    What came besides its own payment is only told: the booking stays as paid as it was.
    """
    payment = await payment_rows.get(tx.conn, payment_id=refund.payment_id)
    if refund.booking_id is None or payment is None:
        return
    booking = await booking_rows.lock(tx.conn, booking_id=refund.booking_id)
    told = {
        "refund_id": str(refund.id), "amount_minor": refund.amount_minor, "currency": refund.currency,
        "to_wallet": refund.to_wallet,
    }  # fmt: skip
    if payment.surplus_of is not None:
        await facts.record(tx, refund.booking_id, "payment.refunded", GATEWAY_ACTOR, {**told, "is_surplus": True})
        return
    settled = await payment_rows.settled_of_booking(tx.conn, booking_id=refund.booking_id)
    assert booking is not None and settled is not None, "a refund's booking exists"
    # Old fees that a payment settled are no part of this booking: they stay settled.
    is_full = settled.settled_minor >= settled.captured_minor - settled.dues_minor
    status = "refunded" if is_full else "partially_refunded"
    await booking_rows.set_payment_status(tx.conn, booking_id=booking.id, payment_status=status)
    await facts.record(tx, booking.id, "payment.refunded", GATEWAY_ACTOR, {**told, "payment_status": status})
    step = lifecycle.BOOKING["refund"]
    if is_full and await booking_rows.move(
        tx.conn, booking_id=booking.id, target=step.target, sources=list(step.sources)
    ):
        whole = {
            "refund_id": str(refund.id), "amount_minor": settled.settled_minor, "currency": refund.currency,
        }  # fmt: skip
        await facts.record(tx, booking.id, "booking.refunded", GATEWAY_ACTOR, whole)
