"""One message to many people: in their app, pushed to it, and by e-mail where there is an address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from dispatch import bus
from dispatch.outbox.notifications import push_topic
from dispatch.services import Tx
from storage import notifications as rows

#: What people write themselves is not translated: it stands where every reader finds it.
LANGUAGE = "en"


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
    carried: list[tuple[int, str, str, str, dict[str, Any]]] = []
    for number, person in enumerate(people, 1):
        params = {"title": title, "message": message, "type": type, **metadata}
        if person.has_app:
            params["topic"] = push_topic(tx.services.settings, "customer", person.account_id)
            stream = f"push:customer:{person.account_id}"
            carried.append((number, "push", stream, f"customer:{person.account_id}", params))
        if person.email:
            carried.append((number, "email", f"email:{person.email}", person.email, params))
    await rows.put_all(
        tx.conn, account_ids=[p.account_id for p in people], technician_ids=[None] * len(people),
        booking_ids=[None] * len(people), types=[type] * len(people), titles=[{LANGUAGE: title}] * len(people),
        messages=[{LANGUAGE: message}] * len(people), metadata=[dict(metadata)] * len(people),
        notice_numbers=[c[0] for c in carried], channels=[c[1] for c in carried], streams=[c[2] for c in carried],
        recipients=[c[3] for c in carried], data=[c[4] for c in carried],
    )  # fmt: skip
    tx.hint(bus.OUTBOX_FILLED, {"channels": sorted({c[1] for c in carried})})
