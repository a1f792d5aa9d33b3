"""What is delivered: events that are published, an owner's log, and sending once more. See the package's docstring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.engine import facts
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.services import Tx
from dispatch.webhooks.events import PING
from dispatch.webhooks.owners import Kind, Owner
from storage import webhook_deliveries as rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.webhook_deliveries import Attempt, Delivery

#: So many are sent again by one call at most, the eldest first.
MOST_REPLAYED = 10_000
#: For so long a delivery loses no try to being hurried, in seconds of the domain's time.
YOUNG_S = 2 * 24 * 3600.0
#: What can be replayed.
SETTLED = ("failed", "delivered")

LOG = rows.of_owner


class NotReplayable(Conflict):
    """This delivery cannot be sent again now: it waits, was a test, its webhook is off, or its owner not active."""

    code = "not_replayable"


async def publish(
    tx: Tx, owner: Owner, event_type: str, data: Mapping[str, Any], *, key: str | None = None, stream: str | None = None
) -> int:
    """Tells the owner's endpoints, and the platform's, that asked for it. Returns how many.

    The same `key` once more is the same event. Those of one `stream` (by default the type's) arrive in their order.
    Raises UnknownFact for what does not stand in the table of facts.
    """
    return await _put(tx, owner.kind, owner.id, event_type, data, key, stream)


async def broadcast(tx: Tx, kind: Kind, event_type: str, data: Mapping[str, Any], *, key: str | None = None) -> int:
    """As `publish`, to every owner of a kind."""
    return await _put(tx, kind, None, event_type, data, key, None)


async def _put(
    tx: Tx, kind: Kind, owner_id: UUID | None, event_type: str, data: Mapping[str, Any], key: str | None,
    stream: str | None,
) -> int:  # fmt: skip
    facts.check_owner_fact(event_type, kind, data)
    put = await rows.put(
        tx.conn, owner_kind=kind, owner_id=owner_id, everyone=owner_id is None, type=event_type, data=dict(data),
        platform_data={**data, "owner_kind": kind, "owner_id": str(owner_id) if owner_id else None},
        key=None if key is None else f"{owner_id or kind}:{key}", stream=f"{owner_id or kind}:{stream or event_type}",
    )  # fmt: skip
    if put:
        tx.hint(bus.WEBHOOKS_FILLED, {})
    return put


async def page(conn: Conn, owner: Owner, wanted: Wanted, timezone: str) -> Slice[Delivery]:
    """A page of what was sent, or is to be, to all endpoints of an owner, the newest first. Days are of `timezone`."""
    return await rows.of_owner.page(conn, wanted, owner_kind=owner.kind, owner_id=owner.id, timezone=timezone)


async def get(conn: Conn, owner: Owner, delivery_id: UUID) -> Delivery:
    """Raises Missing."""
    found = await rows.find(conn, id=delivery_id, owner_kind=owner.kind, owner_id=owner.id)
    if found is None:
        raise Missing("delivery")
    return found


async def attempts(conn: Conn, owner: Owner, delivery_id: UUID) -> list[Attempt]:
    """Every try of a delivery, the first one first. Raises Missing."""
    await get(conn, owner, delivery_id)
    return await rows.attempts(conn, delivery_id=delivery_id)


async def replay(tx: Tx, owner: Owner, delivery_id: UUID) -> Delivery:
    """Sends it again, under the same webhook-id and with all tries. Raises Missing, NotReplayable."""
    found = await get(tx.conn, owner, delivery_id)
    if found.type == PING or await rows.replay(tx.conn, id=delivery_id) is None:
        raise NotReplayable
    tx.hint(bus.WEBHOOKS_FILLED, {})
    return await get(tx.conn, owner, delivery_id)


async def replay_range(
    tx: Tx, owner: Owner, *, since: datetime, until: datetime, endpoint_id: UUID | None = None,
    states: Sequence[str] = ("failed",),
) -> int:  # fmt: skip
    """Sends again what was made from `since` on and before `until`, in its order, at most MOST_REPLAYED.

    Returns how many. Raises Invalid.
    """
    if until <= since:
        raise Invalid({"until": "must be later than since"})
    count = await rows.replay_range(
        tx.conn, owner_kind=owner.kind, owner_id=owner.id, since=since, until=until, endpoint_id=endpoint_id,
        states=[state for state in states if state in SETTLED], limit=MOST_REPLAYED,
    )  # fmt: skip
    if count:
        tx.hint(bus.WEBHOOKS_FILLED, {})
    return count


async def hurry(tx: Tx, endpoint_id: UUID) -> None:
    """What waits for its next try at this endpoint goes at once: there is reason to think that it is well again."""
    await rows.hurry(tx.conn, endpoint_id=endpoint_id, young_s=YOUNG_S)
    tx.hint(bus.WEBHOOKS_FILLED, {})
