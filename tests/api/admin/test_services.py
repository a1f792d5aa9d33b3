"""Services by staff: made, changed, shown, taken out; bookings keep what was agreed."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import FormData

from dispatch.engine import catalogue
from tests.api.admin.counter import Counter, own_counter
from tests.files import PDF, PNG

__all__ = ["own_counter"]


@pytest.fixture
def counter(own_counter: Counter) -> Counter:
    return own_counter


FACIAL = {
    "name": "Facial - Minimal", "description": "Complete facial treatment...", "category": "Facial",
    "service_type": "Facial", "tier": "Minimal", "product_cost": 1000.0, "market_price": 1200.0,
    "duration_minutes": 60, "image_url": "https://cdn.example.com/facial.png",
}  # fmt: skip


async def offered(c: Counter, service_id: str) -> Any:
    found = (await catalogue.current(c.world.services)).offered("INR")
    return next((s for s in found if str(s.id) == service_id), None)


async def test_a_service_is_made_changed_and_taken_out(counter: Counter) -> None:
    made = (await counter.ask("POST", "/services", FACIAL, expect=201))["service"]
    path = f"/services/{made['id']}"
    assert (made["product_cost"], made["market_price"], made["currency"]) == (1000.0, 1200.0, "INR")
    assert (await offered(counter, made["id"])).price_minor == 100_000
    prices = [{"currency": "KES", "product_cost": 2500}]
    body = {"product_cost": 1100.0, "market_price": 1300.0, "prices": prices}
    changed = (await counter.ask("PUT", path, body))["service"]
    assert changed["prices"] == [
        {"currency": "INR", "product_cost": 1100.0, "market_price": 1300.0},
        {"currency": "KES", "product_cost": 2500.0, "market_price": 2500.0},
    ]  # fmt: skip
    assert changed["description"] == FACIAL["description"]
    assert (await offered(counter, made["id"])).price_minor == 110_000
    audited = await counter.audited("update_service")
    assert audited["prices"]["old"][0]["price_minor"] == 100_000 and audited.keys() == {"prices"}
    gone = (await counter.ask("PATCH", path, {"prices": [{"currency": "KES", "product_cost": None}]}))["service"]
    assert [p["currency"] for p in gone["prices"]] == ["INR"]
    await counter.ask("PUT", path, {"is_active": False})
    assert await offered(counter, made["id"]) is None
    listed = await counter.ask("GET", "/services?is_active=false&category=Facial")
    assert made["id"] in [s["id"] for s in listed["services"]]
    await counter.ask("PUT", path, {"is_active": True})
    done = await counter.ask("DELETE", path)
    assert done["message"] == "Service deleted successfully"
    for method, body in (("GET", None), ("PUT", {"is_active": True}), ("DELETE", None)):
        await counter.ask(method, path, body, expect=404)


async def test_an_old_booking_keeps_the_service_as_it_was_booked(counter: Counter) -> None:
    world = counter.world
    booking = await world.book(hours=30, dispatch=False)
    service_id = world.service_ids["Facial"]
    await counter.ask("PUT", f"/services/{service_id}", {"name": "Facial - Grand", "product_cost": 1})
    line = (await counter.ask("GET", f"/bookings/{booking.id}"))["services"][0]
    assert (line["name"], line["charged_price"]) == ("Facial - Minimal", 1600.0)


@pytest.mark.parametrize(("changes", "field"), [
    ({"tier": "Golden"}, "tier"), ({"product_cost": -1}, "product_cost"), ({"market_price": 999}, "market_price"),
    ({"duration_minutes": 3}, "duration_minutes"), ({"name": ""}, "name"), ({"image_url": "javascript:x"}, "image_url"),
    ({"product_cost": None}, "product_cost"), ({"image_file_id": str(uuid4())}, "image_file_id"),
    ({"prices": [{"currency": "JPY", "product_cost": 1}]}, "prices.0.currency"), ({"colour": "red"}, "colour"),
])  # fmt: skip
async def test_bad_services_are_refused_by_name(counter: Counter, changes: dict[str, Any], field: str) -> None:
    refused = await counter.ask("POST", "/services", {**FACIAL, "name": "Bad one", **changes}, expect=422)
    assert list(refused["error"]["details"]) == [field]
    assert await counter.world.value("SELECT count(*) FROM services WHERE name = 'Bad one'") == 0


async def test_an_image_is_sent_shown_to_everybody_and_replaced(counter: Counter) -> None:
    made = (await counter.ask("POST", "/services", {**FACIAL, "name": "With a picture"}, expect=201))["service"]
    client, headers = counter.staff.client, {"Authorization": f"Bearer {counter.staff.token}"}

    async def send(content: bytes) -> Any:
        form = FormData(quote_fields=False)
        form.add_field("file", BytesIO(content), filename="a.png", content_type="image/png")
        async with client.post(f"/v1/admin/services/{made['id']}/image", data=form, headers=headers) as reply:
            return reply.status, await reply.json()

    status, first = await send(PNG)
    url = first["data"]["service"]["image_url"]
    assert status == 200 and (await offered(counter, made["id"])).image_url == url
    async with client.get(url) as reply:
        assert await reply.read() == PNG
    await send(PNG + b"another")
    async with client.get(url) as reply:
        assert reply.status == 404
    assert (await send(PDF))[0] == 422


async def test_what_is_sent_back_as_it_was_read_changes_nothing(counter: Counter) -> None:
    bare = {name: value for name, value in FACIAL.items() if name not in ("market_price", "image_url")}
    made = (await counter.ask("POST", "/services", {**bare, "name": "Read and written"}, expect=201))["service"]
    path = f"/services/{made['id']}"
    form = FormData(quote_fields=False)
    form.add_field("file", BytesIO(PNG), filename="a.png", content_type="image/png")
    client, headers = counter.staff.client, {"Authorization": f"Bearer {counter.staff.token}"}
    async with client.post(f"/v1/admin{path}/image", data=form, headers=headers) as reply:
        read = (await reply.json())["data"]["service"]
    assert read["image_file_id"] is not None and read["market_price"] == read["product_cost"]
    audited = await counter.world.value("SELECT count(*) FROM audit_log WHERE resource_id = $1", made["id"])
    for but in ((), ("image_url",), ("image_file_id",), ("prices",)):
        body = {n: v for n, v in read.items() if n not in ("id", "currency", "created_at", "updated_at", *but)}
        after = (await counter.ask("PUT", path, body))["service"]
        assert {**after, "updated_at": None} == {**read, "updated_at": None}, but
        async with client.get(read["image_url"]) as reply:
            assert await reply.read() == PNG
    assert await counter.world.value("SELECT count(*) FROM audit_log WHERE resource_id = $1", made["id"]) == audited
    assert (await counter.ask("PUT", path, {"product_cost": 2000}))["service"]["market_price"] == 2000.0
    body = {"image_url": FACIAL["image_url"], "image_file_id": read["image_file_id"]}
    other = (await counter.ask("PUT", path, body))["service"]
    assert (other["image_url"], other["image_file_id"]) == (FACIAL["image_url"], None)


async def test_a_description_and_an_image_are_taken_away_again(counter: Counter) -> None:
    made = (await counter.ask("POST", "/services", {**FACIAL, "name": "Bare again"}, expect=201))["service"]
    path = f"/services/{made['id']}"
    bare = (await counter.ask("PATCH", path, {"description": None, "image_url": None}))["service"]
    assert (bare["description"], bare["image_url"]) == (None, None)
    assert (await offered(counter, made["id"])).image_url is None
    form = FormData(quote_fields=False)
    form.add_field("file", BytesIO(PNG), filename="a.png", content_type="image/png")
    client, headers = counter.staff.client, {"Authorization": f"Bearer {counter.staff.token}"}
    async with client.post(f"/v1/admin{path}/image", data=form, headers=headers) as reply:
        shown = (await reply.json())["data"]["service"]
    assert shown["image_file_id"] is not None
    bare = (await counter.ask("PATCH", path, {"image_url": None}))["service"]
    assert (bare["image_url"], bare["image_file_id"]) == (None, None)
    async with client.get(shown["image_url"]) as reply:
        assert reply.status == 404
