"""What a provider says of itself, while others write down what happens to it."""

from __future__ import annotations

import asyncio

from dispatch.parties import provider_customers, provider_settings
from dispatch.services import Services
from storage.providers import Provider
from tests.providers import Owned, add_provider


async def rename(services: Services, owned: Owned, name: str) -> Provider:
    async with services.transaction() as tx:
        return await provider_settings.set_general(
            tx, owned.id, name=name, facility_type=None, description=None, services=None, address={}, money_units=None
        )


async def test_settings_do_not_wait_for_those_who_name_the_provider(services: Services) -> None:
    """Whoever writes a row of a provider's tells it so in the end: waiting for each other they would have died."""
    owned = await add_provider(services)
    async with services.transaction() as tx:
        await provider_customers.create(
            tx, owned.id, name="Asha", email="asha@example.com", phone=None, location=None, metadata={}
        )
        renamed = await asyncio.wait_for(rename(services, owned, "Anew"), 60)
    assert renamed.name == "Anew"
