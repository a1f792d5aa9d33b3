"""An application that two decide on at once makes one provider, or none."""

from __future__ import annotations

from dispatch.events import Actor
from dispatch.parties import provider_applications
from dispatch.parties.providers import NewProvider
from dispatch.services import Services, Tx
from storage.provider_applications import Application
from tests.turns import one_after_the_other

STAFF = Actor("admin")


async def test_two_who_accept_at_once_make_one_provider(services: Services) -> None:
    async with services.transaction() as tx:
        asked = await provider_applications.apply(tx, NewProvider("Ayur House", "Asha", "asha@example.com"))

    async def approve(tx: Tx) -> Application:
        return await provider_applications.approve(tx, asked.id, STAFF)

    one, two = await one_after_the_other(services, approve, approve)
    assert one.provider_id == two.provider_id and one.provider_id is not None
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM parties WHERE kind = 'provider'") == 1
