"""Trade partners for tests: made by the domain's own functions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from dispatch.events import Actor
from dispatch.parties import trade_partners
from dispatch.parties.trade_partners import Form
from dispatch.services import Services, Tx
from storage import erp_customers as customer_rows
from storage.trade_partners import TradePartner

CLERK = Actor("erp", "a clerk")


async def add_partner(services: Services, name: str = "Acme Corp", **columns: Any) -> TradePartner:
    """A partner with these columns, by their names inside; `customer` is the account that pays on its account."""
    account_id: UUID | None = columns.pop("customer", None)
    term_id: int | None = columns.pop("payment_term_id", None)
    async with services.transaction() as tx:
        if account_id is not None:
            columns["customer_no"] = await customer_rows.insert(tx.conn, account_id=account_id)
        form = Form({"name": name, **columns}, {}, payment_term_id=term_id)
        return await trade_partners.create(tx, CLERK, form, may_credit=True)


async def partner_now(services: Services, no: int) -> TradePartner:
    async with services.read() as conn:
        return await trade_partners.get(conn, no)


async def change_partner(tx: Tx, no: int, **columns: Any) -> TradePartner:
    return await trade_partners.change(tx, CLERK, no, Form(columns, {}), may_credit=True)
