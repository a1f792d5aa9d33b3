"""When a request of a provider is paid: the ledger, the statement, and what else waits for that money."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dispatch.billing import ledger, provider_manual, provider_transactions, provider_wallet
from dispatch.billing.ledger import Line
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.services import Tx
from storage import payment_requests as rows
from storage.payment_requests import PaymentRequest
from storage.payments import Payment

#: What else happens when a request is paid, by its purpose.
Follower = Callable[[Tx, PaymentRequest], Awaitable[None]]
_FOLLOWERS: dict[str, Follower] = {}


def follow(purpose: str, follower: Follower) -> None:
    """`follower` hears of every paid request of this purpose, in the transaction that pays it."""
    _FOLLOWERS[purpose] = follower


async def lock_for(tx: Tx, payment: Payment) -> PaymentRequest | None:
    """The open or closed request that a payment is for, locked; None when the payment was given up for another one."""
    return await rows.lock_of_payment(tx.conn, payment_id=payment.id)


async def paid(tx: Tx, request: PaymentRequest, payment: Payment, gateway_payment_id: str) -> None:
    """The whole amount is the provider's. The caller has captured the payment and holds the request's lock."""
    assert payment.payee_id is not None, "a request's payment has its payee"
    currency = payment.currency
    await ledger.post(
        tx, "capture", gateway_payment_id,
        [
            Line(ledger.platform("gateway_clearing", currency), -payment.amount_minor),
            Line(ledger.payable(payment.payee_id, currency), payment.amount_minor),
        ],
        description=f"Payment request {request.reference}",
    )  # fmt: skip
    await _close(tx, request)
    await provider_wallet.tell(tx, payment.payee_id, currency)


async def received(tx: Tx, request: PaymentRequest) -> None:
    """The provider has the money in its hands: beside the wallet, so a credit and a debit, as of a job paid in cash.

    The caller holds the request's lock and has seen that it is open.
    """
    lines = provider_manual.taken(request.provider_id, request.currency, request.amount_minor)
    await ledger.post(tx, "request_in_cash", str(request.id), lines, description=f"Payment request {request.reference}")
    await _close(tx, request)
    await provider_transactions.add(tx, NewTransaction(
        request.provider_id, "debit", "cash_collected", "settled", request.amount_minor, request.currency,
        f"{request.reference}-CASH", "cash", payer_name=request.customer_name, related_to=request.transaction_id,
    ))  # fmt: skip


async def _close(tx: Tx, request: PaymentRequest) -> None:
    moved = await rows.pay(tx.conn, id=request.id)
    assert moved == 1, "the caller has seen that it is open"
    await provider_transactions.move(tx, request.transaction_id, "settle")
    if follow := _FOLLOWERS.get(request.purpose):
        await follow(tx, request)
