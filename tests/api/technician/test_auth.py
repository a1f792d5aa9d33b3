"""Technician sign-in, step-up and bank account over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from api.app import create_app
from dispatch.services import Services
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, PHONE, add_technician, code_in_outbox, make_services

Client = TestClient[web.Request, web.Application]
BANK = {
    "account_number": "4111 1111 1111 1111", "ifsc_code": "hdfc0001234", "bank_name": "HDFC Bank",
    "account_holder_name": "A Technician",
}  # fmt: skip


@pytest.fixture
def services(fresh_pool: Pool, tmp_path: Path) -> Services:
    return make_services(fresh_pool, tmp_path)


@pytest.fixture
async def client(services: Services, aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    return await aiohttp_client(create_app(services, with_sockets=False))


async def ask_code(client: Client, services: Services, phone: str = OTHER_PHONE, purpose: str = "login") -> str:
    response = await client.post("/v1/auth/send-otp", json={"phone_number": phone, "purpose": purpose})
    assert response.status == 200
    return await code_in_outbox(services, phone)


async def login(client: Client, services: Services) -> dict[str, Any]:
    code = await ask_code(client, services)
    response = await client.post("/v1/partner/auth/login", json={"phone_number": OTHER_PHONE, "otp_code": code})
    assert response.status == 200, await response.text()
    data: dict[str, Any] = (await response.json())["data"]
    return data


async def test_the_contracts_story(client: Client, services: Services) -> None:
    technician_id = await add_technician(services.pool)
    data = await login(client, services)
    assert data["partner"] == {"id": str(technician_id), "partner_code": "PT-001", "name": "A Technician"}
    pair = await client.post("/v1/partner/auth/refresh-token", json={"refresh_token": data["refresh_token"]})
    token = (await pair.json())["data"]["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    me = (await (await client.get("/v1/partner/auth/me", headers=headers)).json())["data"]
    assert me["service_radius_km"] == 10.0 and me["bank_account"] is None and me["rating"] is None
    assert (await client.post("/v1/partner/auth/logout", headers=headers)).status == 200
    assert (await client.get("/v1/partner/auth/me", headers=headers)).status == 401


async def test_the_names_that_real_apps_know(client: Client, services: Services) -> None:
    await add_technician(services.pool)
    sent = await client.post("/v1/partner/auth/send-otp", json={"phone_number": OTHER_PHONE})
    assert await sent.json() == {"success": True, "message": "OTP sent successfully", "expires_in": 300}
    body = {"phone_number": OTHER_PHONE, "otp_code": await code_in_outbox(services, OTHER_PHONE), "purpose": "login"}
    reply = await client.post("/v1/partner/auth/verify-otp", json=body)
    assert reply.status == 200, await reply.text()
    data = (await reply.json())["data"]
    headers = {"Authorization": f"Bearer {data['access_token']}"}
    profile = await (await client.get("/v1/partner/profile", headers=headers)).json()
    assert profile == await (await client.get("/v1/partner/auth/me", headers=headers)).json()
    assert profile["data"]["id"] == data["partner"]["id"]


async def test_a_customers_token_is_foreign_here(client: Client, services: Services) -> None:
    code = await ask_code(client, services, PHONE)
    body = {"phone_number": PHONE, "otp_code": code, "purpose": "login"}
    data = (await (await client.post("/v1/auth/verify-otp", json=body)).json())["data"]
    for path in ("/v1/partner/auth/me", "/v1/partner/notifications"):
        response = await client.get(path, headers={"Authorization": f"Bearer {data['access_token']}"})
        assert response.status == 401
    refused = await client.post("/v1/partner/auth/refresh-token", json={"refresh_token": data["refresh_token"]})
    assert refused.status == 401
    assert (await client.post("/v1/partner/auth/refresh-token")).status == 401


@pytest.mark.parametrize(
    ("columns", "status", "code"),
    [
        (None, 401, "INVALID_OTP"),
        ({"is_active": False}, 403, "TECHNICIAN_INACTIVE"),
        ({"onboarding_status": "pending"}, 403, "TECHNICIAN_NOT_VERIFIED"),
        ({"onboarding_status": "rejected"}, 403, "TECHNICIAN_REJECTED"),
    ],
)
async def test_who_is_refused(
    client: Client, services: Services, columns: dict[str, Any] | None, status: int, code: str
) -> None:
    if columns is not None:
        await add_technician(services.pool, **columns)
    otp_code = await ask_code(client, services)
    response = await client.post("/v1/partner/auth/login", json={"phone_number": OTHER_PHONE, "otp_code": otp_code})
    assert (response.status, (await response.json())["error"]["code"]) == (status, code)


async def test_the_bank_account_needs_a_fresh_code_and_is_masked(client: Client, services: Services) -> None:
    await add_technician(services.pool)
    headers = {"Authorization": f"Bearer {(await login(client, services))['access_token']}"}
    refused = await client.put("/v1/partner/bank-account", json=BANK, headers=headers)
    assert (refused.status, (await refused.json())["error"]["code"]) == (403, "STEP_UP_REQUIRED")
    code = await ask_code(client, services, purpose="reset_password")
    stepped = await client.post("/v1/partner/auth/step-up", json={"otp_code": code}, headers=headers)
    headers["X-Step-Up-Token"] = (await stepped.json())["data"]["step_up_token"]
    shown = (await (await client.put("/v1/partner/bank-account", json=BANK, headers=headers)).json())["data"]
    assert (shown["account_number"], shown["ifsc_code"]) == ("XXXXXX1111", "HDFC0001234")
    me = await (await client.get("/v1/partner/auth/me", headers=headers)).text()
    assert "XXXXXX1111" in me and "4111111111111111" not in me
    wrong = await client.put("/v1/partner/bank-account", json={"account_number": "1"}, headers=headers)
    assert wrong.status == 422


async def test_a_customers_step_up_is_foreign_here(client: Client, services: Services) -> None:
    await add_technician(services.pool)
    headers = {"Authorization": f"Bearer {(await login(client, services))['access_token']}"}
    code = await ask_code(client, services)
    body = {"phone_number": OTHER_PHONE, "otp_code": code, "purpose": "login"}
    assert (await client.post("/v1/auth/verify-otp", json=body)).status == 200
    code = await ask_code(client, services, purpose="reset_password")
    verified = await client.post(
        "/v1/auth/verify-otp",
        json={"phone_number": OTHER_PHONE, "otp_code": code, "purpose": "reset_password"},
    )
    headers["X-Step-Up-Token"] = (await verified.json())["data"]["step_up_token"]
    response = await client.put("/v1/partner/bank-account", json=BANK, headers=headers)
    assert response.status == 403


async def test_unknown_keys_are_refused_here(client: Client) -> None:
    body = {"phone_number": OTHER_PHONE, "otp_code": "123456", "extra": 1}
    response = await client.post("/v1/partner/auth/login", json=body)
    assert response.status == 422
    assert "extra" in (await response.json())["error"]["details"]
