"""Every endpoint that the contract documents for providers: one recorded request, answered with the documented keys."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from tests.api.provider.conftest import Office, Teammate, call
from tests.conftest import SHARED
from tests.parties import PASSWORD
from tests.providers import add_customer, fund

CONTRACT = SHARED / "contract" / "endpoints.json"
ENDPOINTS: dict[str, dict[str, Any]] = (
    {e["id"]: e for e in orjson.loads(CONTRACT.read_bytes()) if e.get("system") == "provider"}
    if CONTRACT.exists()
    else {}
)
pytestmark = pytest.mark.skipif(not ENDPOINTS, reason="the shared contract is not here")

BANK = {"bankName": "First Bank", "accountNumber": "0123452939", "accountName": "A Clinic"}
CARD = {
    "type": "visa", "cardNumber": "4242424242424242", "expiryMonth": 12, "expiryYear": 2030, "cvv": "737",
    "cardholderName": "Bola Ade", "isDefault": True,
}  # fmt: skip


@dataclass
class Furnished:
    """An owner whose provider has one of everything, and the ids of it."""

    office: Office
    owner: Teammate
    ids: dict[str, str]


@pytest.fixture(scope="module")
async def furnished(office: Office) -> AsyncIterator[Furnished]:
    owner = await office.owner()
    await fund(office.world.services, owner.owned, 5_000_000)
    customer = await add_customer(office.world.services, owner.owned, "John Doe")
    ids = {"customerId": str(customer.id)}
    await owner.call("PUT", "/payouts/settings", {"bankDetails": BANK})
    body = {"amount": 150_000, "currency": "INR"}
    ids["payoutId"] = (await owner.call("POST", "/payouts/request", body, expect=201))["data"]["payoutId"]
    plan = {"name": "Gold", "type": "premium", "amount": 300_000, "duration": 30, "features": ["Two visits"]}
    await owner.call("POST", "/subscriptions/plans", plan, expect=201)
    for name in ("subscriptionId", "id", "doomed"):
        body = {"customerId": ids["customerId"], "planName": "Gold"}
        ids[name] = (await owner.call("POST", "/subscriptions", body, expect=201))["data"]["_id"]
    lines = (await owner.call("GET", "/transactions"))["data"]["transactions"]
    ids["transactionId"] = lines[0]["_id"]
    await owner.call("POST", "/notifications/send", {"recipients": "all", "title": "Hello", "message": "All"})
    await owner.call("POST", "/settings/payment-methods", CARD, expect=201)
    for name in ("memberId", "leaver"):
        body = {"name": name, "email": f"{name.lower()}@contract.example", "role": "Staff"}
        ids[name] = (await owner.call("POST", "/team/members/invite", body, expect=201))["data"]["member"]["id"]
    cards = (await owner.call("GET", "/settings"))["data"]["paymentBilling"]["paymentMethods"]
    ids["methodId"] = cards[0]["id"]
    yield Furnished(office, owner, ids)


def bodies(f: Furnished) -> dict[str, Any]:
    """What is sent where the contract documents a body."""
    return {
        "provider-payout-settings-update": {
            "payoutFrequency": "weekly", "payoutDay": "friday", "storeCurrency": "INR", "bankDetails": BANK,
        },
        "provider-payout-request": {"amount": 200_000, "currency": "INR", "description": "Rent"},
        "provider-payment-request-create": {
            "customerId": f.ids["customerId"], "amount": 150_000, "currency": "INR", "paymentMethod": "wallet",
            "description": "A visit", "dueDate": "2026-02-01", "metadata": {"visit": 1},
        },
        "provider-subscription-create": {
            "customerId": f.ids["customerId"], "planName": "Gold", "startDate": "2026-02-01", "endDate": "2026-03-01",
            "amount": 100_000, "currency": "INR", "autoRenew": True, "notes": "Calls before",
        },
        "provider-subscription-update": {"endDate": "2026-12-31", "notes": "Longer"},
        "provider-notification-send": {
            "recipients": [f.ids["customerId"]], "title": "Hello", "message": "Come again", "link": "https://x.example",
            "type": "promotion", "metadata": {},
        },
        "provider-subscription-reminders": {"subscriptionIds": [f.ids["subscriptionId"]], "reminderType": "expiring"},
        "provider-settings-general": {
            "facilityName": "Asha Clinic", "facilityType": "Clinic", "providerDescription": "We help", "country": "NG",
            "city": "Lagos", "address": "5 Marina", "postalCode": "101001", "services": ["Massage"],
        },
        "provider-settings-account": {"fullName": "Bola Ade", "email": f.owner.owned.email, "phone": "+2348012345678"},
        "provider-settings-password": {"currentPassword": PASSWORD, "newPassword": "another good password"},
        "provider-settings-payment-billing": {
            "paymentMethods": [{"type": "visa", "last4": "4242", "expiry": "12/30", "isDefault": True}],
            "billingEmail": "bills@example.com", "billingPeriod": "yearly",
        },
        "provider-payment-method-add": {**CARD, "isDefault": False},
        "provider-settings-time-language": {
            "timezone": "Africa/Lagos", "language": "en-US", "dateFormat": "DD/MM/YYYY", "timeFormat": "24h",
        },
        "provider-team-invite": {"name": "Cid Cole", "email": "cid@contract.example", "role": "Manager"},
        "provider-team-role": {"role": "Manager"},
        "provider-subscription-cancel-action": {"refund": False},
    }  # fmt: skip


QUERIES = {"provider-income-chart": "?period=monthly", "provider-dashboard-export": "?format=csv"}
FILES = {
    "provider-payout-invoice", "provider-transactions-export", "provider-customers-export", "provider-dashboard-export",
}  # fmt: skip
#: What takes something away works on things of its own.
DOOMED = {"provider-subscription-cancel": ("subscriptionId", "doomed"), "provider-team-remove": ("memberId", "leaver")}


def test_the_contract_has_the_endpoints_that_are_known_here() -> None:
    assert len(ENDPOINTS) == 42


@pytest.mark.parametrize("endpoint_id", ENDPOINTS)
async def test_the_documented_request_gets_the_documented_keys(furnished: Furnished, endpoint_id: str) -> None:
    f, endpoint = furnished, ENDPOINTS[endpoint_id]
    if endpoint_id == "provider-auth-signin":
        member = {"email": "nobody@contract.example", "password": PASSWORD}
        await call(f.office.client, None, "POST", endpoint["full_path"], member, expect=401)
        return
    path = endpoint["full_path"].removeprefix("/api/providers")
    ids = dict(f.ids)
    if endpoint_id in DOOMED:
        name, own = DOOMED[endpoint_id]
        ids[name] = f.ids[own]
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    path += QUERIES.get(endpoint_id, "")
    if endpoint_id in FILES:
        content, headers = await f.owner.file(path)
        assert content and headers["Content-Disposition"].startswith("attachment")
        return
    body = bodies(f).get(endpoint_id)
    answer = await f.owner.call(endpoint["method"], path, body, expect=endpoint["success_status"])
    assert answer["timestamp"].endswith("Z")
    if endpoint["response_example"] is not None:
        assert list(missing(endpoint["response_example"], answer)) == []


def missing(example: Any, answer: Any, path: str = "$") -> Iterator[str]:
    """Where the answer lacks a documented key, or has another kind of value; `key?` may be null, and so may others."""
    if isinstance(example, dict) and "anyOf" in example:
        yield from missing(example["anyOf"][-1], answer, path)
    elif isinstance(example, dict):
        if answer is None:
            return
        if not isinstance(answer, dict):
            yield f"{path} is no object"
            return
        for key, value in example.items():
            name = key.removesuffix("?")
            if name.startswith(("...", "//")):
                continue
            if name not in answer:
                yield f"{path}.{name} is missing"
            else:
                yield from missing(value, answer[name], f"{path}.{name}")
    elif isinstance(example, list):
        if not isinstance(answer, list):
            yield f"{path} is no list"
        for n, value in enumerate(answer if example and isinstance(answer, list) else ()):
            yield from missing(example[0], value, f"{path}[{n}]")
    elif answer is not None:
        yield from unlike(example, answer, path)


def unlike(example: Any, answer: Any, path: str) -> Iterator[str]:
    """A value of another kind than the documented word says."""
    if path.endswith(".userId"):
        # Always the populated object, also where an answer documents the bare id (C130).
        assert isinstance(answer, dict) and "_id" in answer
    elif isinstance(example, str):
        word = example.partition(" ")[0]
        kinds: dict[str, Any] = {"number": int | float, "boolean": bool, "string": str}
        wanted = kinds.get(word)
        if wanted is not None and not isinstance(answer, wanted) and "|" not in example:
            yield f"{path} is {type(answer).__name__}, not {word}"
