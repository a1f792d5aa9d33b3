"""What a provider took itself: found on its statement once, void once, and never both."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from dispatch.billing import ledger, provider_manual
from dispatch.billing.provider_manual import NotOpen
from dispatch.services import Services
from storage.manual_transactions import ManualTransaction
from tests.providers import Owned, add_provider


async def recorded(services: Services, owned: Owned) -> UUID:
    async with services.transaction() as tx:
        made = await provider_manual.record(
            tx, owned.id, amount_minor=5_000, currency="INR", method="cash", received_on=date(2026, 1, 5),
            customer=None, description=None, note=None,
        )  # fmt: skip
    return made.id


async def now(services: Services, owned: Owned, manual_id: UUID) -> ManualTransaction:
    async with services.read() as conn:
        return await provider_manual.get(conn, owned.id, manual_id)


async def test_what_is_reconciled_stays_so_with_its_moment(services: Services) -> None:
    owned = await add_provider(services)
    manual_id = await recorded(services, owned)
    async with services.transaction() as tx:
        await provider_manual.reconcile(tx, owned.id, manual_id)
    first = await now(services, owned, manual_id)
    async with services.transaction() as tx:
        assert await provider_manual.reconcile(tx, owned.id, manual_id) == first
        for change in (
            provider_manual.void(tx, owned.id, manual_id),
            provider_manual.change(tx, owned.id, manual_id, description=None, note="N", received_on=None),
        ):
            with pytest.raises(NotOpen):
                await change
    assert await now(services, owned, manual_id) == first


async def test_what_is_void_is_never_reconciled_and_reversed_once(services: Services) -> None:
    owned = await add_provider(services)
    manual_id = await recorded(services, owned)
    for _ in range(2):
        async with services.transaction() as tx:
            await provider_manual.void(tx, owned.id, manual_id)
    first = await now(services, owned, manual_id)
    async with services.transaction() as tx:
        with pytest.raises(NotOpen):
            await provider_manual.reconcile(tx, owned.id, manual_id)
    assert await now(services, owned, manual_id) == first and first.status == "voided"
    async with services.read() as conn:
        assert await ledger.balance(conn, ledger.outside_cash(owned.id, "INR")) == 0
