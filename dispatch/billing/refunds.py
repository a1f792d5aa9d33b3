"""Refunds: reserved on the payment first, asked of the gateway afterwards, settled or undone by its word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from dispatch.billing import ledger, provider_refunds, refunded_bookings
from dispatch.billing.ledger import Line
from dispatch.engine import alerts
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.ports.gateway import GatewayRefund
from dispatch.reports.formats import amount_text
from dispatch.services import Tx
from storage import bookings as booking_rows
from storage import intents as intent_rows
from storage import payments as payment_rows
from storage import refunds as rows
from storage.database.errors import StorageError, constraint_of
from storage.database.pool import Conn
from storage.payments import Payment
from storage.refunds import Refund

#: Who is named as the one that refunds: the machinery itself, and the gateway's own dashboard.
SYSTEM, GATEWAY = "system", "gateway"
#: The alert of a refund that did not go, with what it was about as its subject.
FAILED = "refund_failed"


class NotPaid(Conflict):
    """Nothing has been paid for this, so nothing can be refunded."""

    code = "not_paid"


class PayeeHasLess(Conflict):
    """The wallet of whoever was paid does not hold that much any more."""

    code = "wallet_too_small"


class OverRefund(Conflict):
    """This is more than what was paid and not refunded yet."""

    code = "over_refund"

    def __init__(self, refundable_minor: int, asked_minor: int, currency: str) -> None:
        most = max(refundable_minor, 0)
        super().__init__(
            f"At most {amount_text(most, currency)} can be refunded: that is what was paid and not given back yet.",
            details={"refundable_minor": most, "asked_minor": asked_minor},
        )


async def request(
    tx: Tx,
    payment_id: UUID,
    amount_minor: int,
    *,
    reason: str,
    requested_by: str,
    to_wallet: bool = False,
    notes: str | None = None,
) -> Refund:
    """Reserves a refund of one payment and sends it on its way, to the original method or to the wallet.

    What was paid in cash or from the wallet goes to the wallet. Raises Invalid (not a positive amount),
    NotPaid, PayeeHasLess, OverRefund: of any number of parallel requests exactly those succeed that the captured amount
    covers.
    """
    payment = await _lock_in_order(tx, payment_id)
    return await _request(tx, payment, amount_minor, reason, requested_by, to_wallet, notes)


async def _lock_in_order(tx: Tx, payment_id: UUID) -> Payment:
    """The booking's row is always locked before its payment's."""
    seen = await payment_rows.get(tx.conn, payment_id=payment_id)
    if seen is None:
        raise Missing("payment")
    if seen.booking_id is not None:
        await booking_rows.lock(tx.conn, booking_id=seen.booking_id)
    payment = await payment_rows.lock(tx.conn, payment_id=payment_id)
    assert payment is not None, "captured payments are never deleted"
    return payment


async def _request(
    tx: Tx,
    payment: Payment,
    amount_minor: int,
    reason: str,
    requested_by: str,
    to_wallet: bool,
    notes: str | None,
) -> Refund:
    if amount_minor <= 0:
        raise Invalid({"amount": "must be more than zero"})
    goes_to_wallet = to_wallet or payment.kind != "online"
    refund = await _reserve(tx, payment, amount_minor, None, reason, requested_by, goes_to_wallet, notes)
    if goes_to_wallet:
        await settle(tx, refund.id)
    else:
        await intent_rows.insert(
            tx.conn, kind="refund", payment_id=None, refund_id=refund.id, payout_id=None, gateway_ref=None,
            idempotency_key=f"refund-{refund.id.hex}", delay_s=0.0,
        )  # fmt: skip
    found = await rows.get(tx.conn, refund_id=refund.id)
    assert found is not None, "inserted just now"
    return found


async def _reserve(
    tx: Tx,
    payment: Payment,
    amount_minor: int,
    gateway_refund_id: str | None,
    reason: str,
    requested_by: str,
    to_wallet: bool,
    notes: str | None,
) -> Refund:
    """The CHECK on the payment decides; then the refund's row and its journal. Raises NotPaid, OverRefund."""
    if not payment.captured_minor:
        raise NotPaid()
    uncovered = await _uncovered(tx, payment, amount_minor, has_left=gateway_refund_id is not None)
    try:
        async with tx.savepoint():
            await payment_rows.reserve_refund(tx.conn, payment_id=payment.id, amount_minor=amount_minor)
    except StorageError as e:
        if constraint_of(e) != "payments_never_over_refunded":
            raise
        raise OverRefund(payment.refundable_minor, amount_minor, payment.currency) from None
    held, prepaid, owed = 0, 0, 0
    if payment.surplus_of is None and payment.booking_id is not None:
        held = await ledger.held_for(tx.conn, payment.booking_id)
        prepaid = max(0, min(amount_minor, held))
        if prepaid < amount_minor:
            owed = max(0, min(amount_minor - prepaid, await ledger.owed_for(tx.conn, payment.booking_id)))
    refund_id = await rows.insert(
        tx.conn, payment_id=payment.id, booking_id=payment.booking_id, amount_minor=amount_minor,
        prepaid_minor=prepaid, owed_minor=owed, uncovered_minor=uncovered, currency=payment.currency,
        to_wallet=to_wallet, gateway_refund_id=gateway_refund_id, reason=reason, notes=notes, requested_by=requested_by,
        poll_s=POLL_S,
    )  # fmt: skip
    refund = await rows.get(tx.conn, refund_id=refund_id) if refund_id else None
    assert refund is not None, "a refund's gateway id is looked up before it is inserted"
    await ledger.post(
        tx,
        "refund",
        str(refund.id),
        reserved(refund, payment),
        booking_id=payment.booking_id,
        description=reason,
    )
    if _payee_of(payment) is not None:
        await provider_refunds.opened(tx, refund, payment)
    if uncovered:
        await alerts.raise_alert(
            tx, "payee_short",
            f"The gateway gave back {amount_text(amount_minor, payment.currency)} of payment {payment.id}, and the "
            f"wallet of whoever was paid lacked {amount_text(uncovered, payment.currency)} of it.",
            subject=f"refund:{refund.id}",
        )  # fmt: skip
    if prepaid and prepaid == held:
        await refunded_bookings.stop(tx, payment)
    return refund


def _payee_of(payment: Payment) -> UUID | None:
    """Who gives a refund back: a provider what it was paid; what came besides is nobody's yet."""
    return payment.payee_id if payment.surplus_of is None else None


async def _uncovered(tx: Tx, payment: Payment, amount_minor: int, *, has_left: bool) -> int:
    """What the wallet of whoever was paid lacks of a refund that has left already (0 for any other).

    One that has not leaves only where the wallet holds it beside the cash that was collected at the door, which is the
    platform's, as with payouts. Raises PayeeHasLess.
    """
    if (payee_id := _payee_of(payment)) is None:
        return 0
    held = await ledger.lock_owner(tx, "party", payee_id, payment.currency)
    payable = held.get("payable", 0)
    if not has_left and amount_minor > payable + held.get("cash_in_hand", 0):
        raise PayeeHasLess
    return max(0, amount_minor - payable)


def reserved(refund: Refund, payment: Payment) -> list[Line]:
    """What asking for a refund posts."""
    currency = refund.currency
    goal = (
        ledger.wallet(payment.account_id, currency)
        if refund.to_wallet
        else ledger.platform("refund_clearing", currency)
    )
    if payment.surplus_of is not None:
        source = [Line(ledger.platform("surplus", currency), -refund.amount_minor)]
    elif payment.payee_id is not None:
        source = [
            Line(ledger.payable(payment.payee_id, currency), refund.uncovered_minor - refund.amount_minor),
            Line(ledger.platform("refunds", currency), -refund.uncovered_minor),
        ]
    else:
        source = [
            Line(ledger.platform("prepaid", currency), -refund.prepaid_minor),
            Line(ledger.platform("refund_owed", currency), -refund.owed_minor),
            Line(ledger.platform("refunds", currency), refund.prepaid_minor + refund.owed_minor - refund.amount_minor),
        ]
    return [*source, Line(goal, refund.amount_minor)]


async def request_for_booking(
    tx: Tx,
    booking_id: UUID,
    amount_minor: int,
    *,
    reason: str,
    requested_by: str,
    to_wallet: bool = False,
    notes: str | None = None,
) -> list[Refund]:
    """Refunds an amount of what a booking's customer paid, the online or cash part first, then the wallet's.

    All or nothing. Raises Missing, Invalid, NotPaid, OverRefund.
    """
    if amount_minor <= 0:
        raise Invalid({"amount": "must be more than zero"})
    if await booking_rows.lock(tx.conn, booking_id=booking_id) is None:
        raise Missing("booking")
    payments = await payment_rows.of_booking(tx.conn, booking_id=booking_id)
    paid = sorted((p for p in payments if p.captured_minor and p.surplus_of is None), key=lambda p: p.kind == "wallet")
    if not paid:
        raise NotPaid()
    left = sum(p.refundable_minor for p in paid)
    if amount_minor > left:
        raise OverRefund(left, amount_minor, paid[0].currency)
    made = []
    for payment in paid:
        part = min(amount_minor, payment.refundable_minor)
        if part:
            made.append(await _request(tx, payment, part, reason, requested_by, to_wallet, notes))
            amount_minor -= part
    return made


async def refundable(conn: Conn, booking_id: UUID) -> int:
    """What was paid for a booking and is not promised back, in minor units."""
    payments = await payment_rows.of_booking(conn, booking_id=booking_id)
    return sum(p.refundable_minor for p in payments if p.surplus_of is None)


async def of_booking(conn: Conn, booking_id: UUID) -> list[Refund]:
    """The refunds of a booking, oldest first; surplus payments' included."""
    return await rows.of_booking(conn, booking_id=booking_id)


def outcome(back: Sequence[Refund]) -> Literal["none", "processing", "completed"]:
    """How what goes back stands: completed once all of it is there, as what goes into a wallet is at once."""
    if not back:
        return "none"
    return "completed" if all(r.status == "processed" for r in back) else "processing"


# ---------------------------------------------------------------- how it ends


async def heard(
    tx: Tx, payment: Payment, told: GatewayRefund, *, reason: str = "refunded at the gateway"
) -> Refund | None:
    """What the gateway says about a refund, whoever tells it: answer, webhook, poll or reconciler.

    Ours is found by the gateway's id or by our id in its notes; one that was made at the gateway itself is
    adopted for `reason`, and what the wallet of whoever was paid lacks of it is the house's loss, with an alert. One
    that came back after it had been settled is owed again. None: it asks for more than the payment holds, or a provider
    had paid what came back, so a person has to look (the caller raises the alert).
    """
    payment = await _lock_in_order(tx, payment.id)
    refund = await _find(tx, payment, told)
    if refund is None:
        try:
            refund = await _reserve(
                tx, payment, told.amount_minor, told.id, reason, GATEWAY, False, None
            )
        except (OverRefund, NotPaid):
            return None
    elif refund.gateway_refund_id is None:
        await rows.accepted(tx.conn, refund_id=refund.id, gateway_refund_id=told.id, poll_s=POLL_S)
    if refund.amount_minor != told.amount_minor or refund.currency != told.currency:
        return None
    if told.status == "processed":
        await settle(tx, refund.id)
    elif told.status == "failed" and refund.status == "processed":
        if payment.payee_id is not None:
            # Whose wallet is to have it again, nobody but a person can say.
            return None
        await fail(tx, refund.id, "it had reached the customer's bank and came back", came_back=True)
    elif told.status == "failed":
        await fail(tx, refund.id, "the gateway could not refund it")
    return await rows.get(tx.conn, refund_id=refund.id)


#: A refund that nobody reports on is asked about after so many seconds.
POLL_S = 120.0


async def _find(tx: Tx, payment: Payment, told: GatewayRefund) -> Refund | None:
    known = await rows.find_by_gateway_id(tx.conn, gateway_refund_id=told.id)
    if known is not None:
        return known
    try:
        noted = UUID(told.notes.get("refund_id", ""))
    except ValueError:
        return None
    ours = await rows.get(tx.conn, refund_id=noted)
    if ours is None or ours.payment_id != payment.id or ours.gateway_refund_id not in (None, told.id):
        return None
    # One that we gave up on and that exists all the same is booked anew, as the gateway's.
    return None if ours.status == "failed" else ours


async def settle(tx: Tx, refund_id: UUID) -> bool:
    """The money is back with the customer. False when this was known."""
    refund = await rows.get(tx.conn, refund_id=refund_id)
    if refund is None or not await rows.settle(tx.conn, refund_id=refund_id):
        return False
    if not refund.to_wallet:
        await ledger.post(
            tx, "refund_settled", str(refund.id),
            [
                Line(ledger.platform("refund_clearing", refund.currency), -refund.amount_minor),
                Line(ledger.platform("gateway_clearing", refund.currency), refund.amount_minor),
            ],
            booking_id=refund.booking_id,
        )  # fmt: skip
    await intent_rows.close_reviewed(tx.conn, refund_id=refund_id, payment_id=None, payout_id=None)
    await payment_rows.settle_refund(tx.conn, payment_id=refund.payment_id)
    await provider_refunds.closed(tx, refund, "settle")
    await _settle_alerts(tx, refund)
    await refunded_bookings.show(tx, refund)
    return True


async def _settle_alerts(tx: Tx, refund: Refund) -> None:
    """What this refund was looked at for is over; so is an earlier one of the same payment that it makes up for."""
    await alerts.resolve(tx, ["refund_review"], subject=f"refund:{refund.id}")
    for failed in await rows.made_up_for(tx.conn, payment_id=refund.payment_id, amount_minor=refund.amount_minor):
        await alerts.resolve(tx, [FAILED, "refund_review"], subject=f"refund:{failed.id}")


async def _home_of(tx: Tx, payment: Payment) -> str | None:
    """The account to which the prepaid part of a failed refund belongs by now; None for a second payment's."""
    if payment.surplus_of is not None or payment.booking_id is None:
        return None
    booking = await booking_rows.get(tx.conn, booking_id=payment.booking_id)
    assert booking is not None, "a payment's booking stays"
    if await rows.was_earned(tx.conn, booking_id=booking.id):
        return "refunds"
    return "refund_owed" if booking.status in ("cancelled", "refunded") else "prepaid"


async def fail(tx: Tx, refund_id: UUID, reason: str, *, came_back: bool = False) -> bool:
    """The money did not go: exactly the reserved amount is free again, and staff are told.

    `came_back`: also of one that was settled, which the gateway holds again. False: it was over.
    """
    seen = await rows.get(tx.conn, refund_id=refund_id)
    if seen is None:
        return False
    payment = await _lock_in_order(tx, seen.payment_id)
    refund = await rows.get(tx.conn, refund_id=refund_id)
    assert refund is not None, "refunds stay"
    home = await _home_of(tx, payment)
    if not await rows.fail(
        tx.conn, refund_id=refund_id, failure_reason=reason, returned_to=home, came_back=came_back
    ):
        return False
    await payment_rows.reserve_refund(tx.conn, payment_id=payment.id, amount_minor=-refund.amount_minor)
    back = [Line(line.account, -line.amount_minor) for line in reserved(refund, payment)]
    if refund.status == "processed":
        # Its settlement too: the gateway holds the money again.
        back += [
            Line(ledger.platform("refund_clearing", refund.currency), refund.amount_minor),
            Line(ledger.platform("gateway_clearing", refund.currency), -refund.amount_minor),
        ]
    if home is not None:
        back += [
            Line(ledger.platform("prepaid", refund.currency), -refund.prepaid_minor),
            Line(ledger.platform(home, refund.currency), refund.prepaid_minor),
        ]
    await ledger.post(tx, "refund_failed", str(refund.id), back, booking_id=refund.booking_id, description=reason)
    await provider_refunds.closed(tx, refund, "fail")
    # Whether it was made is known now: what remains is that it failed.
    await intent_rows.close_reviewed(tx.conn, refund_id=refund_id, payment_id=None, payout_id=None)
    await alerts.resolve(tx, ["refund_review"], subject=f"refund:{refund.id}")
    await alerts.raise_alert(
        tx, FAILED, f"A refund of {amount_text(refund.amount_minor, refund.currency)} failed: {reason}",
        booking_id=refund.booking_id, subject=f"refund:{refund.id}",
    )  # fmt: skip
    return True
