"""What waits for a person: intents and events that were tried for a day, and how to have them tried again."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.services import Tx
from storage import gateway_events as event_rows
from storage import intents as intent_rows
from storage.database.pool import Conn


@dataclass(frozen=True, slots=True)
class Waiting:
    """One thing to look at. `about` names the payment, refund or payout."""

    id: UUID
    what: str
    about: str
    error: str


async def page(conn: Conn) -> list[Waiting]:
    """The oldest five hundred of each kind."""
    intents = [
        Waiting(i.id, f"{i.kind} intent", str(i.refund_id or i.payout_id or i.payment_id), i.error or "")
        for i in await intent_rows.in_review(conn)
    ]
    events = [
        Waiting(e.id, f"event {e.event_type}", e.payment_id or "", e.error or "")
        for e in await event_rows.in_review(conn)
    ]
    return intents + events


async def try_again(tx: Tx) -> int:
    """Has everything that waits tried for another day, with its old keys. Returns how many that are."""
    return await intent_rows.try_again(tx.conn) + await event_rows.try_again(tx.conn)
