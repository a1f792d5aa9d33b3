"""Preferred providers: set, shown, refused; and what dispatch makes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.engine import candidates
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.parties import preferred_providers
from dispatch.parties.preferred_providers import Preference
from storage import preferred_providers as rows
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation
from tests.providers import add_provider
from tests.world import World


def what(organisation_id: UUID) -> dict[str, Any]:
    return {
        "organisation_id": organisation_id, "service_id": uuid4(), "category": "Cleaning", "currency": "INR",
    }  # fmt: skip


async def test_the_list_is_replaced_and_shown(portal: Portal) -> None:
    office = await add_provider(portal.services)
    body = {
        "providers": [{
            "providerId": str(office.id), "services": ["Cleaning"], "priority": 1, "discount": 15,
            "exclusivity": False,
        }],
        "autoAssign": True, "allowOthers": False,
    }  # fmt: skip
    made = await portal.call("POST", "/preferred-providers", body, expect=201)
    assert made["data"]["allowOthers"] is False
    [first] = (await portal.call("GET", "/preferred-providers"))["data"]["providers"]
    assert (first["providerId"], first["services"], first["discount"]) == (str(office.id), ["cleaning"], 15)
    # What is asked for costs nobody anything; what staff agree to is the price, and stays when the list is sent again.
    async with portal.services.read() as conn:
        asked = await rows.negotiated(conn, **what(portal.home.id))
    assert asked is not None and asked.discount_pct == 0
    async with portal.services.transaction() as tx:
        await preferred_providers.agree(tx, portal.home.id, office.id, Decimal(10), Actor("admin", "a test"))
        with pytest.raises(Missing):
            await preferred_providers.agree(tx, portal.home.id, uuid4(), Decimal(10), Actor("admin", "a test"))
    await portal.call("POST", "/preferred-providers", body, expect=201)
    async with portal.services.read() as conn:
        agreed = await rows.negotiated(conn, **what(portal.home.id))
    assert agreed is not None and agreed.discount_pct == 10
    unknown = {"providers": [{"providerId": str(uuid4())}]}
    refused = await portal.call("POST", "/preferred-providers", unknown, expect=404)
    assert refused["message"] == "There is no such provider."
    twice = {"providers": [body["providers"][0]] * 2}
    await portal.call("POST", "/preferred-providers", twice, expect=422)
    bad = {"providers": [{"providerId": "x", "priority": 0, "discount": 101}]}
    found = await portal.call("POST", "/preferred-providers", bad, expect=422)
    assert set(found["error"]["details"]) == {
        "providers.0.providerId", "providers.0.priority", "providers.0.discount",
    }  # fmt: skip
    assert len((await portal.call("GET", "/preferred-providers"))["data"]["providers"]) == 1
    viewer = portal.home.headers(await portal.home.member("viewer"))
    await portal.call("POST", "/preferred-providers", body, headers=viewer, expect=403)


async def test_dispatch_asks_the_preferred_first_and_others_only_if_allowed(world: World) -> None:
    home, office = await add_organisation(world.services), await add_provider(world.services)
    near, far = await world.technician(km_north=1), await world.technician(km_north=8, provider_id=office.id)
    booking = await world.book(organisation_id=home.id, payment_method="account", dispatch=False)

    async def judged(
        *, services: tuple[str, ...] = (), exclusive: bool = False, others: bool, first: bool = True
    ) -> Any:
        async with world.services.transaction() as tx:
            wanted = [Preference(office.id, services, exclusivity=exclusive)]
            await preferred_providers.replace_all(tx, home.by, wanted, prefers_first=first, allows_others=others)
        async with world.services.read() as conn:
            found, _ = await candidates.judge(conn, world.services, booking, world.now)
        return [(j.candidate.id, j.reason) for j in found]

    assert await judged(others=True) == [(far, None), (near, None)]
    assert await judged(others=True, first=False) == [(near, None), (far, None)]
    assert await judged(others=False) == [(far, None), (near, "org_rule")]
    assert await judged(others=True, exclusive=True) == [(far, None), (near, "org_rule")]
    # For other services than these nobody is preferred.
    assert await judged(services=("plumbing",), others=False) == [(near, None), (far, None)]
