"""What a provider says of itself: merged, so that what is not sent stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from dispatch.errors import Missing
from dispatch.services import Tx
from storage import provider_sums
from storage import providers as rows
from storage.providers import Provider


async def set_general(
    tx: Tx, provider_id: UUID, *, name: str | None, facility_type: str | None, description: str | None,
    services: Sequence[str] | None, address: Mapping[str, Any], money_units: str | None,
) -> Provider:  # fmt: skip
    """`address` has any of address, city, country, postal_code; `money_units` counts from the next request on."""
    await rows.set_general(
        tx.conn, id=provider_id, facility_type=facility_type, description=description,
        services=list(services) if services is not None else None, money_units=money_units,
    )  # fmt: skip
    await rows.set_head(tx.conn, id=provider_id, name=name, address=dict(address))
    return await _get(tx, provider_id)


async def set_time_language(
    tx: Tx, provider_id: UUID, *, timezone: str | None, language: str | None, date_format: str | None,
    time_format: str | None,
) -> Provider:  # fmt: skip
    """Another clock makes other days: the sums per day are made anew, while nobody writes a line."""
    _found(await rows.lock_lines(tx.conn, id=provider_id))
    if timezone is not None and await rows.set_clock(tx.conn, id=provider_id, timezone=timezone):
        await provider_sums.clear(tx.conn, provider_id=provider_id)
        await provider_sums.fill(tx.conn, provider_id=provider_id)
    await rows.set_formats(tx.conn, id=provider_id, language=language, date_format=date_format, time_format=time_format)
    return await _get(tx, provider_id)


async def set_billing(tx: Tx, provider_id: UUID, *, email: str | None, period: str | None) -> Provider:
    await rows.set_billing(tx.conn, id=provider_id, billing_email=email, billing_period=period)
    return await _get(tx, provider_id)


async def lock(tx: Tx, provider_id: UUID) -> Provider:
    """The row, against changes; it comes before any other. Raises Missing."""
    return _found(await rows.lock(tx.conn, id=provider_id))


async def _get(tx: Tx, provider_id: UUID) -> Provider:
    """The row as this transaction has left it; it waits for nobody who names it."""
    return _found(await rows.get(tx.conn, id=provider_id))


def _found(found: Provider | None) -> Provider:
    if found is None:
        raise Missing("provider")
    return found
