"""What an endpoint is sent: the event as its owner may know it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson

from dispatch.engine import facts
from storage.webhook_deliveries import Claimed


def message_id(claimed: Claimed) -> str:
    """The webhook-id: the same for every try and every replay, so that a receiver knows what it has had."""
    return f"msg_{claimed.id.hex}"


def body_of(claimed: Claimed) -> str:
    """`{id, type, timestamp, data}` as JSON, the same text at every try.

    Keys are written as the owner's REST answers write them: camelCase, and snake_case for the operator's own systems.
    Amounts are minor units and say so in their names.
    """
    data = claimed.data
    if data is None:
        told = facts.view(claimed.type, claimed.owner_kind, claimed.fact or {}, actor_kind=claimed.actor_kind)
        data = {
            "booking_id": str(claimed.booking_id), "booking_number": claimed.booking_number, "seq": claimed.seq, **told
        }  # fmt: skip
    if claimed.owner_kind != "platform":
        data = _camel(data)
    at = _written(claimed.event_at)
    return orjson.dumps({"id": message_id(claimed), "type": claimed.type, "timestamp": at, "data": data}).decode()


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel_key(key): _camel(inner) for key, inner in value.items()}
    return [_camel(inner) for inner in value] if isinstance(value, list) else value


def _camel_key(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
