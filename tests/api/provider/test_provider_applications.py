"""The platform's own people: who becomes a provider, and which large payouts leave."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.provider.conftest import Office, call
from tests.parties import PASSWORD, add_account, add_membership
from tests.providers import fund

FORM = {
    "facilityName": "Asha Clinic", "facilityType": "clinic", "ownerName": "Asha Bello", "email": "asha.b@example.com",
    "phone": "+2348012345678", "country": "NG", "city": "Lagos", "services": ["Massage"],
}  # fmt: skip


@pytest.fixture(scope="module")
async def staff(office: Office) -> dict[str, str]:
    """Role -> token."""
    services, tokens = office.world.services, {}
    for role in ("admin", "support", "finance"):
        account_id = await add_account(services, f"{role}@house.example", None)
        await add_membership(services, account_id, "admin", role)
        async with services.transaction() as tx:
            pair = await services.sessions.open(tx, "admin", account_id, ip=None, user_agent=None)
        tokens[role] = pair.access_token
    return tokens


async def test_registration_approval_and_the_first_sign_in(office: Office, staff: dict[str, str]) -> None:
    async def desk(method: str, path: str, body: Any = None, expect: int = 200, role: str = "admin") -> Any:
        return await call(office.client, staff[role], method, f"/api/provider-applications{path}", body, expect=expect)

    made = [await call(office.client, None, "POST", "/api/provider-applications", FORM, expect=201) for _ in range(2)]
    assert made[0]["data"]["id"] == made[1]["data"]["id"] and made[0]["data"]["status"] == "pending"
    found = (await desk("GET", "?status=pending&search=asha"))["data"]["applications"]
    assert found[0].items() >= {"facilityName": "Asha Clinic", "currency": "NGN", "timezone": "Africa/Lagos"}.items()
    one = f"/{found[0]['id']}"
    await desk("POST", f"{one}/approve", role="support", expect=403)
    approved = [(await desk("PATCH", f"{one}/approve"))["data"] for _ in range(2)]
    assert approved[0]["providerId"] == approved[1]["providerId"] and approved[0]["status"] == "approved"
    await desk("POST", f"{one}/reject", {"reason": "too late"}, expect=409)
    link = await office.world.value(
        "SELECT data->>'link' FROM outbox WHERE recipient = 'asha.b@example.com' AND template = 'invitation'"
    )
    body = {"token": link.rsplit("/", 1)[1], "password": PASSWORD}
    await call(office.client, None, "POST", "/api/auth/set-password", body)
    credentials = {"email": "asha.b@example.com", "password": PASSWORD}
    signed_in = await call(office.client, None, "POST", "/api/auth/signin", credentials)
    wallet = await call(office.client, signed_in["token"], "GET", "/api/providers/wallet/balance")
    assert wallet["data"]["currency"] == "NGN"
    await call(office.client, signed_in["token"], "GET", "/api/provider-applications", expect=401)


async def test_staff_make_providers_and_put_technicians_into_their_service(
    office: Office, staff: dict[str, str]
) -> None:
    form = {"name": "House Clinic", "owner_name": "Ola", "owner_email": "ola@example.com", "timezone": "Africa/Lagos"}
    made = (await call(office.client, staff["admin"], "POST", "/v1/admin/providers", form, expect=201))["data"]
    assert made["code"].startswith("PR-") and made["currency"] == "NGN"
    assert await office.world.value("SELECT count(*) FROM outbox WHERE recipient = 'ola@example.com'") == 1
    await call(office.client, staff["support"], "POST", "/v1/admin/providers", form, expect=403)
    await call(office.client, staff["admin"], "POST", "/v1/admin/providers", {**form, "timezone": "Mars"}, expect=422)
    listed = (await call(office.client, staff["admin"], "GET", "/v1/admin/providers"))["data"]["providers"]
    assert made["id"] in [p["id"] for p in listed]
    technician = await office.world.technician(km_north=3)
    path = f"/v1/admin/providers/{made['id']}/technicians/{technician}"
    await call(office.client, staff["admin"], "PUT", path)
    found = await office.world.value("SELECT provider_id::text FROM technicians WHERE id = $1", technician)
    assert found == made["id"]
    await call(office.client, staff["admin"], "DELETE", path)
    await call(office.client, staff["admin"], "DELETE", path, expect=404)


async def test_rejected_and_removed(office: Office, staff: dict[str, str]) -> None:
    form = {**FORM, "email": "bad@example.com"}
    made = (await call(office.client, None, "POST", "/api/provider-applications", form, expect=201))["data"]
    path = f"/api/provider-applications/{made['id']}"
    told = await call(office.client, staff["admin"], "POST", f"{path}/reject", {"reason": "The papers are missing"})
    assert (told["data"]["status"], told["data"]["reason"]) == ("rejected", "The papers are missing")
    text = await office.world.value("SELECT body FROM outbox WHERE recipient = 'bad@example.com'")
    assert "papers are missing" in text
    await call(office.client, staff["admin"], "DELETE", path)
    await call(office.client, staff["admin"], "GET", path, expect=404)
    assert not await office.world.value("SELECT count(*) FROM provider_applications WHERE email = 'bad@example.com'")


async def test_what_an_application_needs(office: Office) -> None:
    answer = await call(
        office.client, None, "POST", "/api/provider-applications", {"email": "x", "timezone": "Mars/Base"}, expect=400
    )
    assert answer["errors"].keys() == {"facilityName", "ownerName", "email", "timezone"}


async def test_a_large_payout_is_reviewed(office: Office, staff: dict[str, str]) -> None:
    owner = await office.owner()
    bank = {"bankName": "First Bank", "accountNumber": "0123452939", "accountName": "A Clinic"}
    await owner.call("PUT", "/payouts/settings", {"bankDetails": bank})
    await fund(office.world.services, owner.owned, 200_000_000)
    large = {"amount": 60_000_000, "currency": "INR"}
    made = (await owner.call("POST", "/payouts/request", large, expect=201))["data"]
    assert made["needsReview"] and made["status"] == "pending"
    query = f"needsReview=true&providerId={owner.owned.id}"
    listed = await call(office.client, staff["finance"], "GET", f"/api/payout-requests/admin/all?{query}")
    assert [r["id"] for r in listed["data"]["items"]] == [made["payoutId"]]
    path = f"/api/payout-requests/admin/{made['payoutId']}/review"
    await call(office.client, staff["support"], "PATCH", path, {"action": "approve"}, expect=403)
    await call(office.client, staff["finance"], "PATCH", path, {"action": "perhaps"}, expect=400)
    done = await call(office.client, staff["finance"], "PATCH", path, {"action": "REJECTED", "reason": "Wrong account"})
    assert (done["data"]["status"], done["data"]["failureReason"]) == ("failed", "Wrong account")
    await call(office.client, staff["finance"], "PATCH", path, {"action": "approve"}, expect=409)
    assert (await owner.call("GET", "/wallet/balance"))["data"]["availableBalance"] == 200_000_000
