"""Promo codes by staff: made once, changed, never beyond what makes sense."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from dispatch.billing import promos
from tests.api.admin.counter import Counter

SAVE = {
    "code": "SAVE10", "description": "10% off on all services", "discount_type": "percentage", "discount_value": 10.0,
    "min_order_amount": 1000.0, "max_discount": 500.0, "usage_limit": 1, "total_usage_limit": 1000,
    "valid_from": "2026-01-01T00:00:00Z", "valid_until": "2026-12-31T23:59:59Z",
}  # fmt: skip


async def test_the_contracts_example_is_made_once_and_changed_for_everybody_at_once(counter: Counter) -> None:
    made = (await counter.ask("POST", "/promo-codes", SAVE, expect=201))["promo_code"]
    assert {n: made[n] for n in ("discount_value", "min_order_amount", "max_discount")} == {
        "discount_value": 10.0, "min_order_amount": 1000.0, "max_discount": 500.0,
    }  # fmt: skip
    taken = await counter.ask("POST", "/promo-codes", {**SAVE, "code": "save10"}, expect=409)
    assert taken["error"]["code"] == "CODE_TAKEN"
    account_id = await counter.world.customer()
    services = counter.world.services
    assert (await promos.validate(services, "SAVE10", account_id, 200_000, "INR")).discount_minor == 20_000
    path = f"/promo-codes/{made['id']}"
    changed = (await counter.ask("PUT", path, {"discount_value": 25, "max_discount": None}))["promo_code"]
    assert (changed["discount_value"], changed["max_discount"], changed["usage_limit"]) == (25, None, 1)
    assert (await promos.validate(services, "SAVE10", account_id, 200_000, "INR")).discount_minor == 50_000
    assert (await counter.audited("update_promo_code"))["max_discount_minor"] == {"old": 50000, "new": None}
    await counter.ask("PUT", path, {"is_active": False, "valid_until": "2026-06-30T23:59:59Z"})
    assert not (await promos.validate(services, "SAVE10", account_id, 200_000, "INR")).is_valid
    listed = await counter.ask("GET", "/promo-codes?is_active=false&search=save")
    assert [p["code"] for p in listed["promo_codes"]] == ["SAVE10"]
    assert (await counter.ask("GET", "/promo-codes?is_current=true&search=save10"))["promo_codes"] == []
    assert (await counter.ask("GET", path))["promo_code"]["is_active"] is False


@pytest.mark.parametrize(("changes", "field"), [
    ({"valid_until": "2025-12-31T00:00:00Z"}, "valid_until"), ({"discount_value": 100.5}, "discount_value"),
    ({"valid_from": SAVE["valid_until"]}, "valid_until"), ({"discount_value": 0}, "discount_value"),
    ({"discount_value": 10.123}, "discount_value"), ({"discount_type": "gift"}, "discount_type"),
    ({"code": ""}, "code"), ({"code": "has space"}, "code"), ({"usage_limit": 0}, "usage_limit"),
    ({"valid_from": "soon"}, "valid_from"), ({"min_order_amount": -1}, "min_order_amount"),
    ({"discount_type": "fixed", "discount_value": 10.001}, "discount_value"), ({"currency": "rupees"}, "currency"),
])  # fmt: skip
async def test_what_makes_no_sense_is_refused_by_name(counter: Counter, changes: dict[str, Any], field: str) -> None:
    refused = await counter.ask("POST", "/promo-codes", {**SAVE, "code": "OTHER", **changes}, expect=422)
    assert list(refused["error"]["details"]) == [field]
    both = {**changes, "valid_from": SAVE["valid_until"], "valid_until": SAVE["valid_from"], "code": "no code"}
    refused = await counter.ask("POST", "/promo-codes", {**SAVE, **both}, expect=422)
    assert refused["error"]["details"].keys() >= {"code", "valid_until"}
    assert await counter.world.value("SELECT count(*) FROM promo_codes WHERE code = 'OTHER'") == 0


async def test_a_change_may_not_turn_the_window_over_or_take_uses_back(counter: Counter) -> None:
    body = {**SAVE, "code": "FLAT", "discount_type": "fixed", "discount_value": 150.5, "max_discount": None}
    made = (await counter.ask("POST", "/promo-codes", {n: v for n, v in body.items() if v}, expect=201))["promo_code"]
    assert made["discount_value"] == 150.5
    await counter.world.execute("UPDATE promo_codes SET used_count = 7 WHERE code = 'FLAT'")
    path = f"/promo-codes/{made['id']}"
    for wrong, field in (
        ({"valid_until": "2025-01-01T00:00:00Z"}, "valid_until"),
        ({"valid_from": "2027-01-01T00:00:00Z"}, "valid_until"),
        ({"total_usage_limit": 6}, "total_usage_limit"), ({"code": "NEW"}, "code"),
        ({"discount_value": -1}, "discount_value"),
    ):  # fmt: skip
        refused = await counter.ask("PUT", path, wrong, expect=422)
        assert list(refused["error"]["details"]) == [field]
    await counter.ask("PUT", f"/promo-codes/{uuid4()}", {"is_active": False}, expect=404)
    await counter.ask("GET", f"/promo-codes/{uuid4()}", expect=404)
