"""What is of one partner shows nothing of another: every route that names one, with two who had the same done."""

from __future__ import annotations

import re
from typing import Any

from api.registry import all_routes
from dispatch.engine import catalogue
from dispatch.engine.catalogue import ServiceIn
from tests.api.erp.conftest import Clerk, Office
from tests.api.owners import empty_lists

OF_ONE = [
    r for r in all_routes()
    if r.audience.name == "erp" and r.method == "GET" and re.search("/(partners|itineraries)/{id}", r.path)
]  # fmt: skip


async def furnish(clerk: Clerk, n: int, service_id: str) -> dict[str, int]:
    """A partner with a past, something delivered, and a round that visits it."""
    partner = await clerk.partner(credit_limit=10_000 + n, payment_term_id=1, name=f"Neighbour {n}")
    path = f"/partners/{partner['id']}"
    order = {"partner_id": partner["id"], "items": [{"service_id": service_id, "quantity": n}]}
    made = (await clerk.call("POST", "/orders", order, expect=201))["data"]
    await clerk.call("POST", f"/orders/{made['id']}/deliver")
    await clerk.call("PATCH", f"{path}/status", {"new_status": "ON_HOLD", "status_change_reason": f"Reason {n}"})
    await clerk.call("PATCH", f"{path}/credit", {"credit_limit": 20_000 + n})
    await clerk.call("POST", f"{path}/payment-terms", {"payment_term_id": 2})
    visits = (await clerk.call("POST", "/itineraries", {"code": f"N{n}", "name": f"Round {n}"}, expect=201))["data"]
    stop = {"partner_code": partner["code"]}
    await clerk.call("POST", f"/itineraries/{visits['id']}/assign-partner", stop, expect=201)
    return {"partners": partner["id"], "itineraries": visits["id"]}


async def test_what_is_of_one_partner_shows_nothing_of_another(office: Office, clerk: Clerk) -> None:
    currency = office.services.settings.erp.currency
    async with office.services.transaction() as tx:
        service = ServiceIn("Cleaning", "cleaning", "Cleaning", "Minimal", {currency: (1_000, None)})
        service_id = str(await catalogue.upsert_service(tx, service))

    async def read(ids: dict[str, int]) -> dict[str, Any]:
        paths = {r.path: re.sub(r"/(\w+)/{id}", lambda m: f"/{m[1]}/{ids[m[1]]}", r.path) for r in OF_ONE}
        return {path: await clerk.get(own.removeprefix("/api/backend")) for path, own in paths.items()}

    one = await furnish(clerk, 1, service_id)
    before = await read(one)
    two = await furnish(clerk, 2, service_id)
    assert await read(one) == before
    for path, answer in (await read(two)).items():
        assert empty_lists(answer) <= {"customers"}, path
        assert not re.search(r"Neighbour 1|Reason 1|Round 1|\b20_?001\b", str(answer)), path
