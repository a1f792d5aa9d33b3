"""The contract's endpoints of the ERP: each is routed, takes its documented request, answers each documented key."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import orjson
import pytest

from api.registry import all_routes
from tests.api.contract import CONTRACT
from tests.api.erp.conftest import Clerk
from tests.api.test_contract import differences

ENDPOINTS: dict[str, dict[str, Any]] = (
    {e["id"]: e for e in orjson.loads(CONTRACT.read_bytes()) if e.get("system") == "erp"} if CONTRACT.exists() else {}
)
pytestmark = pytest.mark.skipif(not ENDPOINTS, reason="the shared contract is not here")

#: What stands behind the path of those that need a query.
QUERIES = {
    "erp-partners-search": "?q=acme", "erp-partners-nearby": "?lat=33.5&lng=-7.6&radius=10",
    "erp-partner-generate-code": "?document_type=CL",
}  # fmt: skip


#: Lists may have nothing in them yet, and what an example leaves empty may be filled.
ALLOWED = ("has nothing in it", "not a NoneType")


def filled(example: Any) -> Any:
    """An example without the lists that it shows empty: they say nothing of what is in them."""
    if isinstance(example, dict):
        return {key: filled(value) for key, value in example.items() if value != []}
    return [filled(value) for value in example] if isinstance(example, list) else example


async def customer(clerk: Clerk) -> dict[str, Any]:
    return {"name": "John", "email": f"john.{uuid4().hex[:8]}@acme.com", "password": "secret123"}


def test_every_endpoint_is_routed() -> None:
    routed = {(r.method, re.sub(r"\{\w+\}", "{}", r.path)) for r in all_routes() if r.audience.name == "erp"}
    for endpoint in ENDPOINTS.values():
        for method in endpoint["method"].split("|"):
            assert (method, re.sub(r"\{\w+\}", "{}", endpoint["full_path"])) in routed, endpoint["id"]


@pytest.mark.parametrize("endpoint_id", ENDPOINTS)
async def test_the_documented_request_gets_the_documented_answer(clerk: Clerk, endpoint_id: str) -> None:
    endpoint = ENDPOINTS[endpoint_id]
    made = await clerk.call("POST", "/partners", {
        "name": "Acme Corp", "price_list_id": 1, "credit_limit": 10000, "payment_term_id": 1, "geo_lat": 33.5,
        "geo_lng": -7.6, "email": "contact@acme.com", "phone": "+33123456789", "custom_fields": {"1": "FR123456789"},
        "auth": await customer(clerk),
    }, expect=201)  # fmt: skip
    partner_id = made["partner"]["id"]
    path = endpoint["path"].replace("{id}", str(partner_id)).replace("{partnerId}", str(partner_id))
    term = "2" if endpoint["method"] == "DELETE" else "1"
    if term == "2":
        await clerk.call("POST", f"/partners/{partner_id}/payment-terms", {"payment_term_id": 2})
    path = path.replace("{termId}", term) + QUERIES.get(endpoint_id, "")
    body = endpoint["request_example"]
    if body is not None:
        body = {**body, **({"code": f"CL-{uuid4().hex[:6]}"} if "code" in body else {})}
        if "partner_ids" in body:
            body["partner_ids"] = [partner_id]
        if "blocked_until" in body:
            body["blocked_until"] = "2090-03-01"
    for method in endpoint["method"].split("|"):
        answer = await clerk.call(method, path, body, expect=endpoint["success_status"])
    example = endpoint["response_example"]
    if example is None:
        form = ENDPOINTS["erp-partner-create-form"]["response_example"]
        assert answer.keys() == form.keys() | {"partner", "taxId", "customFields"}
    else:
        found = [d for d in differences(filled(example), answer) if not any(text in d for text in ALLOWED)]
        assert found == []


@pytest.mark.parametrize("variant", ["Flat example", "Nested example (with optional user/customer creation)"])
async def test_both_forms_of_a_new_partner(clerk: Clerk, variant: str) -> None:
    given = ENDPOINTS["erp-partner-create"]["request_variants"][variant]
    body = orjson.loads(orjson.dumps(given))
    body.get("partner", body)["code"] = f"CL-{uuid4().hex[:6]}"
    if "auth" in body:
        body["auth"]["email"] = f"john.{uuid4().hex[:6]}@acme.com"
        body["auth"].pop("phone")
    answer = await clerk.call("POST", "/partners", body, expect=201)
    assert list(differences(ENDPOINTS["erp-partner-create"]["response_example"], answer)) == []


async def test_credit_history_as_documented(clerk: Clerk) -> None:
    partner = await clerk.partner(credit_limit=20000)
    found = await clerk.get(f"/partners/{partner['id']}/credit/history")
    assert found["data"].keys() == {"current_limit", "current_used", "current_available", "orders", "deliveries"}
