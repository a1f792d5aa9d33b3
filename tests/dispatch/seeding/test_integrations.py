"""The demonstration's app of others: once, active, with an owner who signs in and credentials that are told once."""

from __future__ import annotations

from dispatch.access import signing
from dispatch.seeding.integrations import OWNER_EMAIL, seed_integration
from tests.parties import PASSWORD
from tests.world import World


async def test_it_is_made_once(world: World) -> None:
    issued = await seed_integration(world.services, PASSWORD)
    assert issued is not None and issued.secret and issued.integration.client_id
    assert await seed_integration(world.services, PASSWORD) is None
    done = await signing.sign_in(world.services, OWNER_EMAIL, PASSWORD)
    assert done.tie.realm == "integration"
    assert await world.value("SELECT array_agg(status) FROM integrations") == ["active"]
