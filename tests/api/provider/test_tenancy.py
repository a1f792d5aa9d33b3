"""Nobody reaches another provider's things: every route with an id, with a real object of somebody else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from api.registry import all_routes
from api.route import Route
from dispatch.billing import platform_plans
from tests.api.provider.conftest import Office, Teammate
from tests.dispatch.billing.till import STAFF
from tests.providers import add_customer, fund

WITH_ID = [r for r in all_routes() if r.audience.name == "provider" and not r.is_public and "{" in r.path]
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


@dataclass
class Neighbours:
    stranger: Teammate
    ids: dict[str, str]


def test_every_route_with_an_id_has_a_row() -> None:
    assert BODIES.keys() == {r.template for r in WITH_ID}


@pytest.fixture(scope="module")
async def neighbours(office: Office) -> Neighbours:
    """One provider has everything; the owner of another one tries to reach it."""
    owner, stranger = await office.owner(), await office.owner()
    await fund(office.world.services, owner.owned, 1_000_000)
    customer = await add_customer(office.world.services, owner.owned)

    async def made(path: str, body: Any, *keys: str) -> str:
        found = (await owner.call("POST", path, body, expect=201))["data"]
        for key in keys:
            found = found[key]
        return str(found)

    await owner.call("PUT", "/payouts/settings", {"bankDetails": BANK})
    asked = {"customerId": str(customer.id), "amount": 5000, "paymentMethod": "cash"}
    card = {
        "cardNumber": "4242424242424242", "expiryMonth": 12, "expiryYear": 2030, "cvv": "737", "cardholderName": "B",
    }  # fmt: skip
    ids = {
        "customer_id": str(customer.id),
        "link_id": await made("/payment-links", {"title": "A visit"}, "id"),
        "payout_id": await made("/payouts/request", {"amount": 200_000, "currency": "INR"}, "payoutId"),
        "method_id": await made("/settings/payment-methods", card, "paymentMethod", "id"),
        "plan_id": await made("/subscriptions/plans", {"name": "Gold", "amount": 0, "duration": 30}, "id"),
        "subscription_id": await made("/subscriptions", {"customerId": str(customer.id), "planName": "Gold"}, "_id"),
        "member_id": await made(
            "/team/members/invite", {"name": "M", "email": "m@tenancy.example", "role": "Staff"}, "member", "id"
        ),
        "webhook_id": await made(
            "/webhooks", {"url": "https://hooks.example.com/x", "events": ["transaction.created"]}, "id"
        ),
        "manual_id": await made("/transactions/manual", {"amount": 5000}, "_id"),
        "request_id": await made("/transactions/payment-request", asked, "_id"),
    }
    async with office.world.services.transaction() as tx:
        await platform_plans.create(
            tx, STAFF, name="Tenancy", currency="INR", monthly_minor=1000, yearly_minor=10_000, features=[]
        )
    await owner.call("PUT", "/settings/plan", {"plan": "Tenancy"})
    billing = (await owner.call("GET", "/settings"))["data"]["paymentBilling"]
    ids["number"] = billing["billingHistory"][0]["invoice"]
    lines = (await owner.call("GET", "/transactions"))["data"]["transactions"]
    sent = (await owner.call("GET", "/webhooks/deliveries"))["data"]["deliveries"]
    return Neighbours(stranger, {**ids, "transaction_id": lines[0]["_id"], "delivery_id": sent[0]["id"]})


@pytest.mark.parametrize("route", WITH_ID, ids=lambda r: r.template)
async def test_a_stranger_is_told_that_there_is_no_such_thing(neighbours: Neighbours, route: Route) -> None:
    path = re.sub(r"\{(\w+)\}", lambda m: neighbours.ids[m[1]], route.path).removeprefix("/api/providers")
    answer = await neighbours.stranger.call(route.method, path, BODIES[route.template], expect=404)
    assert answer["error"]["code"] == "NOT_FOUND"


LISTS = (
    "/customers", "/payment-links", "/payouts/history", "/subscriptions", "/transactions", "/transactions/manual",
    "/transactions/payment-requests", "/notifications/history", "/webhooks", "/webhooks/deliveries",
)  # fmt: skip


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_of_ones_own(neighbours: Neighbours, path: str) -> None:
    assert (await neighbours.stranger.call("GET", path))["data"]["pagination"]["total"] == 0
