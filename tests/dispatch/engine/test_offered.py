"""Services and their categories as staff keep them: what is in use stays, and what is read back changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID

import pytest

from dispatch.engine import catalogue, offered
from dispatch.engine.catalogue import ServiceIn
from dispatch.engine.offered import CategoryIn, CategoryInUse, CategoryTaken, ServiceExists
from dispatch.errors import Invalid, Missing
from dispatch.events import Actor
from dispatch.services import Services, Tx
from storage import services as rows
from storage.database.pool import Pool
from storage.services import ServiceFile
from tests.city import City, city
from tests.turns import one_after_the_other

STAFF = Actor("admin", "staff-1")
SPA = ServiceIn("Spa day", "Spa", "Spa", "Minimal", {"INR": (40_000, None), "EUR": (900, 1_000)})


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=0, customers=0) as made:
        yield made


async def prices(town: City, service_id: UUID) -> dict[str, tuple[int, int | None]]:
    async with town.services.transaction() as tx:
        found = await rows.lock(tx.conn, service_id=service_id)
    assert found is not None
    return {p["currency"]: (p["price_minor"], p["list_price_minor"]) for p in found.prices}


async def test_prices_are_changed_one_by_one_and_one_has_to_stay(town: City) -> None:
    async def change(**wanted: tuple[int, int | None] | None) -> ServiceFile:
        async with town.services.transaction() as tx:
            return await offered.change(tx, made.id, STAFF, {}, wanted)

    async with town.services.transaction() as tx:
        made = await offered.create(tx, SPA, STAFF)
    # Where no list price is kept the price is shown as one: sent back as it was read it is none.
    await change(INR=(40_000, 40_000))
    assert await prices(town, made.id) == {"INR": (40_000, None), "EUR": (900, 1_000)}
    await change(INR=(50_000, None), EUR=None)
    assert await prices(town, made.id) == {"INR": (50_000, None)}
    with pytest.raises(Invalid) as refused:
        await change(INR=None)
    assert list(refused.value.fields) == ["prices"] and await prices(town, made.id) == {"INR": (50_000, None)}


async def test_a_category_that_is_in_use_keeps_its_name_and_an_inactive_one_hides_its_services(town: City) -> None:
    async with town.services.transaction() as tx:
        made = await offered.create(tx, SPA, STAFF)
        spare = await offered.create_category(tx, CategoryIn("Spare"), STAFF)
        with pytest.raises(CategoryTaken):
            await offered.create_category(tx, CategoryIn("Spa"), STAFF)
        with pytest.raises(CategoryTaken):
            await offered.change_category(tx, spare.id, STAFF, {"name": "Spa"})
        spa = await tx.conn.fetchval("SELECT id FROM service_categories WHERE name = 'Spa'")
        for work in (
            offered.change_category(tx, spa, STAFF, {"name": "Sauna"}), offered.delete_category(tx, spa, STAFF),
        ):  # fmt: skip
            with pytest.raises(CategoryInUse):
                await work
    assert (await catalogue.current(town.services)).find(made.id, "INR") is not None
    async with town.services.transaction() as tx:
        await offered.change_category(tx, spa, STAFF, {"is_active": False})
    assert (await catalogue.current(town.services)).find(made.id, "INR") is None
    async with town.services.transaction() as tx:
        await offered.retire(tx, made.id, STAFF)
        await offered.change_category(tx, spa, STAFF, {"name": "Sauna"})
        await offered.delete_category(tx, spa, STAFF)


async def test_two_who_change_one_service_at_once_both_do(services: Services) -> None:
    async with services.transaction() as tx:
        made = await offered.create(tx, SPA, STAFF)
    _, after = await one_after_the_other(
        services, lambda tx: offered.change(tx, made.id, STAFF, {"name": "Spa morning"}, {}),
        lambda tx: offered.change(tx, made.id, STAFF, {}, {"INR": (45_000, None), "EUR": None}),
    )  # fmt: skip
    assert (after.name, [p["price_minor"] for p in after.prices]) == ("Spa morning", [45_000])
    _, gone = await one_after_the_other(
        services, lambda tx: offered.retire(tx, made.id, STAFF), lambda tx: offered.retire(tx, made.id, STAFF)
    )
    assert isinstance(gone, Missing)


async def test_two_who_change_one_category_at_once_both_do(services: Services) -> None:
    async with services.transaction() as tx:
        made = await offered.create_category(tx, CategoryIn("Sauna"), STAFF)
    _, after = await one_after_the_other(
        services, lambda tx: offered.change_category(tx, made.id, STAFF, {"description": "Hot and dry"}),
        lambda tx: offered.change_category(tx, made.id, STAFF, {"position": 3}),
    )  # fmt: skip
    assert (after.description, after.position) == ("Hot and dry", 3)


async def test_two_categories_that_are_given_one_name_at_once_are_not_both(services: Services) -> None:
    async with services.transaction() as tx:
        made = [await offered.create_category(tx, CategoryIn(name), STAFF) for name in ("Pool", "Lake")]
    _, refused = await one_after_the_other(
        services, lambda tx: offered.change_category(tx, made[0].id, STAFF, {"name": "Water"}),
        lambda tx: offered.change_category(tx, made[1].id, STAFF, {"name": "Water"}),
    )  # fmt: skip
    assert isinstance(refused, CategoryTaken)


async def test_a_service_goes_to_the_category_that_there_is_whatever_its_case(town: City) -> None:
    async with town.services.transaction() as tx:
        await offered.create(tx, SPA, STAFF)
        other = await offered.create(tx, replace(SPA, name="Spa night", category="SPA"), STAFF)
        assert other.category == "Spa"
        moved = await offered.change(tx, other.id, STAFF, {"category": "spa"}, {})
        assert moved.category == "Spa"
        # Who wants another spelling makes it first.
        await offered.create_category(tx, CategoryIn("SPA"), STAFF)
        assert (await offered.change(tx, other.id, STAFF, {"category": "SPA"}, {})).category == "SPA"


async def test_of_two_who_bring_the_same_service_one_does(services: Services) -> None:
    async def bring(tx: Tx) -> ServiceFile:
        await offered.require_new(tx, SPA)
        return await offered.create(tx, SPA, STAFF)

    made, refused = await one_after_the_other(services, bring, bring)
    assert isinstance(refused, ServiceExists) and refused.details == {"id": str(made.id)}
