"""Nobody reaches another provider's things: every route with an id, with a real object of somebody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from api.registry import all_routes
from api.route import Route
from dispatch.billing import platform_plans
from dispatch.clock import Reading
from dispatch.process.runtime import set_clock
from tests.api.owners import empty_lists, steady, told
from tests.api.provider.conftest import Office, Teammate
from tests.dispatch.billing.till import STAFF
from tests.providers import add_customer, enlist, fund

ROUTES = [r for r in all_routes() if r.audience.name == "provider" and not r.is_public]
WITH_ID = [r for r in ROUTES if "{" in r.path]
READ = [r for r in ROUTES if r.method == "GET"]
BANK = {"bankName": "First Bank", "accountNumber": "0123452939", "accountName": "A Clinic"}
#: One row for each route with an id: a body that is right, so that only the id can be what is wrong.
BODIES: dict[str, Any] = {
    "GET /api/providers/customers/{customer_id}": None,
    "PATCH /api/providers/customers/{customer_id}": {"name": "X"},
    "GET /api/providers/payment-links/{link_id}": None,
    "PATCH /api/providers/payment-links/{link_id}": {"status": "inactive"},
    "GET /api/providers/payouts/{payout_id}/invoice": None,
    "DELETE /api/providers/settings/payment-methods/{method_id}": None,
    "POST /api/providers/settings/bills/{number}/pay": None,
    "GET /api/providers/settings/bills/{number}/invoice": None,
    "GET /api/providers/subscriptions/{subscription_id}": None,
    "PUT /api/providers/subscriptions/{subscription_id}": {"notes": "X"},
    "DELETE /api/providers/subscriptions/{subscription_id}": None,
    "POST /api/providers/subscriptions/{subscription_id}/cancel": {},
    "PUT /api/providers/subscriptions/plans/{plan_id}": {"amount": 1},
    "DELETE /api/providers/subscriptions/plans/{plan_id}": None,
    "DELETE /api/providers/team/members/{member_id}": None,
    "PUT /api/providers/team/members/{member_id}/role": {"role": "Staff"},
    "POST /api/providers/team/members/{member_id}/resend-invitation": None,
    "GET /api/providers/transactions/{transaction_id}": None,
    "GET /api/providers/transactions/manual/{manual_id}": None,
    "PATCH /api/providers/transactions/manual/{manual_id}": {"note": "X"},
    "POST /api/providers/transactions/manual/{manual_id}/reconcile": None,
    "GET /api/providers/transactions/payment-requests/{request_id}": None,
    "PATCH /api/providers/transactions/payment-requests/{request_id}": {"description": "X"},
    "POST /api/providers/transactions/payment-requests/{request_id}/cancel": None,
    "POST /api/providers/transactions/payment-requests/{request_id}/received": None,
    "GET /api/providers/webhooks/{webhook_id}": None,
    "GET /api/providers/webhooks/deliveries/{delivery_id}": None,
    "PATCH /api/providers/webhooks/{webhook_id}": {"description": "X"},
    "DELETE /api/providers/webhooks/{webhook_id}": None,
    "POST /api/providers/webhooks/{webhook_id}/rotate-secret": None,
    "POST /api/providers/webhooks/{webhook_id}/test": None,
    "POST /api/providers/webhooks/deliveries/{delivery_id}/replay": None,
}


#: What a route cannot be read without.
QUERIES = {
    "GET /api/providers/dashboard/income-chart": "?period=daily",
    "GET /api/providers/dashboard/export": "?format=csv",
}


@dataclass
class Neighbours:
    """Two providers that did the same things, the second after the first had read all that it may read."""

    people: list[Teammate]
    ids: list[dict[str, str]]
    before: dict[str, bytes]

    @property
    def stranger(self) -> Teammate:
        return self.people[1]

    async def read(self, n: int, route: Route) -> Any:
        """What the owner with this number is answered; the bytes of a file."""
        path = re.sub(r"\{(\w+)\}", lambda m: self.ids[n][m[1]], route.path).removeprefix("/api/providers")
        if route.path.endswith(("/export", "/invoice")):
            return (await self.people[n].file(path + QUERIES.get(route.template, "")))[0]
        query = "?limit=100" if route.listing else QUERIES.get(route.template, "")
        return await self.people[n].call("GET", path + query)


async def furnish(office: Office, owner: Teammate) -> dict[str, str]:
    """One of everything; the ids by their names in paths."""
    await fund(office.world.services, owner.owned, 1_000_000)
    technician_id = await office.world.technician(km_north=0.5)
    await enlist(office.world.services, technician_id, owner.owned)
    await office.till.finish(await office.till.paid(), technician_id)
    await office.world.execute("UPDATE technicians SET is_available = false WHERE id = $1", technician_id)
    await office.world.services.roster.refresh([technician_id])
    customer = await add_customer(office.world.services, owner.owned)

    async def made(path: str, body: Any, *keys: str) -> str:
        found = (await owner.call("POST", path, body, expect=201))["data"]
        for key in keys:
            found = found[key]
        return str(found)

    await owner.call("PUT", "/payouts/settings", {"bankDetails": BANK})
    await owner.call("PUT", "/settings/general", {"services": ["Massage"]})
    asked = {"customerId": str(customer.id), "amount": 5000, "paymentMethod": "cash"}
    card = {
        "cardNumber": "4242424242424242", "expiryMonth": 12, "expiryYear": 2030, "cvv": "737", "cardholderName": "B",
    }  # fmt: skip
    colleague = {"name": "M", "email": f"{owner.owned.id.hex}@tenancy.example", "role": "Staff"}
    gold = {"name": "Gold", "amount": 0, "duration": 30, "features": ["Two visits"]}
    ids = {
        "customer_id": str(customer.id),
        "link_id": await made("/payment-links", {"title": "A visit"}, "id"),
        "payout_id": await made("/payouts/request", {"amount": 200_000, "currency": "INR"}, "payoutId"),
        "method_id": await made("/settings/payment-methods", card, "paymentMethod", "id"),
        "plan_id": await made("/subscriptions/plans", gold, "id"),
        "subscription_id": await made("/subscriptions", {"customerId": str(customer.id), "planName": "Gold"}, "_id"),
        "member_id": await made(
            "/team/members/invite",
            colleague,
            "member",
            "id",
        ),
        "webhook_id": await made(
            "/webhooks", {"url": "https://hooks.example.com/x", "events": ["transaction.created"]}, "id"
        ),
        "manual_id": await made("/transactions/manual", {"amount": 5000}, "_id"),
        "request_id": await made("/transactions/payment-request", asked, "_id"),
    }
    await owner.call("PUT", "/settings/plan", {"plan": "Tenancy"})
    billing = (await owner.call("GET", "/settings"))["data"]["paymentBilling"]
    ids["number"] = billing["billingHistory"][0]["invoice"]
    lines = (await owner.call("GET", "/transactions"))["data"]["transactions"]
    sent = (await owner.call("GET", "/webhooks/deliveries"))["data"]["deliveries"]
    await owner.call("POST", "/notifications/send", {"recipients": "all", "title": "Hello", "message": "All"})
    return {**ids, "transaction_id": lines[0]["_id"], "delivery_id": sent[0]["id"]}


@pytest.fixture(scope="module")
async def neighbours(office: Office) -> Neighbours:
    services, morning = office.world.services, office.world.now
    async with services.transaction() as tx:
        await platform_plans.create(
            tx, STAFF, name="Tenancy", currency="INR", monthly_minor=1000, yearly_minor=10_000, features=[]
        )
    made = Neighbours([await office.owner() for _ in range(2)], [], {})
    for n, owner in enumerate(made.people):
        # Each has a morning, and all is read on one evening.
        await set_clock(services, Reading(0.0, (morning + timedelta(hours=4 * n)).timestamp(), 0.0))
        made.ids.append(await furnish(office, owner))
        await set_clock(services, Reading(0.0, (morning + timedelta(hours=12)).timestamp(), 0.0))
        if n == 0:
            made.before.update({r.template: steady(await made.read(0, r)) for r in READ})
    return made


def test_every_route_with_an_id_has_a_row() -> None:
    assert BODIES.keys() == {r.template for r in WITH_ID}


@pytest.mark.parametrize("route", WITH_ID, ids=lambda r: r.template)
async def test_a_stranger_is_told_that_there_is_no_such_thing(neighbours: Neighbours, route: Route) -> None:
    path = re.sub(r"\{(\w+)\}", lambda m: neighbours.ids[0][m[1]], route.path).removeprefix("/api/providers")
    answer = await neighbours.stranger.call(route.method, path, BODIES[route.template], expect=404)
    assert answer["error"]["code"] == "NOT_FOUND"


#: What is everybody's: banks, kinds of events, the platform's plans.
SHARED = {"GET /api/providers/payouts/banks", "GET /api/providers/webhooks/events", "GET /api/providers/settings/plans"}
#: Lists inside of things, which have nothing in them here.
NOTHING = {
    "GET /api/providers/subscriptions/{subscription_id}": {"paymentHistory"},
    "GET /api/providers/transactions/{transaction_id}": {"relatedTransactions"},
    "GET /api/providers/webhooks/deliveries/{delivery_id}": {"tries"},
}


@pytest.mark.parametrize("route", READ, ids=lambda r: r.template)
async def test_what_one_reads_is_ones_own(neighbours: Neighbours, route: Route) -> None:
    """Both have something in every list, nothing that the one is told is the other's, and no sum counts it."""
    answers = [await neighbours.read(n, route) for n in (0, 1)]
    assert steady(answers[0]) == neighbours.before[route.template]
    for answer in answers:
        assert empty_lists(answer) == NOTHING.get(route.template, set())
    both = told(answers[0]) & told(answers[1])
    assert route.template in SHARED or both == set()
