"""One message to many people: in their app, pushed to it, and by e-mail where there is an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.outbox import messages
from dispatch.outbox.notifications import push_topic
from dispatch.services import Tx
from storage import notifications as rows


@dataclass(frozen=True, slots=True)
class Person:
    """`has_app`: something can be pushed to them."""

    account_id: UUID
    email: str | None
    has_app: bool


async def send(
    tx: Tx, people: Sequence[Person], *, type: str, title: str, message: str, metadata: Mapping[str, Any]
) -> None:
    """Writes rows for the apps and for whoever carries them, all in one statement."""
    if not people:
        return
    carried: list[tuple[str, str, str, dict[str, Any], UUID]] = []
    for person in people:
        params = {"title": title, "message": message, "type": type, **metadata}
        if person.has_app:
            params["topic"] = push_topic(tx.services.settings, "customer", person.account_id)
            stream = f"push:customer:{person.account_id}"
            carried.append(("push", stream, f"customer:{person.account_id}", params, person.account_id))
        if person.email:
            carried.append(("email", f"email:{person.email}", person.email, params, person.account_id))
    body = messages.TEMPLATES["notification"].format_map({"title": title, "message": message})
    await rows.put_all(
        tx.conn, account_ids=[p.account_id for p in people], technician_ids=[None] * len(people),
        booking_ids=[None] * len(people), types=[type] * len(people), titles=[title] * len(people),
        messages=[message] * len(people), metadata=[dict(metadata)] * len(people), channels=[c[0] for c in carried],
        streams=[c[1] for c in carried], recipients=[c[2] for c in carried], data=[c[3] for c in carried],
        reached=[c[4] for c in carried], bodies=[body] * len(carried),
    )  # fmt: skip
    tx.hint(bus.OUTBOX_FILLED, {})
