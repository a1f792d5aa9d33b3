"""The demonstration's provider: once, with an owner who signs in and three plans."""

from __future__ import annotations

from dispatch.access import signing
from dispatch.billing import provider_plans
from dispatch.seeding.providers import OWNER_EMAIL, seed_provider
from tests.parties import PASSWORD
from tests.world import World


async def test_it_is_made_once(world: World) -> None:
    for _ in range(2):
        await seed_provider(world.services, PASSWORD)
    done = await signing.sign_in(world.services, OWNER_EMAIL, PASSWORD)
    assert (done.tie.realm, done.tie.role) == ("provider", "Owner") and done.tie.party_id is not None
    async with world.services.read() as conn:
        assert len(await provider_plans.of_provider(conn, done.tie.party_id)) == 3
    assert await world.value("SELECT count(*) FROM providers") == 1
