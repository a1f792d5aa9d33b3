"""Registering an organisation, its four steps, its profile; who is told what, and what a stranger's id finds."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation
from tests.parties import PASSWORD

REGISTRATION: dict[str, Any] = {
    "organizationType": "business",
    "organizationInfo": {"name": "ABC Corporation", "registrationNumber": "SEC-2020-1"},
    "contactInfo": {"primaryContact": {"firstName": "John", "lastName": "Doe", "email": "john@abc.example"}},
    "address": {"country": "Philippines"},
    "program": {"expectedUsers": 500, "budget": {"monthly": 100000, "currency": "PHP"}},
}


def registration(**changes: Any) -> dict[str, Any]:
    """Another organisation each time."""
    word = uuid4().hex[:8]
    made = json.loads(json.dumps(REGISTRATION))
    made["organizationInfo"] |= {"name": f"Org {word}", "registrationNumber": f"SEC-{word}"}
    made["contactInfo"]["primaryContact"]["email"] = f"john@{word}.example"
    return made | changes


async def link_of(portal: Portal, email: str) -> str:
    async with portal.services.read() as conn:
        link = await conn.fetchval(
            "SELECT data->>'link' FROM outbox WHERE recipient = $1 AND template = 'password_link'", email
        )
    return str(link).rpartition("/")[2]


async def test_an_organisation_registers_and_comes_through_its_steps(portal: Portal) -> None:
    body = registration()
    email = body["contactInfo"]["primaryContact"]["email"]
    made = await portal.call("POST", "/register", body, headers={}, expect=201)
    partner = made["data"]["partner"]
    assert (partner["status"], partner["tier"]) == ("pending_verification", "enterprise")
    assert [s["status"] for s in partner["onboardingSteps"]] == ["pending"] * 4
    token = {"Authorization": f"Bearer {made['token']}"}
    # The token of the registration opens the steps, and nothing else.
    await portal.call("GET", "/users", headers=token, expect=403)
    await portal.call("PUT", "/organization/profile", {"address": {"city": "X"}}, headers=token, expect=403)
    async with portal.client.post("/api/auth/switch", json={"membershipId": str(uuid4())}, headers=token) as reply:
        assert reply.status == 401
    contract = {"step": "contract_signing", "data": {"accepted": True}}
    refused = await portal.call("PUT", "/onboarding/step", contract, headers=token, expect=409)
    assert refused["error"]["code"] == "STEP_OUT_OF_ORDER"
    documents = [{"type": "tax_certificate", "url": "https://example.com/bir.pdf"}]
    first = await portal.call(
        "PUT", "/onboarding/step", {"step": "document_verification", "data": {"documents": documents}}, headers=token
    )
    assert (first["data"]["currentStep"], first["data"]["progress"]) == ("contract_signing", 25)
    [paper] = first["data"]["nextStep"]["documents"]
    assert paper["name"] == "Partnership Agreement"
    read = await portal.call("GET", paper["url"].removeprefix("/api/partners"), headers=token)
    assert read.startswith(b"%PDF-")
    await portal.call("PUT", "/onboarding/step", contract, headers=token)
    await portal.call("PUT", "/onboarding/step", contract, headers=token, expect=409)
    payment = {
        "paymentMethod": {"primary": "bank_transfer"}, "billingDate": 5,
        "bankDetails": {"accountName": "ABC", "accountNumber": "1234567890", "bankName": "BDO", "bankCode": "BDO"},
    }  # fmt: skip
    third = await portal.call("PUT", "/onboarding/step", {"step": "payment_setup", "data": payment}, headers=token)
    assert third["data"]["progress"] == 75
    last = {"step": "user_enrollment", "data": {}}
    nobody = await portal.call("PUT", "/onboarding/step", last, headers=token, expect=422)
    assert "Enroll somebody" in nobody["message"]
    # The owner chooses a password, signs in, enrols somebody, and is through.
    chosen = {"token": await link_of(portal, email), "password": PASSWORD}
    async with portal.client.post("/api/auth/set-password", json=chosen) as reply:
        assert reply.status == 200, await reply.text()
    await portal.call("GET", "/onboarding", headers=token, expect=401)
    signed = await portal.call("POST", "/auth/login", {"email": email, "password": PASSWORD}, headers={})
    owner = {"Authorization": f"Bearer {signed['token']}", "X-Organization-ID": partner["organizationId"]}
    await portal.call("POST", "/users", {"firstName": "Ann", "email": "ann@x.example"}, headers=owner, expect=201)
    done = await portal.call("PUT", "/onboarding/step", last, headers=owner)
    assert done["data"] == {"currentStep": "completed", "progress": 100, "nextStep": None}
    settings = (await portal.call("GET", "/billing/settings", headers=owner))["data"]["settings"]
    assert settings["billingDate"] == 5 and settings["bankDetails"]["accountNumber"] == "XXXXXX7890"
    async with portal.services.read() as conn:
        kept = await conn.fetchval("SELECT string_agg(data::text, ' ') FROM onboarding_steps")
    assert "1234567890" not in kept


@pytest.mark.parametrize(("org_type", "users", "tier"), [
    ("business", 50, "starter"), ("business", 51, "professional"), ("business", 200, "professional"),
    ("business", 201, "enterprise"), ("lgu", 5, "government_education"), ("school", 5, "government_education"),
    ("ngo", 10, "starter"),
])  # fmt: skip
async def test_type_and_expected_users_set_the_tier(portal: Portal, org_type: str, users: int, tier: str) -> None:
    body = registration(organizationType=org_type, program={"expectedUsers": users})
    made = await portal.call("POST", "/register", body, headers={}, expect=201)
    assert made["data"]["partner"]["tier"] == tier


async def test_what_cannot_be_registered_is_named(portal: Portal) -> None:
    body = registration(organizationType="club")
    body["contactInfo"]["primaryContact"]["email"] = "nobody"
    body["organizationInfo"]["website"] = "ftp:/x"
    refused = await portal.call("POST", "/register", body, headers={}, expect=422)
    assert set(refused["error"]["details"]) == {
        "organizationType", "contactInfo.primaryContact.email", "organizationInfo.website"
    }  # fmt: skip
    body = registration()
    await portal.call("POST", "/register", body, headers={}, expect=201)
    again = await portal.call("POST", "/register", body, headers={}, expect=409)
    assert again["message"] == "Somebody signs in with this e-mail address already: sign in instead."
    other = registration()
    other["organizationInfo"]["registrationNumber"] = body["organizationInfo"]["registrationNumber"].lower()
    taken = await portal.call("POST", "/register", other, headers={}, expect=409)
    assert "registration number" in taken["message"]


async def test_the_profile_has_the_documented_keys_and_merges_deeply(portal: Portal) -> None:
    shown = (await portal.call("GET", "/profile"))["data"]["partner"]
    assert shown["organizationId"] == str(portal.home.id) and shown["status"] == "active"
    assert set(shown["stats"]) == {
        "totalUsers", "activeUsers", "totalBookings", "thisMonthBookings", "totalSpent", "averageRating"
    }  # fmt: skip
    change = {"organizationInfo": {"description": "We fix"}, "contactInfo": {"primaryContact": {"position": "CEO"}}}
    changed = (await portal.call("PUT", "/organization/profile", change))["data"]["partner"]
    assert changed["organizationInfo"]["description"] == "We fix"
    assert changed["organizationInfo"]["name"] == shown["organizationInfo"]["name"]
    assert changed["contactInfo"]["primaryContact"]["position"] == "CEO"
    change["contactInfo"]["primaryContact"] = {"lastName": "Boss"}
    changed = (await portal.call("PUT", "/organization/profile", change))["data"]["partner"]
    assert changed["contactInfo"]["primaryContact"] == {
        "firstName": None, "lastName": "Boss", "position": "CEO", "email": None, "phoneNumber": None
    }  # fmt: skip
    said = "SELECT changes FROM audit_log WHERE action = 'organisation.profile' AND resource_id = $1 ORDER BY id"
    async with portal.services.read() as conn:
        kept = await conn.fetchval(f"{said} LIMIT 1", str(portal.home.id))
    assert kept["description"] == {"old": None, "new": "We fix"} and set(kept) == {"description", "contacts"}
    moon = {"organizationInfo": {"timezone": "Moon/Base"}}
    bad = await portal.call("PUT", "/organization/profile", moon, expect=422)
    assert set(bad["error"]["details"]) == {"organizationInfo.timezone"}


async def test_another_organisation_s_id_is_not_found(portal: Portal) -> None:
    other = await add_organisation(portal.services)
    own = portal.home.headers()
    await portal.call("GET", "/profile", headers={**own, "X-Organization-ID": str(portal.home.id).upper()})
    for foreign in (str(other.id), "nonsense", str(uuid4())):
        refused = await portal.call("GET", "/profile", headers={**own, "X-Organization-ID": foreign}, expect=404)
        assert refused["message"] == "There is no such organization."
