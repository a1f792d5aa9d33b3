"""Addresses: exactly one default whoever writes, partial changes, soft deletion, and a position for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dispatch.errors import Invalid, Missing
from dispatch.parties import addresses
from dispatch.parties.addresses import AddressIn, TooManyAddresses
from storage.addresses import Address
from storage.database.pool import Pool
from tests.city import City, city


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=0, customers=0) as made:
        yield made


@pytest.fixture
async def account(town: City) -> UUID:
    return await town.value("INSERT INTO accounts (phone) VALUES ('+911100020001') RETURNING id")


def written(label: str = "Home", **changes: Any) -> AddressIn:
    return AddressIn(
        **{
            "label": label,
            "line1": "123 Main St",
            "city": "Kolkata",
            "state": "West Bengal",
            "postal_code": "700032",
            **changes,
        }
    )


async def create(town: City, account: UUID, *args: Any, **changes: Any) -> Address:
    async with town.services.transaction() as tx:
        return await addresses.create(tx, account, written(*args, **changes))


async def change(town: City, account: UUID, address: Address, **changes: Any) -> Address:
    async with town.services.transaction() as tx:
        return await addresses.change(tx, account, address.id, changes)


async def delete(town: City, account: UUID, address: Address) -> None:
    async with town.services.transaction() as tx:
        await addresses.delete(tx, account, address.id)


async def labels(town: City, account: UUID) -> list[tuple[str, bool]]:
    async with town.services.read() as conn:
        return [(a.label, a.is_default) for a in await addresses.page(conn, account)]


async def test_the_first_address_becomes_the_default(town: City, account: UUID) -> None:
    assert (await create(town, account, "Home")).is_default
    assert not (await create(town, account, "Office")).is_default


async def test_the_default_moves_and_is_never_just_taken_away(town: City, account: UUID) -> None:
    home = await create(town, account, "Home")
    office = await create(town, account, "Office")
    assert (await change(town, account, home, is_default=False)).is_default
    assert (await change(town, account, office, is_default=True)).is_default
    assert sorted(await labels(town, account)) == [("Home", False), ("Office", True)]
    assert (await create(town, account, "Cabin", is_default=True)).is_default
    assert [d for _, d in await labels(town, account)].count(True) == 1


async def test_deleting_the_default_promotes_the_newest(town: City, account: UUID) -> None:
    home = await create(town, account, "Home")
    await town.advance(seconds=1)
    await create(town, account, "Office")
    await town.advance(seconds=1)
    await create(town, account, "Cabin")
    await delete(town, account, home)
    assert await labels(town, account) == [("Cabin", True), ("Office", False)]
    assert await town.value("SELECT deleted_at IS NOT NULL FROM addresses WHERE id = $1", home.id)
    with pytest.raises(Missing):
        await delete(town, account, home)
    with pytest.raises(Missing):
        await change(town, account, home, label="Back")


async def test_there_is_always_one_default_under_concurrency(town: City, account: UUID) -> None:
    made = await asyncio.gather(*(create(town, account, f"A{n}") for n in range(8)))
    assert [d for _, d in await labels(town, account)].count(True) == 1

    async def mix(n: int) -> None:
        if n % 2:
            await change(town, account, made[n], is_default=True)
        else:
            await delete(town, account, made[n])

    await asyncio.gather(*(mix(n) for n in range(8)))
    left = await labels(town, account)
    assert len(left) == 4
    assert [d for _, d in left].count(True) == 1


async def test_another_customers_address_does_not_exist(town: City, account: UUID) -> None:
    other = await town.value("INSERT INTO accounts (phone) VALUES ('+911100020002') RETURNING id")
    home = await create(town, account)
    for act in (change(town, other, home, label="Mine"), delete(town, other, home)):
        with pytest.raises(Missing):
            await act
    async with town.services.read() as conn:
        with pytest.raises(Missing):
            await addresses.get(conn, other, home.id)
        with pytest.raises(Missing):
            await addresses.get(conn, account, uuid4())


async def test_only_what_is_sent_changes(town: City, account: UUID) -> None:
    home = await create(town, account, line2="Apartment 4B", lat=22.5, lng=88.36, place_id="ChIJ")
    renamed = await change(town, account, home, label="Office")
    assert (renamed.label, renamed.line2, renamed.lat, renamed.place_id) == (
        "Office",
        "Apartment 4B",
        22.5,
        "ChIJ",
    )


async def test_another_street_drops_the_old_position(town: City, account: UUID) -> None:
    home = await create(town, account, lat=22.5, lng=88.36, place_id="ChIJ")
    moved = await change(town, account, home, line1="456 Park Ave")
    assert (moved.lat, moved.lng, moved.place_id) == (None, None, None)
    placed = await change(town, account, home, line1="789 Lake Rd", lat=22.51, lng=88.37)
    assert (placed.lat, placed.lng) == (22.51, 88.37)


@pytest.mark.parametrize("pair", [{"lat": 22.5}, {"lng": 88.36}])
async def test_coordinates_come_in_pairs(town: City, account: UUID, pair: dict[str, float]) -> None:
    with pytest.raises(Invalid):
        await create(town, account, **pair)
    home = await create(town, account)
    with pytest.raises(Invalid):
        await change(town, account, home, **pair)


async def test_an_account_has_an_end(town: City, account: UUID) -> None:
    await create(town, account)
    await town.run(
        "INSERT INTO addresses (account_id, label, line1, city, state, postal_code) "
        "SELECT $1, 'x', 'x', 'x', 'x', 'x' FROM generate_series(1, 49)",
        account,
    )
    with pytest.raises(TooManyAddresses):
        await create(town, account)


# ---------------------------------------------------------------- where an address is


async def test_own_coordinates_come_first(town: City, account: UUID) -> None:
    found = await addresses.locate(town.services, await create(town, account, lat=22.5, lng=88.36))
    assert (found.lat, found.lng, found.is_approximate) == (22.5, 88.36, False)
    assert found.zone is not None
    assert found.zone.code == "KOL-SOUTH"


async def test_then_the_centre_of_the_pincode(town: City, account: UUID) -> None:
    found = await addresses.locate(town.services, await create(town, account, postal_code="700 091"))
    assert found.zone is not None
    assert (found.zone.code, found.is_approximate) == ("KOL-SALTLAKE", True)


async def test_then_a_zone_of_the_city(town: City, account: UUID) -> None:
    found = await addresses.locate(town.services, await create(town, account, postal_code="999999", city="KOLKATA"))
    assert found.zone is not None
    assert found.is_approximate


async def test_an_address_that_nobody_can_place_is_named(town: City, account: UUID) -> None:
    nowhere = await create(town, account, postal_code="999999", city="Atlantis")
    outside = await create(town, account, lat=28.6, lng=77.2)
    for address in (nowhere, outside):
        with pytest.raises(Invalid) as caught:
            await addresses.locate(town.services, address)
        assert list(caught.value.fields) == ["address_id"]


@pytest.mark.parametrize(("rank", "is_approximate"), [(30, False), (26, True)])
async def test_the_geocoder_is_asked_once(fresh_pool: Pool, rank: int, is_approximate: bool) -> None:
    """What it said of the place stays with the address, so that both say the same of it."""
    asked: list[dict[str, str]] = []

    async def search(request: web.Request) -> web.Response:
        asked.append(dict(request.query))
        return web.json_response([{"lat": "22.5020", "lon": "88.3610", "place_rank": rank}])

    app = web.Application()
    app.router.add_get("/search", search)
    async with (
        TestServer(app) as server,
        city(fresh_pool, technicians=0, customers=1, geocoder={"url": str(server.make_url("/"))}) as town,
    ):
        account = town.seeded.customer_ids[0]
        home = await create(town, account)
        found = await addresses.locate(town.services, home)
        assert (found.lat, found.lng, found.is_approximate) == (22.502, 88.361, is_approximate)
        assert asked[0]["street"] == "123 Main St"
        assert asked[0]["postalcode"] == "700032"
        async with town.services.read() as conn:
            kept = await addresses.get(conn, account, home.id)
        assert (kept.lat, kept.lng, addresses.is_approximate(kept)) == (22.502, 88.361, is_approximate)
        await addresses.locate(town.services, kept)
        assert len(asked) == 1


@pytest.mark.parametrize(
    "answer", ["[]", "not json", '[{"lat": "nan", "lon": "1"}]', '[{"lat": "95", "lon": "1"}]', "{}"]
)
async def test_a_geocoder_that_knows_nothing_is_no_obstacle(fresh_pool: Pool, answer: str) -> None:
    async def search(_: web.Request) -> web.Response:
        return web.Response(text=answer)

    app = web.Application()
    app.router.add_get("/search", search)
    async with (
        TestServer(app) as server,
        city(fresh_pool, technicians=0, customers=1, geocoder={"url": str(server.make_url("/"))}) as town,
    ):
        found = await addresses.locate(town.services, await create(town, town.seeded.customer_ids[0]))
    assert found.is_approximate
    assert found.zone is not None


async def test_the_clock_of_an_address_is_that_of_its_zone_however_it_is_found(town: City, account: UUID) -> None:
    await town.run("UPDATE zones SET timezone = 'Asia/Manila' WHERE code = 'KOL-SOUTH'")
    await town.services.zones.reload()
    pinned = await create(town, account, lat=22.5, lng=88.36)
    bare = await create(town, account)
    nowhere = await create(town, account, postal_code="999999", city="Nowhere")
    clocks = [addresses.timezone_of(town.services, one) for one in (pinned, bare, nowhere)]
    assert clocks == ["Asia/Manila", "Asia/Manila", town.services.settings.timezone]
