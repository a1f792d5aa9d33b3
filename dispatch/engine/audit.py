"""What people of the house did to somebody else's things, kept beside the deed itself."""

from __future__ import annotations

from typing import Any

from dispatch.events import Actor
from dispatch.services import Tx
from storage import audit as rows


async def record(
    tx: Tx, actor: Actor, action: str, resource_type: str, resource_id: object, changes: dict[str, Any] | None = None
) -> None:
    """`changes` maps a field to {old, new}."""
    await rows.insert(
        tx.conn, realm=actor.kind, actor_id=actor.id, action=action, resource_type=resource_type,
        resource_id=str(resource_id), changes=changes,
    )  # fmt: skip
