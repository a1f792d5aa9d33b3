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


# ---------------------------------------------------------------- custom fields

VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "text": (["x", 5], ["y" * 501, {"a": 1}]), "textarea": (["y" * 4000], ["y" * 5001]),
    "number": ([1, "2.5", -3], ["many", "1e9"]), "email": (["a@acme.com"], ["nobody"]),
    "date": (["2026-01-31"], ["31/01/2026"]), "datetime": (["2026-01-31T10:00:00Z"], ["now"]),
    "select": (["red"], ["green"]), "radio": (["blue"], ["green"]), "checkbox": ([True, "no"], ["perhaps"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
async def test_values_are_checked_by_their_type(clerk: Clerk, kind: str) -> None:
    options = {"options": ["red", "blue"]} if kind in ("select", "radio") else {}
    given = {"field_name": f"f_{kind}", "field_label": f"F {kind}", "field_type": kind, **options}
    field = (await clerk.call("POST", "/custom-fields", given, expect=201))["customField"]
    good, bad = VALUES[kind]
    partner = await clerk.partner()
    path = f"/partners/{partner['id']}"
    for value in good:
        await clerk.call("PATCH", path, {"custom_fields": {str(field["id"]): value}})
        shown = (await clerk.get(path))["customFields"][f"f_{kind}"]
        assert shown["type"] == kind and shown["label"] == f"F {kind}" and shown["formatted_value"]
    for value in bad:
        refused = await clerk.call("PATCH", path, {"custom_fields": {str(field["id"]): value}}, expect=422)
        assert any(name.startswith("custom_fields") for name in refused["errors"])
    await clerk.call("PATCH", path, {"custom_fields": {str(field["id"]): None}})
    assert f"f_{kind}" not in (await clerk.get(path))["customFields"]


async def test_required_inactive_ordered_and_of_another_entity(clerk: Clerk) -> None:
    names = [f"r{uuid4().hex[:6]}" for _ in range(2)]
    given = [{"field_name": n, "field_label": n, "field_type": "boolean"} for n in names]
    made = [await clerk.call("POST", "/custom-fields", g, expect=201) for g in given]
    first, second = (m["data"]["id"] for m in made)
    assert made[0]["data"]["field_type"] == "checkbox"
    await clerk.call("POST", "/custom-fields/reorder", {"ids": [second, first]})
    listed = [f["id"] for f in (await clerk.get("/custom-fields?entity_type=partner"))["data"]]
    assert listed[:2] == [second, first]
    await clerk.call("POST", "/custom-fields/reorder", {"ids": [second, 10**6]}, expect=422)
    await clerk.call("PATCH", f"/custom-fields/{first}", {"is_required": True})
    refused = await clerk.call("POST", "/partners", {"name": "x"}, expect=422)
    assert f"custom_fields.{first}" in refused["errors"]
    toggled = await clerk.call("PATCH", f"/custom-fields/{first}/toggle")
    assert toggled["customField"]["is_active"] is False
    await clerk.partner()
    assert first not in [f["id"] for f in (await clerk.get("/partners/create"))["custom_fields"]]
    of_product = {"entity_type": "product", "field_name": names[0], "field_label": "x", "field_type": "text"}
    other = (await clerk.call("POST", "/custom-fields", of_product, expect=201))["data"]
    await clerk.call("POST", "/partners", {"name": "x", "custom_fields": {str(other["id"]): "y"}}, expect=422)
    await clerk.call("PATCH", f"/custom-fields/{first}", {"field_type": "text"}, expect=422)


# ---------------------------------------------------------------- itineraries and the team


async def test_a_round_of_partners(clerk: Clerk) -> None:
    one, two, three = [await clerk.partner() for _ in range(3)]
    made = await clerk.call("POST", "/itineraries", {"code": "R1", "name": "Round"}, expect=201)
    path = f"/itineraries/{made['data']['id']}"
    stop = {
        "partner_code": one["code"], "visit_frequency_days": 7, "start_time": "09:00", "end_time": "10:00",
        "is_stop_point": True,
    }  # fmt: skip
    first = (await clerk.call("POST", f"{path}/assign-partner", stop, expect=201))["data"]
    assert (first["rank"], first["start_time"], first["partner"]["id"]) == (1, "09:00", one["id"])
    assert (await clerk.call("POST", f"{path}/assign-partner", stop, expect=409))["error"]["code"] == "ALREADY_ASSIGNED"
    await clerk.call("POST", f"{path}/assign-partner", {"partner_code": two["code"]}, expect=201)
    await clerk.call("POST", f"{path}/assign-partner", {"partner_code": three["code"], "rank": 1}, expect=201)

    async def order() -> list[int]:
        return [s["partner"]["id"] for s in (await clerk.get(path))["data"]["itinerary_partners"]]

    assert await order() == [three["id"], one["id"], two["id"]]
    stops = (await clerk.get(path))["data"]["itinerary_partners"]
    await clerk.call("POST", f"{path}/reorder", {"ids": [stops[2]["id"], stops[0]["id"]]})
    assert await order() == [two["id"], three["id"], one["id"]]
    shown = (await clerk.get(f"/partners/{one['id']}"))["partner"]["itinerary_partners"]
    assert [(v["itinerary_code"], v["rank"]) for v in shown] == [("R1", 3)]
    for bad in ({"partner_code": "nobody"}, {"partner_code": one["code"], "start_time": "10:00", "end_time": "09:00"}):
        await clerk.call("POST", f"{path}/assign-partner", bad, expect=422)
    await clerk.call("PATCH", f"{path}/partner/{first['id']}", {"end_time": "08:00"}, expect=422)
    moved = await clerk.call("PATCH", f"{path}/partner/{first['id']}", {"rank": 1, "visit_frequency_days": None})
    assert moved["data"]["visit_frequency_days"] is None and (await order())[0] == one["id"]
    await clerk.call("DELETE", f"{path}/partner/{first['id']}")
    await clerk.call("DELETE", f"{path}/partner/{first['id']}", expect=404)
    await clerk.call("DELETE", f"/partners/{two['id']}")
    assert await order() == [three["id"]]


async def test_the_team(office: Office, clerk: Clerk) -> None:
    given = {"email": f"new.{uuid4().hex[:6]}@acme.com", "name": "Nour", "role": "sales"}
    made = (await clerk.call("POST", "/team", given, expect=201))["data"]
    assert made["pending"] is True and made["role"] == "sales"
    assert (await clerk.call("PATCH", f"/team/{made['id']}", {"role": "viewer"}))["data"]["role"] == "viewer"
    await clerk.call("PATCH", f"/team/{made['id']}", {"role": "king"}, expect=422)
    await clerk.call("DELETE", f"/team/{made['id']}")
    await clerk.call("DELETE", f"/team/{made['id']}", expect=404)
    me = next(c for c in (await clerk.get("/team"))["data"] if c["role"] == "admin")
    for method, body in (("PATCH", {"role": "viewer"}), ("DELETE", None)):
        assert (await clerk.call(method, f"/team/{me['id']}", body, expect=409))["error"]["code"] == "LAST_ADMIN"
    await (await office.clerk("sales")).call("GET", "/team", expect=403)
