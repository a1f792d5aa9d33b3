"""The one transition by which a payment becomes paid or failed, whoever tells it, in any order."""

from __future__ import annotations

from enum import StrEnum
from uuid import uuid4

from dispatch.billing import charges, ledger, refunds, request_payments
from dispatch.billing.ledger import Line
from dispatch.engine import alerts, facts
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.ports.gateway import GatewayPayment
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import intents as intent_rows
from storage import payments as rows
from storage.bookings import Booking
from storage.payments import Payment

GATEWAY_ACTOR = Actor("gateway")
#: What may be wrong with a payment before its money is here; its arrival settles all of them.
REVIEWS = ("payment_review", "order_review", "capture_review", "link_review", "order_refused", "link_refused")
#: An authorised payment that the gateway does not capture by itself is captured by us after so many seconds.
CAPTURE_AFTER_S = 600.0


class Outcome(StrEnum):
    """What a report of captured money led to."""

    PAID = "paid"
    KNOWN = "known"
    REFUNDED_DEAD = "refunded_dead"
    SURPLUS = "surplus"
    QUARANTINED = "quarantined"


async def captured(tx: Tx, payment: Payment, told: GatewayPayment) -> Outcome:
    """Books captured money once per gateway payment, whoever reports it first.

    The first payment of an order pays the booking, and a booking that waited for it may be offered. A payment
    that lands on a dead booking, and any further payment of the same order, refunds itself. A payment that is
    not about this order, amount and currency changes nothing and is held for a person.
    """
    if payment.booking_id is None:
        return await _request_captured(tx, payment, told)
    booking, payment = await _lock(tx, payment)
    if outcome := await _no_first(tx, payment, told):
        return outcome
    await _take(tx, payment, told)
    if booking.status in ("cancelled", "refunded"):
        await _book(tx, payment, told, dues_minor=0)
        await refunds.request(
            tx, payment.id, payment.amount_minor, requested_by=refunds.SYSTEM,
            reason=f"Booking {booking.number} was cancelled before it was paid",
        )  # fmt: skip
        return Outcome.REFUNDED_DEAD
    await _book(tx, payment, told, dues_minor=payment.dues_minor)
    await facts.record(
        tx, booking.id, "payment.captured", GATEWAY_ACTOR,
        {
            "payment_id": str(payment.id), "gateway_payment_id": told.id, "method": told.method,
            "amount_minor": payment.amount_minor, "currency": payment.currency,
        },
    )  # fmt: skip
    await charges.mark_paid(tx, booking)
    return Outcome.PAID


async def _request_captured(tx: Tx, payment: Payment, told: GatewayPayment) -> Outcome:
    """The same for what a provider asked for: the request's row is locked before its payment's."""
    request = await request_payments.lock_for(tx, payment)
    locked = await rows.lock(tx.conn, payment_id=payment.id)
    if locked is None:
        raise Missing("payment")
    if outcome := await _no_first(tx, locked, told):
        return outcome
    assert request is not None, "a payment that no request has any more was given up"
    await _take(tx, locked, told)
    await request_payments.paid(tx, request, locked, told.id)
    return Outcome.PAID


async def _no_first(tx: Tx, payment: Payment, told: GatewayPayment) -> Outcome | None:
    """What becomes of captured money that does not pay for what it was asked for; None when it does."""
    if payment.gateway_payment_id == told.id and payment.captured_minor:
        return Outcome.KNOWN
    if (told.amount_minor, told.currency, told.order_id) != (
        payment.amount_minor, payment.currency, payment.gateway_order_id,
    ):  # fmt: skip
        await quarantine(tx, payment, f"the gateway's {told.id} is not about this order, amount and currency")
        return Outcome.QUARANTINED
    if payment.captured_minor:
        return await _surplus(tx, payment, told)
    return await _superseded(tx, payment, told) if payment.surplus_of is not None else None


async def _take(tx: Tx, payment: Payment, told: GatewayPayment) -> None:
    await rows.capture(
        tx.conn, payment_id=payment.id, gateway_payment_id=told.id, method=told.method, captured_at=told.created_at
    )
    await intent_rows.captured(tx.conn, payment_id=payment.id)
    await intent_rows.close_reviewed(tx.conn, payment_id=payment.id, refund_id=None, payout_id=None)
    await alerts.resolve(tx, REVIEWS, subject=f"payment:{payment.id}")


async def _lock(tx: Tx, payment: Payment) -> tuple[Booking, Payment]:
    """Booking first, then payment; a payment without a booking is not ours to capture."""
    if payment.booking_id is None:
        raise Missing("booking")
    booking = await booking_rows.lock(tx.conn, booking_id=payment.booking_id)
    locked = await rows.lock(tx.conn, payment_id=payment.id)
    if booking is None or locked is None:
        raise Missing("payment")
    return booking, locked


async def _book(tx: Tx, payment: Payment, told: GatewayPayment, *, dues_minor: int) -> None:
    currency = payment.currency
    await ledger.post(
        tx, "capture", told.id,
        [
            Line(ledger.platform("gateway_clearing", currency), -payment.amount_minor),
            Line(ledger.platform("prepaid", currency), payment.amount_minor - dues_minor),
            *await charges.settled_dues(tx, payment.account_id, currency, dues_minor),
        ],
        booking_id=payment.booking_id, description=f"Payment {told.id}",
    )  # fmt: skip


async def _surplus(tx: Tx, payment: Payment, told: GatewayPayment) -> Outcome:
    """Somebody paid an order twice: the second payment is kept apart and sent back."""
    surplus_id = uuid4()
    inserted = await rows.insert_captured(
        tx.conn, payment_id=surplus_id, booking_id=payment.booking_id, account_id=payment.account_id,
        kind="online", method=told.method, currency=payment.currency, amount_minor=told.amount_minor,
        receipt=f"SP-{surplus_id.hex}", gateway_payment_id=told.id, surplus_of=payment.id,
        captured_at=told.created_at, review_reason=None,
    )  # fmt: skip
    if inserted is None:
        return Outcome.KNOWN
    await ledger.post(
        tx, "capture", told.id,
        [
            Line(ledger.platform("gateway_clearing", payment.currency), -told.amount_minor),
            Line(ledger.platform("surplus", payment.currency), told.amount_minor),
        ],
        booking_id=payment.booking_id, description=f"Second payment {told.id} of one order",
    )  # fmt: skip
    await refunds.request(
        tx, surplus_id, told.amount_minor, requested_by=refunds.SYSTEM, reason="This order was paid twice"
    )
    return Outcome.SURPLUS


async def _superseded(tx: Tx, payment: Payment, told: GatewayPayment) -> Outcome:
    """An order was paid that another way of paying had taken the place of: that money goes back."""
    await rows.capture(
        tx.conn, payment_id=payment.id, gateway_payment_id=told.id, method=told.method, captured_at=told.created_at
    )
    await ledger.post(
        tx, "capture", told.id,
        [
            Line(ledger.platform("gateway_clearing", payment.currency), -payment.amount_minor),
            Line(ledger.platform("surplus", payment.currency), payment.amount_minor),
        ],
        booking_id=payment.booking_id, description=f"Payment {told.id} of an order that was given up",
    )  # fmt: skip
    await refunds.request(
        tx,
        payment.id,
        payment.amount_minor,
        requested_by=refunds.SYSTEM,
        reason="This is paid another way or called off",
    )
    return Outcome.SURPLUS


async def quarantine(tx: Tx, payment: Payment, reason: str) -> None:
    """Holds a payment for a person, with an alert; nothing is booked and nobody is sent."""
    await rows.hold_for_review(tx.conn, payment_id=payment.id, reason=reason)
    await alert(tx, "payment_review", payment, f"Payment {payment.id}: {reason}.")


async def gone(tx: Tx, payment: Payment, told: GatewayPayment) -> bool:
    """Whether money that was held for a person, as it was not about this order, amount and currency, is back with its
    payer: then nobody has to look any more. False for any other.
    """
    fits = (told.amount_minor, told.currency, told.order_id) == (
        payment.amount_minor, payment.currency, payment.gateway_order_id,
    )  # fmt: skip
    if fits or told.amount_refunded_minor < told.amount_minor:
        return False
    await alerts.resolve(tx, ["payment_review"], subject=f"payment:{payment.id}")
    return True


async def alert(tx: Tx, kind: str, payment: Payment | None, message: str, *, subject: str | None = None) -> None:
    """Tells staff, once per kind and payment (or other `subject`) while it is open."""
    await alerts.raise_alert(
        tx, kind, message, booking_id=payment.booking_id if payment else None,
        subject=subject or (f"payment:{payment.id}" if payment else None),
    )  # fmt: skip


async def failed(tx: Tx, payment: Payment, told: GatewayPayment) -> bool:
    """A try to pay failed; the booking waits for another one.

    False when that changed nothing, as after a capture.
    """
    if payment.booking_id is None:
        # Whoever was asked may try again at the same page.
        return False
    booking, payment = await _lock(tx, payment)
    reason = told.error_description or told.error_code or "the payment failed"
    if not await rows.fail(tx.conn, payment_id=payment.id, reason=reason, method=told.method):
        return False
    if booking.status not in ("cancelled", "refunded") and payment.surplus_of is None:
        if booking.payment_status == "pending":
            await booking_rows.set_payment_status(tx.conn, booking_id=booking.id, payment_status="failed")
        await facts.record(
            tx, booking.id, "payment.failed", GATEWAY_ACTOR, {"payment_id": str(payment.id), "reason": reason}
        )
    return True


async def authorised(tx: Tx, payment: Payment, told: GatewayPayment, *, delay_s: float = CAPTURE_AFTER_S) -> None:
    """The money is held but not ours yet: captured by the gateway as a rule, by us when it does not.

    On a dead booking, or an order that was given up, nothing is captured: the gateway gives the money back by itself.
    """
    if payment.booking_id is not None:
        booking, payment = await _lock(tx, payment)
        if booking.status in ("cancelled", "refunded"):
            return
    if payment.captured_minor or payment.surplus_of:
        return
    inserted = await intent_rows.insert(
        tx.conn, kind="capture", payment_id=payment.id, refund_id=None, payout_id=None, gateway_ref=told.id,
        idempotency_key=f"capture-{payment.id.hex}", delay_s=delay_s,
    )  # fmt: skip
    if inserted is None:
        await intent_rows.rearm_capture(tx.conn, payment_id=payment.id, gateway_ref=told.id, delay_s=delay_s)


async def reported(tx: Tx, payment: Payment, told: GatewayPayment) -> Outcome | None:
    """Takes any state of a gateway payment to where it leads; None when no money was captured."""
    if told.captured:
        return await captured(tx, payment, told)
    if told.status == "failed":
        await failed(tx, payment, told)
    elif told.status == "authorized":
        await authorised(tx, payment, told)
    return None
