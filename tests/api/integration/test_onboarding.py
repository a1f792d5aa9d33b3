"""From a name to credentials: the five steps, in any order, by the token of the first one only."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from uuid import uuid4

import pytest

from tests.api.integration.conftest import PLENTY
from tests.api.live import Live, Person, live_server
from tests.api.support import announce
from tests.integrations import BUSINESS, DOCUMENTS, URLS, begin, onboard, send
from tests.parties import PASSWORD, staff

START = "/api/partners/onboarding/start"


async def test_five_steps_lead_to_credentials_that_work(live: Live) -> None:
    body = {
        "name": "Café <script>alert(1)</script>Zoë & Sons", "email": "zoe@cafe.example", "phoneNumber": "+911234567890",
        "partnerType": "marketplace",
    }  # fmt: skip
    made = await send(live, "POST", START, body, expect=201)
    partner, token = made["data"]["partner"], made["data"]["onboardingToken"]
    assert partner["name"] == "Café Zoë & Sons" and partner["slug"] == "cafe-zoe-sons"
    assert (partner["status"], partner["partnerType"]) == ("pending", "marketplace")
    assert (partner["onboarding"]["currentStep"], partner["onboarding"]["progress"]) == ("business_info", 20)
    assert [s["step"] for s in partner["onboarding"]["steps"]] == [
        "basic_info", "business_info", "api_setup", "verification", "activation",
    ]  # fmt: skip

    async def step(name: str, sent: object, next_step: str, progress: int) -> dict[str, object]:
        headers = {"X-Onboarding-Token": token}
        answer = await send(live, "PUT", f"/api/partners/{partner['id']}/{name}", sent, headers=headers)
        shown = answer["data"]["onboarding"]
        assert (shown["currentStep"], shown["progress"]) == (next_step, progress)
        return dict(answer["data"])

    await step("business-info", BUSINESS, "api_setup", 40)
    keys = (await step("api-setup", URLS, "verification", 60))["apiCredentials"]
    assert isinstance(keys, dict)
    assert keys["webhookUrl"] == URLS["webhookUrl"] and keys["clientId"].startswith("ci_")
    await step("verification", DOCUMENTS, "activation", 80)
    done = await step("activate", {}, "activation", 100)
    issued = done["apiCredentials"]
    assert isinstance(issued, dict) and done["status"] == "active"
    assert issued["clientId"] == keys["clientId"] and issued["apiKey"] and issued["clientSecret"]
    for pair in (
        {"x-client-id": issued["clientId"], "x-client-secret": issued["clientSecret"]},
        {"X-API-Key": issued["clientId"], "X-API-Secret": issued["clientSecret"]},
        {"X-API-Key": issued["apiKey"], "X-API-Secret": issued["clientSecret"]},
    ):
        await send(live, "GET", f"/api/partners/{partner['id']}/usage", headers=pair)
    # The token ends with the onboarding.
    headers = {"X-Onboarding-Token": token}
    await send(live, "PUT", f"/api/partners/{partner['id']}/business-info", BUSINESS, expect=401, headers=headers)


async def test_secrets_are_stored_as_hashes_and_shown_once(live: Live, admin: Person) -> None:
    app = await onboard(live)
    shown = str(await admin.call("GET", f"/api/partners/{app.id}"))
    kept = await live.value(
        "SELECT (SELECT string_agg(k::text, '') FROM api_clients k)"
        " || (SELECT string_agg(i::text, '') FROM integrations i)"
        " || (SELECT string_agg(a::text, '') FROM audit_log a)"
    )
    for secret in (app.secret, app.api_key):
        assert secret not in shown and secret not in kept


async def test_every_step_is_in_the_audit_with_where_it_came_from(live: Live) -> None:
    app = await onboard(live)
    found = await live.value(
        "SELECT array_agg(action || ' ' || coalesce(ip, '') ORDER BY id) FROM audit_log WHERE resource_id = $1", app.id
    )
    steps = (
        "create_integration", "onboard_business_info", "onboard_api_setup", "onboard_verification",
        "onboard_activation",
    )  # fmt: skip
    assert list(found) == [f"{step} 127.0.0.1" for step in steps]


async def test_the_managing_account_chooses_a_password_and_signs_in(live: Live) -> None:
    app = await onboard(live)
    letter = await live.value("SELECT body FROM outbox WHERE recipient = $1 AND template = 'password_link'", app.email)
    token = re.search(r"/account/([\w-]+)", letter)
    assert token is not None, letter
    await send(live, "POST", "/api/auth/set-password", {"token": token[1], "password": PASSWORD})
    signed = await send(live, "POST", "/api/auth/signin", {"email": app.email, "password": PASSWORD})
    assert signed["data"]["membership"]["audience"] == "integration"
    mine = {"Authorization": f"Bearer {signed['token']}"}
    account_id = signed["data"]["user"]["id"]
    managed = await send(live, "GET", f"/api/partners/manage/{account_id}", headers=mine)
    assert [p["id"] for p in managed["data"]] == [app.id]
    await send(live, "GET", f"/api/partners/manage/{uuid4()}", expect=404, headers=mine)
    seen = (await send(live, "GET", f"/api/partners/{app.id}", headers=mine))["data"]
    assert seen["apiCredentials"]["clientId"] == app.client_id and seen["notes"] == []
    # What staff do is not theirs, nor is anybody else's.
    other = await onboard(live)
    for path in ("", "/usage", "/analytics", "/customers"):
        foreign = await send(live, "GET", f"/api/partners/{other.id}{path}", expect=404, headers=mine)
        assert foreign["error"]["code"] == "PARTNER_NOT_FOUND"
    await send(live, "GET", "/api/partners", expect=403, headers=mine)
    await send(live, "PUT", f"/api/partners/{app.id}", {"name": "Mine"}, expect=403, headers=mine)
    rotated = await send(live, "POST", f"/api/partners/{app.id}/credentials/rotate", headers=mine)
    assert rotated["data"]["clientSecret"] != app.secret


@pytest.mark.parametrize(("body", "fields"), [
    ({}, {"name", "email", "phoneNumber"}),
    ({"name": "A", "email": "no", "phoneNumber": "12ab"}, {"name", "email", "phoneNumber"}),
    ({"name": "<script>x</script>", "email": "a@b.example", "phoneNumber": "+0123"}, {"name", "phoneNumber"}),
    ({"name": "N" * 101, "email": "a@b.example", "phoneNumber": "+1234567890123456"}, {"name", "phoneNumber"}),
    ({"name": "Fine", "email": "a@b.example", "phoneNumber": "+911234567", "partnerType": "x"}, {"partnerType"}),
])  # fmt: skip
async def test_bad_starts_name_every_field(live: Live, body: dict[str, str], fields: set[str]) -> None:
    refused = await send(live, "POST", START, body, expect=400)
    assert refused["code"] == refused["error"]["code"] == "VALIDATION_ERROR"
    assert {e["field"] for e in refused["errors"]} == fields and refused["message"]


async def test_an_address_is_one_partner_s(live: Live, admin: Person) -> None:
    begun = await begin(live)
    body = {"name": "Again", "email": begun.email.upper(), "phoneNumber": "+911234567890"}
    refused = await send(live, "POST", START, body, expect=409)
    assert refused["error"]["code"] == "PARTNER_EXISTS" and begun.id not in str(refused)
    told = await admin.call("POST", START, body, expect=409)
    assert told["error"]["details"] == {"partnerId": begun.id}
    body |= {"email": "other@acme.example", "slug": begun.slug}
    taken = await admin.call("POST", "/api/partners", body, expect=409)
    assert (taken["error"]["code"], taken["error"]["details"]) == ("DUPLICATE_ENTRY", {"field": "slug"})


async def test_slugs_are_numbered_on_a_clash(live: Live) -> None:
    name = "An Extraordinarily Long Name That Nobody Could Ever Remember At All"
    begun = await asyncio.gather(*(begin(live, name=name) for _ in range(4)))
    slugs = sorted(b.slug for b in begun)
    assert len(set(slugs)) == 4 and all(len(s) <= 50 for s in slugs)
    assert {s.rpartition("-")[2] for s in slugs} >= {"1", "2", "3"}


async def test_a_step_wants_its_own_token(live: Live) -> None:
    one, other = await begin(live), await begin(live)
    path = f"/api/partners/{one.id}/business-info"
    for headers in ({}, {"X-Onboarding-Token": "ot_guess"}, {"Authorization": "Bearer ot_guess"}):
        await send(live, "PUT", path, BUSINESS, expect=401, headers=headers)
    foreign = await send(live, "PUT", path, BUSINESS, expect=404, headers={"X-Onboarding-Token": other.token})
    assert foreign["error"]["code"] == "PARTNER_NOT_FOUND"
    # Dummies of a client that has no credentials yet are ignored, and Bearer is a second way.
    dummies = {"X-API-Key": "none", "X-API-Secret": "none", "Authorization": f"Bearer {one.token}"}
    await send(live, "PUT", path, BUSINESS, headers=dummies)
    start = {"name": "New", "email": f"{uuid4().hex}@acme.example", "phoneNumber": "+911234567890"}
    await send(live, "POST", START, start, expect=201, headers={"X-API-Key": "none", "X-API-Secret": "none"})


async def test_who_manages_the_app_gets_another_token_and_nobody_else_does(live: Live, admin: Person) -> None:
    begun, other = await begin(live), await onboard(live)
    path = f"/api/partners/{begun.id}/onboarding/token"
    await send(live, "POST", path, expect=401)
    await send(live, "POST", path, expect=401, headers={"X-Onboarding-Token": begun.token})
    await other.call("POST", path, expect=404)
    mine = await manager(live, begun.id)
    renewed = (await send(live, "POST", path, expect=201, headers=mine))["data"]
    assert renewed["partner"]["onboarding"]["currentStep"] == "business_info"
    refused = await begun.step("business-info", BUSINESS, expect=401)
    assert "managing account" in refused["message"]
    begun.token = renewed["onboardingToken"]
    await begun.step("business-info", BUSINESS)
    # Staff may send for one too, as for a partner that they made themselves.
    begun.token = (await admin.call("POST", path, expect=201))["data"]["onboardingToken"]
    await begun.step("api-setup", URLS)
    await begun.step("verification", DOCUMENTS)
    await begun.step("activate", {})
    over = await send(live, "POST", path, expect=409, headers=mine)
    assert over["code"] == "ONBOARDING_OVER"


async def manager(live: Live, id: str) -> dict[str, str]:
    """The managing account, signed in."""
    membership_id = await live.value("SELECT id FROM memberships WHERE party_id = $1::text::uuid", id)
    async with live.services.transaction() as tx:
        pair = await live.services.sessions.open(tx, "integration", membership_id)
    return {"Authorization": f"Bearer {pair.access_token}"}


@pytest.mark.parametrize(("method", "path"), [
    ("POST", "upload-documents"), ("PUT", "business-info"), ("PUT", "api-setup"), ("PUT", "verification"),
])  # fmt: skip
@pytest.mark.parametrize("token", ["", "ot_guess"])
async def test_whoever_has_no_token_is_refused_before_the_body_is_read(
    live: Live, method: str, path: str, token: str
) -> None:
    begun = await begin(live)
    headers = {"X-Onboarding-Token": token}
    answer = await announce(live.server, method, f"/api/partners/{begun.id}/{path}", headers)
    assert answer == (401, "UNAUTHORIZED")


async def test_whose_token_is_another_s_sends_no_body_either(live: Live) -> None:
    one, other = await begin(live), await begin(live)
    path = f"/api/partners/{one.id}/upload-documents"
    assert await announce(live.server, "POST", path, {"X-Onboarding-Token": other.token}) == (404, "PARTNER_NOT_FOUND")


async def test_staff_without_the_right_send_no_document(live: Live, support: Person) -> None:
    begun = await begin(live)
    path, headers = f"/api/partners/{begun.id}/upload-documents", {"Authorization": f"Bearer {support.token}"}
    assert await announce(live.server, "POST", path, headers) == (403, "FORBIDDEN")


async def test_business_details_are_laid_over_what_is_there(live: Live, admin: Person) -> None:
    begun = await begin(live)
    address = {"street": "1 Road", "city": "Kolkata", "coordinates": {"lat": 22.5, "lng": 88.3}}
    await begun.step("business-info", {"businessInfo": {"companyName": "Acme", "address": address}})
    await begun.step("business-info", {"businessInfo": {"description": "Homes", "address": {"city": "Delhi"}}})
    info = (await admin.call("GET", f"/api/partners/{begun.id}"))["data"]["businessInfo"]
    assert (info["companyName"], info["description"], info["industry"]) == ("Acme", "Homes", None)
    assert info["address"] == {**address, "city": "Delhi", "state": None, "zipCode": None, "country": None}
    await begun.step("business-info", {"businessInfo": {"address": None}})
    info = (await admin.call("GET", f"/api/partners/{begun.id}"))["data"]["businessInfo"]
    assert (info["companyName"], info["description"], info["address"]) == ("Acme", "Homes", None)
    bad = {"businessInfo": {"website": "not a url", "industry": "x", "address": {"coordinates": {"lat": 99, "lng": 1}}}}
    refused = await begun.step("business-info", bad, expect=400)
    assert {e["field"] for e in refused["errors"]} == {
        "businessInfo.website", "businessInfo.industry", "businessInfo.address.coordinates.lat",
    }  # fmt: skip


@pytest.mark.parametrize("url", [
    "http://acme.example/hooks", "https://127.0.0.1/x", "https://10.0.0.1/x", "https://localhost/x",
    "https://[::ffff:10.0.0.1]/x", "https://2130706433/x", "https://user:pw@acme.example/x", "ftp://acme.example",
])  # fmt: skip
async def test_events_go_to_public_machines_only(live: Live, url: str) -> None:
    begun = await begin(live)
    refused = await begun.step("api-setup", {"webhookUrl": url}, expect=400)
    assert refused["errors"][0]["field"] == "webhookUrl"


async def test_what_is_missing_is_said(live: Live) -> None:
    begun = await begin(live)
    early = await begun.step("activate", {}, expect=400)
    assert early["code"] == "INCOMPLETE_ONBOARDING" and "verification" in early["message"]
    missing = await begun.step("verification", {}, expect=400)
    assert missing["errors"][0]["field"] == "documents"
    many = {"documents": DOCUMENTS["documents"] * 6}
    await begun.step("verification", many, expect=400)
    bad = {"documents": [{"type": "passport", "name": "x", "url": "javascript:alert(1)"}]}
    refused = await begun.step("verification", bad, expect=400)
    assert {e["field"] for e in refused["errors"]} == {"documents.0.type", "documents.0.name", "documents.0.url"}


async def test_whoever_was_rejected_is_not_led_on(live: Live, admin: Person) -> None:
    begun = await begin(live)
    for step, body in (("business-info", BUSINESS), ("api-setup", URLS), ("verification", DOCUMENTS)):
        await begun.step(step, body)
    await admin.call("PUT", f"/api/partners/{begun.id}", {"status": "rejected"})
    for step, body in (("verification", DOCUMENTS), ("activate", {})):
        refused = await begun.step(step, body, expect=409)
        assert refused["code"] == "ONBOARDING_OVER" and "rejected" in refused["message"]


async def test_some_of_fifteen_starts_at_once_are_refused(fresh_dsn: str, tmp_path: Path) -> None:
    limits = {**PLENTY, "onboarding_per_minute": 10}
    async with live_server(fresh_dsn, tmp_path, technicians=0, customers=0, limits=limits) as live:
        begun = await asyncio.gather(*(_start(live, n) for n in range(15)))
        assert begun.count(201) == 10 and begun.count(429) == 5


async def _start(live: Live, n: int) -> int:
    body = {"name": f"Partner {n}", "email": f"p{n}@acme.example", "phoneNumber": "+911234567890"}
    return int((await send(live, "POST", START, body, expect=None))["_status"])


async def test_where_activations_are_reviewed_credentials_wait_for_staff(fresh_dsn: str, tmp_path: Path) -> None:
    async with live_server(
        fresh_dsn, tmp_path, technicians=0, customers=0, integration_activation_requires_review=True
    ) as live:
        app = await onboard(live)
        refused = await app.own("GET", "/usage", expect=403)
        assert refused["code"] == "PARTNER_NOT_ACTIVE" and "not activated yet" in refused["message"]
        admin = await staff(live)
        await admin.call("PUT", f"/api/partners/{app.id}", {"status": "active"})
        await app.own("GET", "/usage")
