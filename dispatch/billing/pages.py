"""Pages of the gateway on which organisations' invoices and providers' bills are paid: whose they are, what came in."""

from __future__ import annotations

from uuid import UUID

from dispatch.billing import invoice_payments, platform_bills
from dispatch.ports.gateway import Gateway, GatewayLink, GatewayPayment, GatewayRefund, GatewayRefused
from dispatch.services import Services
from storage import invoice_payments as invoice_rows
from storage import page_payments as rows
from storage import platform_bills as bill_rows
from storage.invoice_payments import InvoicePayment
from storage.platform_bills import Bill

Owner = InvoicePayment | Bill


class NotWhole(Exception):
    """What went back at the gateway is not the whole payment of an invoice: somebody has to say what is still paid."""


async def owner_of(services: Services, *, link_id: str | None, reference: str | None) -> Owner | None:
    """By the gateway's id, or by our own reference, should we never have learnt the id."""
    try:
        ours = UUID(reference or "")
    except ValueError:
        ours = None
    async with services.read() as conn:
        return await invoice_rows.of_link(
            conn, gateway_link_id=link_id, reference=ours
        ) or await bill_rows.of_link(conn, gateway_link_id=link_id, reference=ours)  # fmt: skip


async def settle(services: Services, owner: Owner, link: GatewayLink) -> bool:
    """What the gateway says of the page becomes what we know, once. False: nothing new."""
    if isinstance(owner, Bill):
        return await platform_bills.hear(services, owner, link)
    return await invoice_payments.settle_link(services, owner.id, link)


async def made_up_for(services: Services, gateway: Gateway, told: GatewayPayment) -> bool:
    """Books a payment that came in at a page of ours and of which nobody told us. False: it is of no page of ours."""
    if told.order_id is None:
        return False
    try:
        reference = (await gateway.fetch_order(told.order_id)).receipt
    except GatewayRefused:
        return False
    owner = await owner_of(services, link_id=None, reference=reference)
    link = await gateway.find_payment_link(str(owner.id)) if owner else None
    if owner is None or link is None or told.id not in link.payment_ids:
        return False
    return await settle(services, owner, link)


async def gave_back(services: Services, gateway: Gateway, paid: GatewayPayment, told: GatewayRefund) -> bool:
    """The gateway gave back what came in at a page of ours: what it had paid is open again, once.

    False: it is of no page of ours. Raises NotWhole for a part of a payment, and for a bill.
    """
    async with services.read() as conn:
        reference = await rows.owner_of(conn, gateway_payment_id=told.payment_id)
    if reference is None:
        if not await made_up_for(services, gateway, paid):
            return False
        async with services.read() as conn:
            reference = await rows.owner_of(conn, gateway_payment_id=told.payment_id)
    owner = await owner_of(services, link_id=None, reference=str(reference))
    if told.status != "processed":
        # It is on its way, or came to nothing.
        return True
    if not isinstance(owner, InvoicePayment) or owner.amount_minor != told.amount_minor:
        raise NotWhole(f"{told.id} gives back {told.amount_minor} of payment {told.payment_id} of page {reference}")
    async with services.transaction() as tx:
        await invoice_payments.gave_back(tx, owner.id, told.id)
    return True
