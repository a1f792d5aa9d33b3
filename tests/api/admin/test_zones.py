"""Zones by staff: drawn, imported, changed; live at once, and who and what serves them."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import FormData

from tests.api.admin.counter import Counter, own_counter
from tests.world import SQUARE

__all__ = ["own_counter"]


@pytest.fixture
def counter(own_counter: Counter) -> Counter:
    return own_counter


def square(lat: float, lng: float, side: float = 0.1) -> dict[str, Any]:
    ring = [[lng, lat], [lng + side, lat], [lng + side, lat + side], [lng, lat + side], [lng, lat]]
    return {"type": "Polygon", "coordinates": [ring]}


async def test_a_zone_is_drawn_changed_and_served_at_once(counter: Counter) -> None:
    body = {
        "name": "Salt Lake", "city": "Kolkata", "boundary": square(23.0, 88.4), "pincodes": ["700 091", "700064"],
        "opens": "09:00", "closes": "21:00", "days": [1, 2, 3, 4, 5],
    }  # fmt: skip
    zone = (await counter.ask("POST", "/zones", body, expect=201))["zone"]
    path = f"/zones/{zone['id']}"
    assert (zone["code"], zone["timezone"], zone["currency"]) == ("KOLKATA-SALT-LAKE", "Asia/Kolkata", "INR")
    assert zone["pincodes"] == ["700064", "700091"] and zone["boundary"]["type"] == "Polygon"
    book = counter.world.services.zones
    located = book.locate(23.05, 88.45)
    assert located is not None and str(located.id) == zone["id"]
    await counter.ask("POST", "/zones", body, expect=409)
    changed = (await counter.ask("PUT", path, {"boundary": square(24.0, 88.4), "pincodes": ["700091"]}))["zone"]
    assert book.locate(23.05, 88.45) is None and book.locate(24.05, 88.45) is not None
    assert (changed["pincodes"], changed["opens"], changed["name"]) == (["700091"], "09:00:00", "Salt Lake")
    assert book.by_pincode("700064") is None and book.by_pincode("700091") is not None
    assert (await counter.audited("update_zone"))["pincodes"] == {"old": ["700064", "700091"], "new": ["700091"]}
    assert (changed["city"], (await counter.ask("PATCH", path, {"city": None}))["zone"]["city"]) == ("Kolkata", None)
    off = (await counter.ask("PATCH", path, {"is_active": False}))["zone"]
    assert off["is_active"] is False and book.locate(24.05, 88.45) is None
    assert (await counter.ask("PATCH", path, {"name": "Bidhannagar"}))["zone"]["is_active"] is False
    listed = await counter.ask("GET", "/zones?is_active=false&search=bidhan")
    assert [z["id"] for z in listed["zones"]] == [zone["id"]] and "boundary" not in listed["zones"][0]


async def test_who_and_what_serves_a_zone_is_told(counter: Counter) -> None:
    world = counter.world
    bound = await world.technician()
    living = await world.technician(zone_id=None, km_north=2)
    away = await world.technician(zone_id=None, km_north=300)
    pending = await world.technician(onboarding_status="pending")
    path = f"/zones/{world.zone_id}"
    serving = await counter.ask("GET", f"{path}/technicians")
    found = {t["partner_id"]: t["is_bound"] for t in serving["technicians"]}
    assert found[str(bound)] is True and found[str(living)] is False
    assert str(away) not in found and str(pending) not in found and serving["total"] == len(found)
    names = [s["name"] for s in await counter.ask("GET", f"{path}/services")]
    assert names == ["Facial - Minimal"]
    for rest in ("", "/services", "/technicians"):
        await counter.ask("GET", f"/zones/{uuid4()}{rest}", expect=404)


@pytest.mark.parametrize(("changes", "field"), [
    ({"boundary": {"type": "Point", "coordinates": [88, 22]}}, "boundary"), ({"boundary": {}}, "boundary"),
    ({"timezone": "Mars/Olympus"}, "timezone"), ({"currency": "rupee"}, "currency"), ({"name": ""}, "name"),
    ({"opens": "21:00", "closes": "09:00"}, "closes"), ({"days": [0]}, "days.0"), ({"code": "a b"}, "code"),
])  # fmt: skip
async def test_bad_zones_are_refused_by_name(counter: Counter, changes: dict[str, Any], field: str) -> None:
    refused = await counter.ask("POST", "/zones", {"name": "Bad", "boundary": SQUARE, **changes}, expect=422)
    assert list(refused["error"]["details"]) == [field]
    assert await counter.world.value("SELECT count(*) FROM zones WHERE name = 'Bad'") == 0


async def test_zones_are_imported_from_geojson_and_audited(counter: Counter) -> None:
    async def send(content: bytes, query: str = "") -> tuple[int, Any]:
        form = FormData(quote_fields=False)
        form.add_field("file", BytesIO(content), filename="wards.geojson", content_type="application/geo+json")
        headers = {"Authorization": f"Bearer {counter.staff.token}"}
        async with counter.staff.client.post(f"/v1/admin/zones/import{query}", data=form, headers=headers) as reply:
            return reply.status, await reply.json()

    def feature(name: str, geometry: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": {"name": name}, "geometry": geometry}

    features = [feature("North", square(25.0, 88.0)), feature("South", square(25.5, 88.0))]
    document = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    status, body = await send(document, "?city=Malda")
    assert (status, body["data"]["created"]) == (200, ["MALDA-NORTH", "MALDA-SOUTH"]), body
    assert counter.world.services.zones.locate(25.05, 88.05) is not None
    assert (await counter.audited("import_zones"))["created"] == ["MALDA-NORTH", "MALDA-SOUTH"]
    assert (await send(document, "?city=Malda"))[1]["data"]["updated"] == ["MALDA-NORTH", "MALDA-SOUTH"]
    features.append(feature("Broken", {"type": "Point", "coordinates": [1, 2]}))
    document = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    status, body = await send(document, "?city=Malda")
    assert status == 422 and "file" in body["error"]["details"]
    status, body = await send(document, "?city=Malda&skip_bad=true")
    assert status == 200 and len(body["data"]["skipped"]) == 1
    for wrong in (b"not json at all", b"[]", b"%PDF-1.4"):
        assert (await send(wrong))[0] == 422
