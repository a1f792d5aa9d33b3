"""The catalogue: what has no price is not offered, and every write is seen at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from dispatch.engine import catalogue
from dispatch.engine.catalogue import ServiceIn
from dispatch.errors import Invalid, Missing
from storage.database.pool import Pool
from tests.city import City, city

HAIRCUT = ServiceIn("Haircut", "Hair", "Haircut", "Minimal", {"INR": (40_000, 50_000), "EUR": (1_500, None)})


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=0, customers=0) as made:
        yield made


async def test_what_has_no_price_is_not_offered(town: City) -> None:
    async with town.services.transaction() as tx:
        added = await catalogue.upsert_service(tx, HAIRCUT)
    found = await catalogue.current(town.services)
    assert [s.id for s in found.offered("EUR")] == [added]
    assert found.get(added, "EUR").list_price_minor is None
    with pytest.raises(Missing):
        found.get(added, "USD")


async def test_filters_know_no_case(town: City) -> None:
    found = await catalogue.current(town.services)
    facials = found.offered("INR", category="FACIAL", tier="e-lite")
    assert facials
    assert {(s.category, s.tier) for s in facials} == {("Facial", "E-Lite")}
    assert found.offered("INR", category="Nothing") == []


async def test_a_write_is_seen_at_once(town: City) -> None:
    before = await catalogue.current(town.services)
    assert await catalogue.current(town.services) is before
    service = before.offered("INR")[0]
    changed = ServiceIn(service.name, service.category, service.service_type, service.tier, {"INR": (1, 2)})
    async with town.services.transaction() as tx:
        await catalogue.upsert_service(tx, changed, service.id)
    after = await catalogue.current(town.services)
    assert after.get(service.id, "INR").price_minor == 1
    assert after.digest("INR") != before.digest("INR")


async def test_another_nodes_write_is_heard_of(town: City) -> None:
    before = await catalogue.current(town.services)
    await town.run("UPDATE services SET is_active = false WHERE id = $1", before.offered("INR")[0].id)
    town.services.bus.publish("catalogue.changed", {})
    await asyncio.sleep(0)
    assert len((await catalogue.current(town.services)).offered("INR")) == len(before.offered("INR")) - 1


async def test_what_was_read_before_a_write_is_not_kept_after_it(town: City) -> None:
    """A read that a write overtakes must not fill the cache with what it saw before."""
    service = (await catalogue.current(town.services)).offered("INR")[0]
    changed = ServiceIn(service.name, service.category, service.service_type, service.tier, {"INR": (7, 7)})
    for _ in range(10):

        async def write() -> None:
            async with town.services.transaction() as tx:
                await catalogue.upsert_service(tx, changed, service.id)

        await asyncio.gather(catalogue.current(town.services), write(), catalogue.current(town.services))
        assert (await catalogue.current(town.services)).get(service.id, "INR").price_minor == 7
        await town.run("UPDATE service_prices SET price_minor = 5 WHERE service_id = $1", service.id)
        town.services.bus.publish("catalogue.changed", {})
        await asyncio.sleep(0)


async def test_a_retired_service_is_gone_for_good(town: City) -> None:
    service = (await catalogue.current(town.services)).offered("INR")[0]
    async with town.services.transaction() as tx:
        await catalogue.retire_service(tx, service.id)
    assert (await catalogue.current(town.services)).find(service.id, "INR") is None
    for act in (catalogue.retire_service, lambda tx, i: catalogue.upsert_service(tx, HAIRCUT, i)):
        async with town.services.transaction() as tx:
            with pytest.raises(Missing):
                await act(tx, service.id)
    async with town.services.transaction() as tx:
        with pytest.raises(Missing):
            await catalogue.retire_service(tx, uuid4())


async def test_a_market_price_is_never_below_the_price(town: City) -> None:
    async with town.services.transaction() as tx:
        with pytest.raises(Invalid) as caught:
            await catalogue.upsert_service(tx, ServiceIn("X", "Hair", "X", "Minimal", {"INR": (200, 100)}))
    assert list(caught.value.fields) == ["market_price"]
