"""Disputes: a payer's bank asks a payment back, and perhaps takes it. Staff hear of it while they can still answer."""

from __future__ import annotations

from uuid import UUID

from dispatch.billing import refunds
from dispatch.engine import alerts
from dispatch.localtime import local
from dispatch.ports.gateway import GatewayDispute, GatewayRefund
from dispatch.reports.formats import amount_text
from dispatch.services import Tx
from storage import refunds as refund_rows
from storage.payments import Payment

#: The alerts of one that is to be answered, and of one that took the money.
ASKED, LOST = "dispute", "dispute_lost"
#: Why what a lost dispute took is no longer here.
TAKEN = "taken back by the payer's bank"


async def heard(tx: Tx, told: GatewayDispute, payment: Payment | None, page: UUID | None) -> bool:
    """What the gateway says of a dispute over our payment, or over what came in at a page of ours, in any order.

    What a lost one took has left as a refund that was made at the gateway does: nobody can give it back once more, and
    nobody new is sent to a booking of which nothing is held. False: it took more than the payment still held, so that
    some of it has gone twice, and a person has to look (the caller raises the alert).
    """
    subject = f"dispute:{told.id}"
    if told.status == "lost" or (told.status == "closed" and told.taken_minor):
        return await _lost(tx, told, payment, page, subject)
    if told.status in ("won", "closed"):
        await alerts.resolve(tx, [ASKED], subject=subject)
        return True
    # What was said before it was over may come after.
    if await refund_rows.find_by_gateway_id(tx.conn, gateway_refund_id=told.id) is None:
        until = ""
        if told.respond_by is not None:
            by = local(told.respond_by, tx.services.settings.timezone)
            until = f"; answer at the gateway by {by:%d %B %Y, %H:%M}"
        await alerts.raise_alert(
            tx, ASKED, f"The payer's bank asks back {_about(told, payment, page)}{until}.",
            booking_id=payment.booking_id if payment else None, subject=subject,
        )  # fmt: skip
    return True


async def _lost(tx: Tx, told: GatewayDispute, payment: Payment | None, page: UUID | None, subject: str) -> bool:
    await alerts.resolve(tx, [ASKED], subject=subject)
    if payment is not None:
        assert payment.gateway_payment_id is not None, "it was found by it"
        known = await refund_rows.find_by_gateway_id(tx.conn, gateway_refund_id=told.id)
        minor = told.taken_minor or told.amount_minor
        taken = GatewayRefund(
            told.id, payment.gateway_payment_id, minor, told.currency, "processed", None, told.created_at
        )
        if await refunds.heard(tx, payment, taken, reason=TAKEN) is None:
            return False
        if known is not None:
            return True
    await alerts.raise_alert(
        tx, LOST, f"The payer's bank has taken back {_about(told, payment, page)}.",
        booking_id=payment.booking_id if payment else None, subject=subject,
    )  # fmt: skip
    return True


def _about(told: GatewayDispute, payment: Payment | None, page: UUID | None) -> str:
    amount = amount_text(told.taken_minor or told.amount_minor, told.currency)
    return f"{amount} of payment {payment.id}" if payment else f"{amount} that came in at the page {page}"
