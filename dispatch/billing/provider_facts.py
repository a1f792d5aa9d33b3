"""What happens to a provider, told twice: on its own stream, and to its webhooks in the units that it chose."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from dispatch.engine import facts
from dispatch.services import Tx
from dispatch.webhooks import deliveries
from dispatch.webhooks.owners import Owner
from storage import providers as provider_rows

_MINOR = "_minor"


def tell(tx: Tx, provider_id: UUID, fact: str, data: dict[str, Any], *, about: UUID) -> None:
    """Appends a fact to the stream, and hands it to the webhooks that asked for it, as the transaction commits.

    What is `about` one thing arrives in its order.
    """
    facts.tell_party(tx, provider_id, fact, data)
    tx.late(_publish, (provider_id, fact, data, about))


async def _publish(tx: Tx, told: list[tuple[UUID, str, dict[str, Any], UUID]]) -> None:
    for provider_id in dict.fromkeys(who for who, *_ in told):
        provider = await provider_rows.get(tx.conn, id=provider_id)
        for who, fact, data, about in told:
            if who == provider_id and provider is not None:
                shown = in_units(data, provider.money_units)
                await deliveries.publish(tx, Owner("provider", provider_id), fact, shown, stream=str(about))


def in_units(data: dict[str, Any], units: str) -> dict[str, Any]:
    """`amount_minor` as `amount`, in the smallest units or in whole ones."""
    shown: dict[str, Any] = {}
    for key, value in data.items():
        if key.endswith(_MINOR) and isinstance(value, int):
            shown[key.removesuffix(_MINOR)] = value / 100 if units == "major" else value
        else:
            shown[key] = value
    return shown
