"""Categories as staff keep them."""

from __future__ import annotations

from tests.api.admin.counter import Counter
from tests.api.admin.test_services import FACIAL, offered


async def test_categories_are_there_ordered_hidden_and_kept_while_used(counter: Counter) -> None:
    made = (await counter.ask("POST", "/services", {**FACIAL, "category": "Massage"}, expect=201))["service"]
    found = (await counter.ask("GET", "/categories?search=massage"))["categories"]
    assert [(c["name"], c["services"]) for c in found] == [("Massage", 1)]
    path = f"/categories/{found[0]['id']}"
    hidden = (await counter.ask("PUT", path, {"is_active": False, "description": "Hands"}))["category"]
    assert hidden["description"] == "Hands" and await offered(counter, made["id"]) is None
    await counter.ask("PUT", path, {"is_active": True, "position": 1})
    assert await offered(counter, made["id"]) is not None
    for method, body in (("PUT", {"name": "Spa"}), ("DELETE", None)):
        refused = await counter.ask(method, path, body, expect=409)
        assert refused["error"]["code"] == "CATEGORY_IN_USE"
    spa = (await counter.ask("POST", "/categories", {"name": "Spa"}, expect=201))["category"]
    await counter.ask("POST", "/categories", {"name": "Spa"}, expect=409)
    await counter.ask("PUT", f"/categories/{spa['id']}", {"name": "Massage"}, expect=409)
    renamed = (await counter.ask("PUT", f"/categories/{spa['id']}", {"name": "Sauna"}))["category"]
    assert renamed["name"] == "Sauna"
    await counter.ask("DELETE", f"/categories/{spa['id']}")
    await counter.ask("GET", f"/categories/{spa['id']}", expect=404)
    await counter.ask("POST", "/categories", {"name": " ", "position": -1}, expect=422)
    support = await counter.role("support")
    assert (await support.call("POST", "/admin/categories", {"name": "x"}))[0] == 403
