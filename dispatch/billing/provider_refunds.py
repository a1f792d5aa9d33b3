"""Money that goes back to a provider's customer, as lines of its statement; the refund posts the money."""

from __future__ import annotations

from uuid import UUID

from dispatch.billing import provider_transactions, provider_wallet
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.services import Tx
from storage import payments as payment_rows
from storage import provider_customers as customer_rows
from storage import provider_transactions as rows
from storage.payments import Payment
from storage.refunds import Refund


async def opened(tx: Tx, refund: Refund, payment: Payment) -> None:
    """A debit beside the credit that it takes back: of what the wallet gives."""
    assert payment.payee_id is not None, "only what was paid to a provider"
    paid = await rows.of_payment(tx.conn, payment_id=payment.id)
    customer = None
    if paid is not None and paid.customer_id is not None:
        customer = await customer_rows.find(tx.conn, provider_id=payment.payee_id, id=paid.customer_id)
    if (given := refund.amount_minor - refund.uncovered_minor) > 0:
        await provider_transactions.add(tx, NewTransaction(
            payment.payee_id, "debit", "refund", "pending", given, refund.currency, _reference(refund.id),
            payment.method or "link", customer, refund.reason, related_to=paid.id if paid else None,
        ))  # fmt: skip
    await provider_wallet.tell(tx, payment.payee_id, refund.currency)


async def closed(tx: Tx, refund: Refund, step: str) -> None:
    """How it ended; a line whose whole amount went back, at once or in parts, says so. Nothing for bookings'."""
    if refund.booking_id is not None:
        return
    paid = await rows.of_payment(tx.conn, payment_id=refund.payment_id)
    if paid is None:
        return
    line = await rows.by_reference(tx.conn, provider_id=paid.provider_id, reference=_reference(refund.id))
    if line is not None:
        await provider_transactions.move(tx, line.id, step)
    payment = await payment_rows.get(tx.conn, payment_id=refund.payment_id)
    if payment is not None and payment.status == "refunded":
        await provider_transactions.move(tx, paid.id, "refund")
    await provider_wallet.tell(tx, paid.provider_id, refund.currency)


def _reference(refund_id: UUID) -> str:
    return f"RF-{refund_id.hex[:16].upper()}"
