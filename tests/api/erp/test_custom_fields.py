"""Custom fields over HTTP: values by their type, what is required, in a new order, of partners and of products."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.erp.conftest import Clerk, Office

VALUES: dict[str, tuple[list[Any], list[Any]]] = {
    "text": (["x", 5], ["y" * 501, {"a": 1}]), "textarea": (["y" * 4000], ["y" * 5001]),
    "number": ([1, "2.5", -3], ["many", "1e9"]), "email": (["a@acme.com"], ["nobody"]),
    "date": (["2026-01-31"], ["31/01/2026"]),
    "datetime": (["2026-01-31T10:00:00Z"], ["now", "0001-01-01T00:00:00+10:00", "9999-12-31T23:00:00-05:00"]),
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


async def test_products_have_values_of_their_own_fields(office: Office, clerk: Clerk) -> None:
    async with office.services.pool.transaction() as conn:
        service_id = await conn.fetchval(
            "INSERT INTO services (name, category, service_type, tier) VALUES ('x', 'Spa', 'x', 'Minimal') RETURNING id"
        )
    given = {"entity_type": "product", "field_name": "shelf", "field_label": "Shelf", "field_type": "number"}
    field = (await clerk.call("POST", "/custom-fields", given, expect=201))["data"]["id"]
    path = f"/products/{service_id}/custom-fields"
    await clerk.call("PUT", path, {"custom_fields": {str(field): "7"}})
    assert [(v["field_name"], v["value"]) for v in (await clerk.get(path))["data"]] == [("shelf", 7)]
    await clerk.call("PUT", path, {"custom_fields": {str(field): "many"}}, expect=422)
    await clerk.call("PUT", path, {"custom_fields": {"1": "of a partner"}}, expect=422)
    for method, body in (("GET", None), ("PUT", {"custom_fields": {}})):
        await clerk.call(method, f"/products/{uuid4()}/custom-fields", body, expect=404)
