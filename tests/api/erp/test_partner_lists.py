"""How trade partners are found over HTTP: two grammars, all at once, while typing, around a place, as figures."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from storage.database.pool import create_pool
from tests.api.erp.conftest import Clerk, Office
from tests.conftest import clone
from tests.identity import make_services

PLACES = {"near": (33.5731, -7.5898), "close": (33.5800, -7.6000), "far": (34.0209, -6.8416)}


@pytest.fixture(scope="module")
async def clerk(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Clerk]:
    """An office with exactly five partners."""
    folder: Path = tmp_path_factory.mktemp("lists")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    services = make_services(pool, folder, limits={"erp_per_minute": 100_000}, erp={"all_rows": 5})
    async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
        made = await Office(services, client).clerk()
        for name, (lat, lng) in PLACES.items():
            await made.partner(
                name=f"Atlas {name}", geo_lat=lat, geo_lng=lng, city="Casablanca" if name != "far" else "Rabat",
                region="Atlantic", partner_type="SUPPLIER" if name == "far" else "CUSTOMER",
                credit_limit=len(name) * 100,
            )  # fmt: skip
        await made.partner(name="Zellige", channel="WEB", is_b2b=True, phone="+212522000111", email="info@zellige.ma")
        await made.partner(name="Blocked one", status="BLOCKED", block_reason="late", price_list_id=1)
        yield made
    await services.bus.close()
    await pool.close()


def names(answer: dict[str, object]) -> list[str]:
    rows = answer["partners"]["data"] if "partners" in answer else answer["data"]  # type: ignore[index]
    return [row["name"] for row in rows]  # type: ignore[union-attr]


async def test_the_short_list_is_laravels(clerk: Clerk) -> None:
    found = await clerk.get("/partners?per_page=2&page=2&status=&partner_type=")
    assert found.keys() == {"partners", "filters", "priceLists"}
    page = found["partners"]
    assert page.keys() >= {"current_page", "data", "per_page", "total", "last_page", "from", "to"}
    assert (page["current_page"], page["per_page"], page["total"], page["last_page"]) == (2, 2, 5, 3)
    assert (page["from"], page["to"]) == (3, 4)
    assert found["filters"] == {"q": "", "status": "", "partner_type": "", "channel": "", "price_list_id": 0}
    assert found["priceLists"] == [{"id": 1, "code": "PL1", "name": "Retail"}]
    row = page["data"][0]
    assert row.keys() >= {
        "id", "code", "name", "customer_id", "price_list_id", "status", "partner_type", "channel", "email", "phone",
        "credit_limit", "credit_used", "credit_available", "price_list", "custom_field_values",
    }  # fmt: skip


async def test_filters_are_echoed_and_obeyed(clerk: Clerk) -> None:
    found = await clerk.get("/partners?q=atlas&status=ACTIVE&partner_type=CUSTOMER&channel=OTHER&price_list_id=0")
    assert found["filters"] == {
        "q": "atlas", "status": "ACTIVE", "partner_type": "CUSTOMER", "channel": "OTHER", "price_list_id": 0,
    }  # fmt: skip
    assert names(found) == ["Atlas near", "Atlas close"]
    assert names(await clerk.get("/partners?price_list_id=1")) == ["Blocked one"]
    await clerk.call("GET", "/partners?status=active", expect=422)


async def test_the_long_list_has_more_filters_and_every_sort(clerk: Clerk) -> None:
    found = await clerk.get("/partners/list/all?search=zellige")
    assert found.keys() == {"success", "data", "pagination"} and names(found) == ["Zellige"]
    assert found["pagination"].keys() >= {"current_page", "per_page", "total", "last_page", "from", "to"}
    for query, expected in (
        ("q=0522000111", []), ("q=522000111", ["Zellige"]), ("q=info", ["Zellige"]),
        ("city=casa", ["Atlas near", "Atlas close"]),
        ("region=ATLAN&sort_by=name&sort_order=desc", ["Atlas near", "Atlas far", "Atlas close"]),
        ("is_b2b=true", ["Zellige"]), ("blocked=true", ["Blocked one"]), ("channel=WEB", ["Zellige"]),
        ("min_credit_limit=400&sort_by=credit_limit", ["Atlas near", "Atlas close"]),
        ("max_credit_limit=350&min_credit_limit=1", ["Atlas far"]),
    ):  # fmt: skip
        assert names(await clerk.get(f"/partners/list/all?{query}")) == expected, query
    for sort in ("id", "code", "name", "status", "credit_available", "created_at", "city"):
        rising = names(await clerk.get(f"/partners/list/all?sort_by={sort}"))
        falling = names(await clerk.get(f"/partners/list/all?sort_by={sort}&sort_order=desc"))
        assert len(rising) == len(falling) == 5
    await clerk.call("GET", "/partners/list/all?sort_by=secret", expect=422)
    await clerk.call("GET", "/partners/list/all?min_credit_limit=-1", expect=422)


async def test_all_at_once_up_to_the_setting(clerk: Clerk) -> None:
    found = await clerk.get("/partners/list/all?all=true&sort_by=name")
    assert found.keys() == {"success", "data", "total"} and found["total"] == 5 == len(found["data"])
    one_more = await clerk.partner(name="One more")
    refused = await clerk.call("GET", "/partners/list/all?all=true", expect=422)
    assert "/partners/export" in refused["message"]
    assert (await clerk.get("/partners/list/all?all=true&q=atlas"))["total"] == 3
    await clerk.call("DELETE", f"/partners/{one_more['id']}")


async def test_typing_finds_beginnings(clerk: Clerk) -> None:
    for typed, expected in (
        ("at", 3), ("atlas", 3), ("ATLAS fa", 1), ("212522", 1), ("000111", 1), ("+212 522-000", 1),
        ("zellige.ma", 1), ("tlas", 0), ("", 0), ("%", 0),
        ("'; drop", 0),
    ):  # fmt: skip
        found = (await clerk.call("GET", "/partners/search", params={"q": typed}))["data"]
        assert len(found) == expected, typed
    row = (await clerk.get("/partners/search?q=zell"))["data"][0]
    assert row.keys() == {"id", "code", "name", "email", "phone", "status"}
    by_code = (await clerk.get(f"/partners/search?q={row['code']}"))["data"]
    assert by_code[0]["id"] == row["id"]


async def test_nearby_in_kilometres_the_nearest_first(clerk: Clerk) -> None:
    lat, lng = PLACES["near"]
    found = (await clerk.get(f"/partners/nearby?lat={lat}&lng={lng}"))["data"]
    assert [n["name"] for n in found] == ["Atlas near", "Atlas close"] and found[0]["distance"] == 0
    assert found[1]["distance"] == pytest.approx(1.215, abs=0.005)
    wide = (await clerk.get(f"/partners/nearby?lat={lat}&lng={lng}&radius=100"))["data"]
    assert [n["name"] for n in wide] == ["Atlas near", "Atlas close", "Atlas far"]
    highest = (await clerk.get(f"/partners/nearby?lat={lat}&lng={lng}&radius=100&limit=1000"))["data"]
    assert highest == wide, "a limit that is too high is the highest"
    await clerk.call("GET", f"/partners/nearby?lat={lat}&lng={lng}&limit=0", expect=422)
    for query in ("lat=3", "lng=1", "lat=91&lng=0", "lat=33&lng=181", "lat=3&lng=7&radius=101", "lat=3&lng=7&radius=0"):
        await clerk.call("GET", f"/partners/nearby?{query}", expect=422)


async def test_nearby_crosses_the_antimeridian(clerk: Clerk) -> None:
    west = await clerk.partner(name=f"Fiji {uuid4().hex[:4]}", geo_lat=-16.5, geo_lng=-179.99)
    found = (await clerk.get("/partners/nearby?lat=-16.5&lng=179.99"))["data"]
    assert [n["id"] for n in found] == [west["id"]]
    await clerk.call("DELETE", f"/partners/{west['id']}")


async def test_figures(clerk: Clerk) -> None:
    found = (await clerk.get("/partners/statistics"))["statistics"]
    assert (found["total"], found["active"], found["blocked"], found["on_hold"], found["closed"]) == (5, 4, 1, 0, 0)
    assert {"partner_type": "SUPPLIER", "count": 1} in found["by_type"]
    assert {"channel": "WEB", "count": 1} in found["by_channel"]
    assert (found["other_types"], found["other_channels"]) == (0, 0)
    assert (found["total_credit_limit"], found["total_credit_used"], found["with_customer"]) == (1200, 0, 0)
