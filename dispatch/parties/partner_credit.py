"""The credit of trade partners: its limit, and what the database says of it against what the orders say."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.engine import audit
from dispatch.events import Actor
from dispatch.parties import trade_partners
from dispatch.services import Tx
from storage import trade_orders as order_rows
from storage import trade_partners as rows
from storage.database.pool import Conn
from storage.trade_orders import DeliveryNote, TradeOrder
from storage.trade_partners import TradePartner

#: So many orders and notes are in a history; the lists of both have all.
MOST = 100


@dataclass(frozen=True, slots=True)
class History:
    """How a partner's credit stands, and the newest of what moved it."""

    partner: TradePartner
    orders: list[TradeOrder]
    notes: list[DeliveryNote]


async def set_limit(tx: Tx, actor: Actor, no: int, limit_minor: int, reason: str | None) -> TradePartner:
    """A new limit. One below what is used lets that stand, and no order is taken until it is below. Raises Missing."""
    before = await trade_partners.lock(tx, no)
    await rows.set_credit_limit(tx.conn, no=no, limit_minor=limit_minor)
    changes = {"credit_limit_minor": {"old": before.credit_limit_minor, "new": limit_minor}, "reason": reason}
    await audit.record(tx, actor, "set_credit_limit", "trade_partner", no, changes)
    return await trade_partners.get(tx.conn, no)


async def history(conn: Conn, no: int) -> History:
    """Raises Missing."""
    partner = await trade_partners.get(conn, no)
    orders = await order_rows.latest_of(conn, partner_no=no, most=MOST)
    return History(partner, orders, await order_rows.notes_of(conn, partner_no=no, most=MOST))


async def recalculate(tx: Tx, actor: Actor, no: int) -> int:
    """What is used is what the partner's orders take, whatever stood there. Gives it in minor units. Raises Missing."""
    before = await trade_partners.lock(tx, no)
    used_minor = await rows.recalculate(tx.conn, no=no) or 0
    changes = {"credit_used_minor": {"old": before.credit_used_minor, "new": used_minor}}
    await audit.record(tx, actor, "recalculate_credit", "trade_partner", no, changes)
    return used_minor
