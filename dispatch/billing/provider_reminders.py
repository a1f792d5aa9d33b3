"""Reminders of subscriptions that people send by hand: each member hears of their own plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from dispatch.billing import provider_subscriptions, subscription_notices
from dispatch.errors import Invalid, Missing
from dispatch.parties import provider_notifications
from dispatch.services import Services, Tx
from storage import provider_subscriptions as rows
from storage.providers import Provider


@dataclass(frozen=True, slots=True)
class Sent:
    id: UUID
    subscriptions: int
    sent: int
    failed: int


async def send(
    services: Services, provider: Provider, ids: Sequence[UUID], *, title: str | None, message: str | None
) -> Sent:
    """Each in the words that are given, else which plan ends when; all or none. Raises Invalid for a foreign one."""
    wanted = list(dict.fromkeys(ids))
    async with services.transaction() as tx:
        told = [await _remind(tx, provider, one, title, message) for one in wanted]
    return Sent(uuid4(), len(wanted), sum(told), len(wanted) - sum(told))


async def _remind(tx: Tx, provider: Provider, which: UUID, title: str | None, message: str | None) -> int:
    try:
        one = await provider_subscriptions.get(tx.conn, provider.id, which)
    except Missing:
        raise Invalid({"subscriptionIds": "names a subscription that there is not"}) from None
    own_title, own_message = subscription_notices.words(provider, one)
    made = await provider_notifications.send(
        tx, provider.id, [one.customer_id], type="reminder", title=title or own_title, message=message or own_message,
        metadata={"subscriptionId": str(which)},
    )  # fmt: skip
    await rows.reminded(tx.conn, id=which)
    return made.sent
