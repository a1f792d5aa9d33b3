"""The gateway's page for a payment request: asked for once, by an intent, and given up with the request."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

from dispatch.ports.gateway import Gateway, GatewayError, GatewayLink, GatewayRefused
from dispatch.services import Services, Tx
from storage import payment_requests as rows
from storage import payments as payment_rows
from storage.intents import Intent
from storage.payment_requests import PaymentRequest
from storage.payments import Payment

log = logging.getLogger(__name__)

#: A link that nobody reports on is asked about after so many seconds.
POLL_S = 120.0

#: Who hears of a request whose page is made, by its purpose.
Follower = Callable[[Tx, PaymentRequest], Awaitable[None]]
_FOLLOWERS: dict[str, Follower] = {}


def follow(purpose: str, follower: Follower) -> None:
    """`follower` hears of every request of this purpose that has its page, in the transaction that keeps the page."""
    _FOLLOWERS[purpose] = follower


async def make(services: Services, gateway: Gateway, intent: Intent) -> None:
    """The handler of link intents. Raises GatewayRefused when what the gateway made is not what was asked for."""
    async with services.read() as conn:
        payment = await payment_rows.get(conn, payment_id=intent.payment_id)
        request = await rows.of_payment(conn, payment_id=intent.payment_id)
    if payment is None or request is None or request.status != "pending" or request.gateway_link_id is not None:
        return
    link: GatewayLink | None = None
    if intent.may_have_happened:
        link = await gateway.find_payment_link(payment.receipt)
    if link is None:
        link = await gateway.create_payment_link(
            payment.amount_minor, payment.currency, payment.receipt,
            description=request.description or f"Payment request {request.reference}",
            notes={"request_id": str(request.id)}, callback_url=request.redirect_url,
        )  # fmt: skip
    if (link.amount_minor, link.currency) != (payment.amount_minor, payment.currency):
        raise GatewayRefused(f"The link {link.id} is not the one that was asked for.")
    async with services.transaction() as tx:
        is_wanted = await rows.linked(
            tx.conn, id=request.id, payment_id=payment.id, gateway_link_id=link.id, url=link.short_url
        )
        # Also when nobody wants the page any more: what is paid at it all the same is known by its order.
        if link.order_id is None:
            await payment_rows.paged(tx.conn, payment_id=payment.id, poll_s=POLL_S)
        else:
            await payment_rows.ordered(tx.conn, payment_id=payment.id, order_id=link.order_id, poll_s=POLL_S)
        if is_wanted and (told := _FOLLOWERS.get(request.purpose)):
            await told(tx, replace(request, gateway_link_id=link.id, url=link.short_url))
    if not is_wanted:
        await close(services, link.id)


async def with_order(services: Services, payment: Payment) -> Payment | None:
    """The payment with the order behind its page, which the gateway may make only when somebody pays there.

    Raises GatewayError.
    """
    link = await services.gateway.find_payment_link(payment.receipt)
    order_id = link.order_id if link else None
    if link is not None and order_id is None and link.payment_ids:
        order_id = (await services.gateway.fetch_payment(link.payment_ids[0])).order_id
    async with services.transaction() as tx:
        if order_id is not None:
            await payment_rows.ordered(tx.conn, payment_id=payment.id, order_id=order_id, poll_s=POLL_S)
        return await payment_rows.get(tx.conn, payment_id=payment.id)


async def close(services: Services, gateway_link_id: str | None) -> None:
    """Tells the gateway that a page is over. Should it be paid all the same, that money goes back by itself."""
    if gateway_link_id is None or not services.settings.payments.is_configured:
        return
    try:
        await services.gateway.cancel_payment_link(gateway_link_id)
    except GatewayError as e:
        log.warning("the link %s could not be closed: %s", gateway_link_id, e)
