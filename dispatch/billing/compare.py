"""One thing of the gateway against ours: equal, mended, or a discrepancy for a person."""

from __future__ import annotations

from dataclasses import replace

from dispatch.billing import captures, gateway_events, pages
from dispatch.billing.gateway_events import NeedsPerson, NotOurs
from dispatch.ports.gateway import Gateway, GatewayPayment, GatewayRefund, GatewayRefused
from dispatch.services import Services
from storage import reconciliation as rows
from storage.payments import Payment
from storage.reconciliation import Item, Known


async def payment(services: Services, gateway: Gateway, told: GatewayPayment, here: Known | None) -> Item | None:
    """Compares a payment of the gateway with ours of the same id. None when there is nothing to say."""
    if here is not None and here.amount_minor:
        if not told.captured:
            return _payment("status", told, here, "open")
        if (told.amount_minor, told.currency) != (here.amount_minor, here.currency):
            return _payment("amount", told, here, "open")
        return None
    return await _missed(services, gateway, told) if told.captured else None


async def _missed(services: Services, gateway: Gateway, told: GatewayPayment) -> Item | None:
    """Captured there and unknown here: a webhook was missed, or it is not ours at all."""
    try:
        owner = await gateway_events.owner_of(services, gateway, told)
    except (NeedsPerson, GatewayRefused):
        is_ours = await pages.made_up_for(services, gateway, told)
        return _payment("status" if is_ours else "missing_here", told, None, "repaired" if is_ours else "open")
    ours = _as_known(owner, told.id)
    async with services.transaction() as tx:
        if await captures.gone(tx, owner, told):
            return None
        outcome = await captures.captured(tx, owner, told)
    if outcome is captures.Outcome.QUARANTINED:
        return _payment("amount", told, ours, "open")
    return _payment("status", told, ours, "repaired")


def _as_known(owner: Payment, gateway_id: str) -> Known:
    return Known(owner.id, gateway_id, owner.amount_minor, owner.currency, owner.status)


async def lost_payment(services: Services, gateway: Gateway, here: Known) -> Item | None:
    """Captured here and not on the gateway's list of the day: asked for by its id, since days have edges."""
    try:
        told = await gateway.fetch_payment(here.gateway_id)
    except GatewayRefused:
        return Item(
            "payment",
            "missing_there",
            here.gateway_id,
            here.id,
            here.amount_minor,
            None,
            here.status,
            None,
            "open",
        )
    return await payment(services, gateway, told, here)


def _payment(kind: str, told: GatewayPayment, here: Known | None, resolution: str) -> Item:
    return Item(
        "payment", kind, told.id, here.id if here else None, here.amount_minor if here else None,
        told.amount_minor, here.status if here else None, told.status, resolution,
    )  # fmt: skip


# ---------------------------------------------------------------- refunds

#: What we think and what the gateway says, where its word is enough: how one ended, and that one came back.
_HEARD = {("processing", "processed"), ("processing", "failed"), ("processed", "failed")}


async def refund(services: Services, gateway: Gateway, told: GatewayRefund, here: Known | None) -> Item | None:
    """Compares a refund of the gateway with ours of the same id. None when there is nothing to say."""
    if here is None:
        return await _missed_refund(services, gateway, told)
    if (told.amount_minor, told.currency) != (here.amount_minor, here.currency):
        return _refund("amount", told, here, "open")
    if (here.status, told.status) in _HEARD:
        return _refund("status", told, here, await _take(services, gateway, told))
    if here.status != "processing" and here.status != told.status:
        return _refund("status", told, here, "open")
    return None


async def _missed_refund(services: Services, gateway: Gateway, told: GatewayRefund) -> Item | None:
    try:
        if not await gateway_events.take_refund(services, gateway, told):
            return None
    except NotOurs:
        return _refund("missing_here", told, None, "open")
    except (NeedsPerson, GatewayRefused):
        # Of which payment, or page, of ours it is.
        async with services.read() as conn:
            about = await rows.payments_known(conn, ids=[told.payment_id])
        return replace(_refund("missing_here", told, None, "open"), local_id=about[0].id if about else None)
    async with services.read() as conn:
        found = await rows.refunds_known(conn, ids=[told.id])
    return _refund("missing_here", told, found[0] if found else None, "repaired")


async def _take(services: Services, gateway: Gateway, told: GatewayRefund) -> str:
    try:
        await gateway_events.take_refund(services, gateway, told)
    except (NeedsPerson, GatewayRefused):
        return "open"
    return "repaired"


async def lost_refund(services: Services, gateway: Gateway, here: Known) -> Item | None:
    """Known here and not on the gateway's list of the day: asked for by its id."""
    try:
        told = await gateway.fetch_refund(here.gateway_id)
    except GatewayRefused:
        return Item(
            "refund",
            "missing_there",
            here.gateway_id,
            here.id,
            here.amount_minor,
            None,
            here.status,
            None,
            "open",
        )
    return await refund(services, gateway, told, here)


def _refund(kind: str, told: GatewayRefund, here: Known | None, resolution: str) -> Item:
    return Item(
        "refund", kind, told.id, here.id if here else None, here.amount_minor if here else None,
        told.amount_minor, here.status if here else None, told.status, resolution,
    )  # fmt: skip
