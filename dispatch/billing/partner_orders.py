"""Orders that the ERP's staff write for a trade partner, from the catalogue and at the partner's prices."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from dispatch.billing import checkout, trade_orders
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.services import Services
from storage import trade_orders as rows
from storage.trade_orders import TradeOrder


async def create(
    services: Services,
    actor: Actor,
    partner_no: int,
    quantities: Mapping[UUID, int],
    *,
    notes: str | None = None,
    may_pass_limit: bool = False,
) -> TradeOrder:
    """One order. Raises Missing (partner, service), Invalid (quantities), and what trade_orders.order raises."""
    checkout.check_quantities(quantities, "items")
    currency = services.settings.erp.currency
    items = await checkout.offered_items(services, quantities, currency)
    async with services.transaction() as tx:
        terms = await rows.terms(tx.conn, no=partner_no)
        if terms is None:
            raise Missing("partner")
        priced = await trade_orders.quote(tx.conn, services.settings, terms, items, currency)
        return await trade_orders.order(tx, actor, terms, priced, notes=notes, may_pass_limit=may_pass_limit)
