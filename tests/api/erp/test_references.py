"""What partners refer to over HTTP: one walk over every kind, and what is particular to each."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.erp.conftest import Clerk, Office

KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "/price-lists": ({"code": "B2B", "name": "Business"}, {"name": "Wholesale"}),
    "/payment-terms": ({"name": "45 days", "days": 45, "is_credit": True}, {"days": 50}),
    "/vat-taxes": ({"code": "V5", "name": "VAT 5%", "percentage": 5}, {"percentage": 5.5}),
    "/geo-areas": ({"code": "A9", "name": "Ninth", "type": "area"}, {"name_ar": "التاسع"}),
    "/salespeople": ({"code": "S1", "name": "Sana Idrissi", "email": "sana@acme.com"}, {"phone": "+212600000001"}),
    "/itineraries": ({"code": "T1", "name": "Tuesday"}, {"name": "Wednesday"}),
    "/custom-fields": (
        {"field_name": "sector", "field_label": "Sector", "field_type": "text"}, {"field_label": "Trade"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", KINDS)
async def test_made_shown_changed_deleted(office: Office, clerk: Clerk, path: str) -> None:
    given, change = KINDS[path]
    made = (await clerk.call("POST", path, given, expect=201))["data"]
    assert {k: made[k] for k in given} == given
    assert (await clerk.call("POST", path, given, expect=409))["error"]["code"].endswith("TAKEN")
    await clerk.call("POST", path, {}, expect=422)
    own = f"{path}/{made['id']}"
    assert (await clerk.get(own))["data"]["id"] == made["id"]
    assert made["id"] in [row["id"] for row in (await clerk.get(path))["data"]]
    for method in ("PUT", "PATCH"):
        saved = (await clerk.call(method, own, change))["data"]
        assert {k: saved[k] for k in change} == change
    assert {k: saved[k] for k in given if k not in change} == {k: given[k] for k in given if k not in change}
    viewer = await office.clerk("viewer")
    await viewer.get(own)
    await viewer.call("PATCH", own, change, expect=403)
    await clerk.call("DELETE", own)
    for method in ("GET", "DELETE"):
        await clerk.call(method, own, expect=404)
    await clerk.call("PATCH", own, change, expect=404)


async def test_what_is_used_stays(clerk: Clerk) -> None:
    person = (await clerk.call("POST", "/salespeople", {"code": "S9", "name": "Omar"}, expect=201))["data"]
    await clerk.partner(
        salesperson_id=person["id"], price_list_id=1, payment_term_id=3, vat_group_code="VAT10", geo_area_code="AREA2"
    )
    vat = next(v for v in (await clerk.get("/vat-taxes"))["data"] if v["code"] == "VAT10")
    area = next(a for a in (await clerk.get("/geo-areas?type=area"))["data"] if a["code"] == "AREA2")
    used = (f"/salespeople/{person['id']}", "/price-lists/1", "/payment-terms/3", f"/vat-taxes/{vat['id']}",
            f"/geo-areas/{area['id']}", f"/geo-areas/{area['parent_id']}")  # fmt: skip
    for path in used:
        assert (await clerk.call("DELETE", path, expect=409))["error"]["code"] == "STILL_USED", path


async def test_areas_are_a_tree(clerk: Clerk) -> None:
    regions, cities = (await clerk.get("/regions"))["data"], (await clerk.get("/villes"))["data"]
    assert len(regions) == 12 and len(cities) == 27
    casablanca = next(c for c in cities if c["ville"] == "Casablanca")
    near = (await clerk.get(f"/villes?region_id={casablanca['region_id']}"))["data"]
    assert casablanca in near and len(near) < len(cities)
    for bad in ({"type": "region", "parent_id": regions[0]["id"]}, {"type": "city", "parent_id": casablanca["id"]},
                {"type": "area", "parent_id": 10**6}, {"type": "street"}):  # fmt: skip
        await clerk.call("POST", "/geo-areas", {"code": uuid4().hex[:6], "name": "x", **bad}, expect=422)
    area = next(a for a in (await clerk.get("/geo-areas"))["data"] if a["code"] == "AREA1")
    assert area["geo_area_type_id"] == 3
    await clerk.call("PATCH", f"/geo-areas/{area['id']}", {"type": "city"}, expect=422)


@pytest.mark.parametrize(("path", "body"), [
    ("/vat-taxes", {"code": "X", "name": "x", "percentage": 101}),
    ("/vat-taxes", {"code": "X", "name": "x", "percentage": 5, "deduction": 6}),
    ("/payment-terms", {"name": "x", "days": -1}), ("/salespeople", {"code": "x", "name": "x", "email": "no"}),
    ("/itineraries", {"code": "x", "name": "x", "salesperson_id": 10**6}),
    ("/custom-fields", {"field_name": "two words", "field_label": "x", "field_type": "text"}),
    ("/custom-fields", {"field_name": "x", "field_label": "x", "field_type": "colour"}),
    ("/custom-fields", {"field_name": "x", "field_label": "x", "field_type": "select"}),
    ("/custom-fields", {"field_name": "x", "field_label": "x", "field_type": "text", "options": ["a"]}),
    ("/custom-fields", {"field_name": "x", "field_label": "x", "field_type": "text", "entity_type": "order"}),
])  # fmt: skip
async def test_bad_input(clerk: Clerk, path: str, body: dict[str, Any]) -> None:
    assert (await clerk.call("POST", path, body, expect=422))["errors"]


async def test_a_number_that_is_too_fine_is_not_called_no_number(clerk: Clerk) -> None:
    refused = await clerk.call("POST", "/vat-taxes", {"code": "X", "name": "x", "percentage": 5.0001}, expect=422)
    assert refused["errors"]["percentage"] == ["Percentage must have at most 3 decimals."]


async def test_prices_that_cannot_be_are_named(office: Office, clerk: Clerk) -> None:
    async with office.services.pool.transaction() as conn:
        known, gone = [
            str(await conn.fetchval(
                "INSERT INTO services (name, category, service_type, tier, deleted_at) "
                "VALUES ($1, 'Spa', 'x', 'Minimal', CASE WHEN $2 THEN app_now() END) RETURNING id", name, is_gone,
            ))
            for name, is_gone in (("There", False), ("Gone", True))
        ]  # fmt: skip
    made = (await clerk.call("POST", "/price-lists", {"code": uuid4().hex[:6], "name": "x"}, expect=201))["data"]
    path, unknown = f"/price-lists/{made['id']}", str(uuid4())

    async def refused(*items: tuple[str, int]) -> str:
        body = {"items": [{"service_id": id, "price": price} for id, price in items]}
        return str((await clerk.call("PUT", f"{path}/items", body, expect=422))["errors"]["items"][0])

    text = await refused((known, 5), (unknown, 6), (gone, 7))
    assert unknown in text and gone in text and known not in text
    text = await refused((known, 5), (unknown, 6), (known, 7))
    assert known in text and unknown not in text
    assert (await clerk.get(path))["data"]["items"] == []
