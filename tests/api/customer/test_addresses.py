"""Addresses over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.customer.conftest import House, Visitor
from tests.api.customer.test_checkout import order, prepare

OFFICE = {
    "name": "Office", "address_line1": "123 Main St", "address_line2": "Apartment 4B", "city": "Kolkata",
    "state": "West Bengal", "pincode": "700032", "lat": 22.5, "lng": 88.36, "place_id": "ChIJ...",
}  # fmt: skip


async def test_the_life_of_an_address(customer: Visitor) -> None:
    status, body, _ = await customer.call("POST", "/users/addresses", OFFICE)
    assert status == 201
    made = body["data"]
    assert {k: made[k] for k in OFFICE} == OFFICE
    assert made["is_default"] is False
    status, body, _ = await customer.call(
        "PUT", f"/users/addresses/{made['id']}", {"name": "Work", "address_line2": None}
    )
    assert status == 200
    assert (body["data"]["name"], body["data"]["address_line2"]) == ("Work", "Apartment 4B")
    assert [a["name"] for a in await customer.get("/users/addresses")] == ["Home", "Work"]
    assert await customer.get("/addresses") == await customer.get("/users/addresses")
    status, body, _ = await customer.call("DELETE", f"/users/addresses/{made['id']}")
    assert (status, body["message"]) == (200, "Address deleted successfully")
    assert len(await customer.get("/users/addresses")) == 1
    status, _, _ = await customer.call("DELETE", f"/users/addresses/{made['id']}")
    assert status == 404


async def test_an_address_is_added_by_its_second_name(customer: Visitor) -> None:
    status, body, _ = await customer.call("POST", "/addresses", OFFICE)
    assert status == 201 and body["data"] in await customer.get("/users/addresses")


async def test_the_default_can_be_moved(house: House, customer: Visitor) -> None:
    home = (await customer.get("/users/addresses"))[0]["id"]
    _, body, _ = await customer.call("POST", "/users/addresses", OFFICE)
    office = body["data"]["id"]
    for _ in range(2):
        status, body, _ = await customer.call("PATCH", f"/users/addresses/{office}/set-default")
        assert status == 200
        assert body["data"]["is_default"] is True
    defaults = {a["id"]: a["is_default"] for a in await customer.get("/users/addresses")}
    assert defaults == {home: False, office: True}
    other = await house.customer(1)
    status, _, _ = await other.call("PATCH", f"/users/addresses/{office}/set-default")
    assert status == 404


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": ""}),
        ("name", {"name": "x" * 101}),
        ("address_line1", {"address_line1": None}),
        ("city", {"city": 7}),
        ("pincode", {"pincode": "12345678901"}),
        ("lat", {"lat": 91}),
        ("lng", {"lng": -181}),
        ("lng", {"lng": None}),
        ("lng", {"lat": None}),
    ],
)
async def test_bad_fields_are_named(customer: Visitor, field: str, changes: dict[str, Any]) -> None:
    status, body, _ = await customer.call("POST", "/users/addresses", {**OFFICE, **changes})
    assert status == 422
    assert body["error"]["code"] == "VALIDATION_ERROR"
    assert list(body["error"]["details"]) == [field]
    assert len(await customer.get("/users/addresses")) == 1


async def test_all_bad_fields_are_named_at_once(customer: Visitor) -> None:
    _, body, _ = await customer.call("POST", "/users/addresses", {"lat": "north", "pincode": ""})
    assert set(body["error"]["details"]) == {"name", "address_line1", "city", "state", "pincode", "lat"}


async def test_not_a_number_is_refused(customer: Visitor) -> None:
    raw = b'{"name": "X", "address_line1": "x", "city": "x", "state": "x", "pincode": "1", "lat": NaN}'
    status, _, _ = await customer.call(
        "POST", "/users/addresses", raw=raw, headers={"Content-Type": "application/json"}
    )
    assert status == 400


async def test_others_addresses_do_not_exist(house: House, customer: Visitor) -> None:
    other = await house.customer(1)
    theirs = (await other.get("/users/addresses"))[0]["id"]
    for method, body in (("PUT", {"name": "Mine"}), ("DELETE", None)):
        status, _, _ = await customer.call(method, f"/users/addresses/{theirs}", body)
        assert status == 404
    assert [a["name"] for a in await other.get("/users/addresses")] == ["Home"]


async def test_strangers_have_no_addresses(house: House) -> None:
    status, _, _ = await house.visitor.call("GET", "/users/addresses")
    assert status == 401


@pytest.mark.parametrize(
    ("changes", "is_kept"),
    [
        ({"address_line1": "12 Lake Rode, Flat 3"}, True),
        ({"address_line1": "12, lake road  flat 3"}, True),
        ({"address_line2": "ring twice"}, True),
        ({"name": "Mother's"}, True),
        ({"city": "kolkata"}, True),
        ({"address_line1": "21 Lake Road, Flat 3"}, False),
        ({"address_line1": "12 Lake Road, Flat 4"}, False),
        ({"address_line1": "12 Park Street, Flat 3"}, False),
        ({"pincode": "700030"}, False),
        ({"city": "Howrah"}, False),
    ],
)
async def test_a_slip_of_the_pen_keeps_the_pin_and_another_place_drops_it_in_words(
    customer: Visitor, changes: dict[str, Any], is_kept: bool
) -> None:
    place = {"address_line1": "12 Lake Road, Flat 3", "city": "Kolkata", "pincode": "700029", "lat": 22.5, "lng": 88.36}
    _, made, _ = await customer.call("POST", "/users/addresses", {**OFFICE, **place})
    status, changed, _ = await customer.call("PUT", f"/users/addresses/{made['data']['id']}", changes)
    assert status == 200 and changed["data"]["lat"] == (22.5 if is_kept else None)
    assert changed["data"]["is_approximate"] is not is_kept
    assert ("map" in (changed.get("message") or "")) is not is_kept


async def test_what_an_address_says_of_its_place_is_what_checkout_says(customer: Visitor) -> None:
    """Without a pin, with one, after a slip of the pen in it was mended, after it moved, and with a pin again."""
    bare = {**OFFICE, "lat": None, "lng": None, "place_id": None}
    _, made, _ = await customer.call("POST", "/users/addresses", bare)
    address, said = made["data"], []
    steps: list[dict[str, Any]] = [
        {}, {"lat": 22.5, "lng": 88.36}, {"address_line1": "123 Main Stt"}, {"address_line1": "9 Park Avenue"},
        {"lat": 22.5, "lng": 88.36},
    ]  # fmt: skip
    for step in steps:
        if step:
            _, changed, _ = await customer.call("PUT", f"/users/addresses/{address['id']}", step)
            address = changed["data"]
        preview = await prepare(customer, address_id=address["id"])
        assert preview["address"]["is_approximate"] is address["is_approximate"], step
        listed = {a["id"]: a["is_approximate"] for a in await customer.get("/users/addresses")}
        assert listed[address["id"]] is address["is_approximate"], step
        if address["lat"] is not None:
            assert (preview["address"]["lat"], preview["address"]["lng"]) == (address["lat"], address["lng"])
        said.append(address["is_approximate"])
    assert said == [True, False, False, True, False]
    _, body, _ = await customer.call("POST", "/checkout/confirm", order(preview))
    _, detail, _ = await customer.call("GET", f"/bookings/{body['data']['booking']['id']}")
    assert detail["data"]["address"]["is_approximate"] is False
