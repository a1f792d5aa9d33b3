"""The demonstration's organisation: once, active, with an owner who signs in."""

from __future__ import annotations

from dispatch.access import signing
from dispatch.seeding.organisations import OWNER_EMAIL, seed_organisation
from tests.parties import PASSWORD
from tests.world import World


async def test_it_is_made_once(world: World) -> None:
    for _ in range(2):
        await seed_organisation(world.services, PASSWORD)
    done = await signing.sign_in(world.services, OWNER_EMAIL, PASSWORD)
    assert done.tie.realm == "organisation"
    assert await world.value("SELECT array_agg(status) FROM organisations") == ["active"]
