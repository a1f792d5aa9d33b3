"""The catalogue over HTTP: public, filtered, cacheable."""

from __future__ import annotations

from uuid import uuid4

from dispatch.engine import catalogue
from dispatch.engine.catalogue import ServiceIn
from tests.api.customer.conftest import House


async def test_the_catalogue_is_public_and_complete(house: House) -> None:
    data = await house.visitor.get("/services/catalog")
    assert set(data) == {"categories", "all_services", "last_updated"}
    assert {"Facial", "Waxing", "Hair", "Nail"} <= set(data["categories"])
    assert sum(map(len, data["categories"].values())) == len(data["all_services"])
    facial = next(s for s in data["all_services"] if s["name"] == "Facial - Minimal")
    assert facial["product_cost"] == 800.0
    assert facial["market_price"] == 1000.0
    assert facial["duration_minutes"] == 60
    assert data["last_updated"].endswith("Z")
    assert await house.visitor.get("/services") == data


async def test_filters_narrow_it(house: House) -> None:
    data = await house.visitor.get("/services/catalog?category=Nail&tier=Exclusive")
    assert list(data["categories"]) == ["Nail"]
    assert {s["tier"] for s in data["all_services"]} == {"Exclusive"}
    assert (await house.visitor.get("/services/catalog?category=Nothing"))["all_services"] == []


async def test_a_known_catalogue_is_not_sent_again(house: House) -> None:
    status, _, headers = await house.visitor.call("GET", "/services/catalog")
    etag = headers["ETag"]
    assert etag.startswith('"')
    assert "max-age" in headers["Cache-Control"]
    status, body, headers = await house.visitor.call("GET", "/services/catalog", headers={"If-None-Match": etag})
    assert (status, body, headers["ETag"]) == (304, None, etag)
    _, _, other = await house.visitor.call("GET", "/services/catalog?tier=Minimal")
    assert other["ETag"] != etag
    async with house.city.services.transaction() as tx:
        await catalogue.upsert_service(tx, ServiceIn("New", "Hair", "New", "Minimal", {"INR": (100, None)}))
    status, body, headers = await house.visitor.call("GET", "/services/catalog", headers={"If-None-Match": etag})
    assert status == 200
    assert headers["ETag"] != etag
    assert any(s["name"] == "New" for s in body["data"]["all_services"])


async def test_what_means_nothing_is_named_twice_and_when_known(house: House) -> None:
    """Also of an answer that lies finished: a filter with a slip in its name would look like one that was applied."""
    for known in ({}, {}, {"If-None-Match": "*"}):
        status, _, headers = await house.visitor.call("GET", "/services/catalog?categry=Facial&page=1", headers=known)
        assert status == (304 if known else 200)
        assert set(headers["X-Ignored-Fields"].split(", ")) == {"categry", "page"}
    assert "X-Ignored-Fields" not in (await house.visitor.call("GET", "/services/catalog?category=Facial"))[2]


async def test_prices_are_those_of_the_place(house: House) -> None:
    data = await house.visitor.get("/services/catalog?pincode=700032")
    assert {s["currency"] for s in data["all_services"]} == {"INR"}
    assert (await house.visitor.get("/services/catalog?lat=22.5&lng=88.36"))["all_services"]
    status, body, _ = await house.visitor.call("GET", "/services/catalog?lat=22.5")
    assert status == 422
    assert "lng" in str(body)


async def test_one_service(house: House) -> None:
    listed = (await house.visitor.get("/services/catalog"))["all_services"][0]
    assert await house.visitor.get(f"/services/{listed['id']}") == listed
    for bad in (str(uuid4()), "not-an-id"):
        status, body, _ = await house.visitor.call("GET", f"/services/{bad}")
        assert status == 404
        assert body["success"] is False
