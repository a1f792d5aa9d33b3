"""Customer sign-in and account over HTTP: the contract's answers, refusals, and what changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from api.app import create_app
from dispatch.services import Services
from storage.database.pool import Pool
from tests.identity import OTHER_PHONE, PHONE, add_booking, code_in_outbox, make_services, wrong

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def services(fresh_pool: Pool, tmp_path: Path) -> Services:
    return make_services(fresh_pool, tmp_path)


@pytest.fixture
async def client(services: Services, aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    return await aiohttp_client(create_app(services, with_sockets=False))


def bearer(token: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", **headers}


async def ask_code(client: Client, services: Services, phone: str = PHONE, purpose: str = "login") -> str:
    response = await client.post("/v1/auth/send-otp", json={"phone_number": phone, "purpose": purpose})
    assert response.status == 200, await response.text()
    return await code_in_outbox(services, phone)


async def sign_in(client: Client, services: Services, phone: str = PHONE) -> dict[str, Any]:
    code = await ask_code(client, services, phone)
    response = await client.post(
        "/v1/auth/verify-otp", json={"phone_number": phone, "otp_code": code, "purpose": "login"}
    )
    assert response.status == 200, await response.text()
    data: dict[str, Any] = (await response.json())["data"]
    return data


async def step_up(client: Client, services: Services, phone: str = PHONE) -> str:
    code = await ask_code(client, services, phone, "reset_password")
    response = await client.post(
        "/v1/auth/verify-otp", json={"phone_number": phone, "otp_code": code, "purpose": "reset_password"}
    )
    assert response.status == 200
    data = (await response.json())["data"]
    assert data["expires_in"] == 300 and "access_token" not in data
    return str(data["step_up_token"])


async def error_of(response: Any, status: int) -> dict[str, Any]:
    body = await response.json()
    assert response.status == status, body
    assert body["success"] is False and body["message"]
    error: dict[str, Any] = body["error"]
    return error


async def test_the_contracts_story(client: Client, services: Services) -> None:
    sent = await client.post("/v1/auth/send-otp", json={"phone_number": PHONE, "purpose": "login"})
    assert await sent.json() == {"success": True, "message": "OTP sent successfully", "expires_in": 300}
    code = await code_in_outbox(services)
    verified = await client.post(
        "/v1/auth/verify-otp", json={"phone_number": PHONE, "otp_code": code, "purpose": "login"}
    )
    data = (await verified.json())["data"]
    assert {"access_token", "refresh_token", "user"} <= data.keys()
    assert data["user"].keys() == {"id", "phone_number", "name", "email", "is_verified"}
    assert data["user"]["phone_number"] == PHONE and data["user"]["is_verified"] is True

    me = await client.get("/v1/auth/me", headers=bearer(data["access_token"]))
    shown = (await me.json())["data"]
    assert {"id", "phone_number", "name", "email", "is_verified", "created_at"} <= shown.keys()
    assert shown["created_at"].endswith("Z")

    refreshed = await client.post("/v1/auth/refresh-token", json={"refresh_token": data["refresh_token"]})
    pair = (await refreshed.json())["data"]
    assert pair["refresh_token"] != data["refresh_token"]

    left = await client.post("/v1/auth/logout", headers=bearer(pair["access_token"]))
    assert await left.json() == {"success": True, "message": "Logged out successfully"}
    for token in (data["access_token"], pair["access_token"]):
        await error_of(await client.get("/v1/auth/me", headers=bearer(token)), 401)
    refused = await client.post("/v1/auth/refresh-token", json={"refresh_token": pair["refresh_token"]})
    assert (await error_of(refused, 401))["details"] == {"reason": "signed_out"}


async def test_one_phone_in_many_spellings(client: Client, services: Services) -> None:
    await client.post("/v1/auth/send-otp", json={"phone_number": "098765 43210", "purpose": "login"})
    code = await code_in_outbox(services, OTHER_PHONE)
    response = await client.post(
        "/v1/auth/verify-otp", json={"phone_number": "+91 98765-43210", "otp_code": code, "purpose": "login"}
    )
    assert (await response.json())["data"]["user"]["phone_number"] == OTHER_PHONE


async def test_a_code_that_is_asked_for_again_is_counted_with_the_others(client: Client, services: Services) -> None:
    for name in ("send-otp", "resend-otp", "resend-otp"):
        assert (await client.post(f"/v1/auth/{name}", json={"phone_number": PHONE})).status == 200
    body = {"phone_number": PHONE, "otp_code": await code_in_outbox(services), "purpose": "login"}
    assert (await client.post("/v1/auth/verify-otp", json=body)).status == 200
    for path in ("/v1/auth/resend-otp", "/v1/partner/auth/send-otp"):
        await error_of(await client.post(path, json={"phone_number": PHONE}), 429)


async def test_the_fourth_code_in_an_hour_waits(client: Client, services: Services) -> None:
    for spelling in (PHONE, "01234567890", "+91 1234 567890"):
        await client.post("/v1/auth/send-otp", json={"phone_number": spelling, "purpose": "login"})
    response = await client.post("/v1/auth/send-otp", json={"phone_number": PHONE, "purpose": "login"})
    assert (await error_of(response, 429))["code"] == "RATE_LIMIT_EXCEEDED"
    assert 3500 < int(response.headers["Retry-After"]) <= 3600


async def test_wrong_codes(client: Client, services: Services) -> None:
    code = await ask_code(client, services)
    body = {"phone_number": PHONE, "otp_code": wrong(code), "purpose": "login"}
    for _ in range(5):
        assert (await error_of(await client.post("/v1/auth/verify-otp", json=body), 401))["code"] == "INVALID_OTP"
    response = await client.post("/v1/auth/verify-otp", json={**body, "otp_code": code})
    assert (await error_of(response, 429))["code"] == "RATE_LIMIT_EXCEEDED"
    assert "Retry-After" in response.headers


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("send-otp", {}, {"phone_number"}),
        ("send-otp", {"phone_number": "abc", "purpose": "login"}, {"phone_number"}),
        ("send-otp", {"phone_number": 5, "purpose": "dance"}, {"phone_number", "purpose"}),
        ("verify-otp", {"phone_number": PHONE, "otp_code": "12345", "purpose": "login"}, {"otp_code"}),
        ("verify-otp", {"phone_number": PHONE, "otp_code": "١٢٣٤٥٦", "purpose": "login"}, {"otp_code"}),
        ("send-otp", {"phone_number": "abc", "purpose": "dance"}, {"phone_number", "purpose"}),
        ("verify-otp", {"phone_number": "12", "otp_code": "1", "purpose": "login"}, {"phone_number", "otp_code"}),
        ("verify-otp", {"otp_code": "123456x"}, {"phone_number", "otp_code"}),
    ],
)
async def test_bad_fields_are_named(client: Client, path: str, body: Any, fields: set[str]) -> None:
    error = await error_of(await client.post(f"/v1/auth/{path}", json=body), 422)
    assert error["code"] == "VALIDATION_ERROR"
    assert fields <= error["details"].keys()


@pytest.mark.parametrize("body", [None, {}, {"refresh_token": None}, {"refresh_token": " "}])
async def test_a_refresh_without_a_token_is_a_dead_sign_in(client: Client, body: Any) -> None:
    error = await error_of(await client.post("/v1/auth/refresh-token", json=body), 401)
    assert error["code"] == "UNAUTHORIZED"


async def test_what_the_house_does_not_send_is_refused(
    fresh_pool: Pool, tmp_path: Path, aiohttp_client: Callable[..., Awaitable[Client]]
) -> None:
    services = make_services(
        fresh_pool, tmp_path, otp={"regions": ["IN"], "sends_per_day": 1, "guesses_per_ip_per_hour": 1}
    )
    client = await aiohttp_client(create_app(services, with_sockets=False))
    error = await error_of(await client.post("/v1/auth/send-otp", json={"phone_number": "+447911123456"}), 422)
    assert error["code"] == "VALIDATION_ERROR" and error["details"].keys() == {"phone_number"}
    code = await ask_code(client, services)
    response = await client.post("/v1/auth/send-otp", json={"phone_number": OTHER_PHONE})
    await error_of(response, 429)
    assert 0 < int(response.headers["Retry-After"]) <= 24 * 3600
    body = {"phone_number": PHONE, "otp_code": wrong(code), "purpose": "login"}
    await error_of(await client.post("/v1/auth/verify-otp", json=body), 401)
    response = await client.post("/v1/auth/verify-otp", json=body)
    assert (await error_of(response, 429))["code"] == "RATE_LIMIT_EXCEEDED"
    assert 3500 < int(response.headers["Retry-After"]) <= 3600


async def test_malformed_json_is_400(client: Client) -> None:
    await error_of(await client.post("/v1/auth/send-otp", data=b"{"), 400)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/auth/logout"),
        ("GET", "/v1/auth/me"),
        ("PATCH", "/v1/users/profile"),
        ("PUT", "/v1/users/phone"),
        ("DELETE", "/v1/users/me"),
        ("GET", "/v1/users/me/export"),
        ("GET", "/v1/notifications"),
    ],
)
async def test_strangers_are_refused(client: Client, services: Services, method: str, path: str) -> None:
    other = services.tokens.mint("technician", "4f7a1c1e-0000-4000-8000-000000000000", None, 900)
    for headers in ({}, bearer("x"), bearer(other), {"Authorization": "Basic x"}):
        await error_of(await client.request(method, path, headers=headers), 401)


async def test_a_blocked_customer(client: Client, services: Services) -> None:
    data = await sign_in(client, services)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = false")
    code = await ask_code(client, services)
    body = {"phone_number": PHONE, "otp_code": code, "purpose": "login"}
    await error_of(await client.post("/v1/auth/verify-otp", json=body), 403)
    await error_of(await client.post("/v1/auth/refresh-token", json={"refresh_token": data["refresh_token"]}), 401)


async def test_profile(client: Client, services: Services) -> None:
    token = (await sign_in(client, services))["access_token"]
    change = {"name": "John Doe", "email": "john@example.com"}
    shown = (await (await client.patch("/v1/users/profile", json=change, headers=bearer(token))).json())["data"]
    assert (shown["name"], shown["email"]) == ("John Doe", "john@example.com")
    response = await client.patch("/v1/users/profile", json={"email": None}, headers=bearer(token))
    shown = (await response.json())["data"]
    assert (shown["name"], shown["email"]) == ("John Doe", None)
    error = await error_of(
        await client.patch("/v1/users/profile", json={"name": "", "email": "x"}, headers=bearer(token)), 422
    )
    assert error["details"].keys() == {"name", "email"}


async def test_notifications(client: Client, services: Services) -> None:
    mine, other = await sign_in(client, services), await sign_in(client, services, OTHER_PHONE)
    async with services.transaction() as tx:
        note = await tx.conn.fetchval(
            "INSERT INTO notifications (account_id, type, title, message) "
            "VALUES ($1::uuid, 'booking_confirmed', 'Booking Confirmed', 'x') RETURNING id",
            mine["user"]["id"],
        )
    listed = await (await client.get("/v1/notifications", headers=bearer(mine["access_token"]))).json()
    assert [n["id"] for n in listed["data"]["notifications"]] == [str(note)]
    assert listed["data"]["pagination"]["total"] == 1
    path = f"/v1/notifications/{note}/read"
    await error_of(await client.patch(path, headers=bearer(other["access_token"])), 404)
    for _ in range(2):
        read = await client.patch(path, headers=bearer(mine["access_token"]))
        assert (await read.json())["data"]["is_read"] is True
    unread = await client.get("/v1/notifications?unread=true", headers=bearer(mine["access_token"]))
    assert (await unread.json())["data"]["notifications"] == []
    await error_of(await client.patch("/v1/notifications/bulk/read", headers=bearer(mine["access_token"])), 404)


async def test_the_phone_needs_both_proofs(client: Client, services: Services) -> None:
    data = await sign_in(client, services)
    code = await ask_code(client, services, OTHER_PHONE, "step_up")
    body = {"phone_number": OTHER_PHONE, "otp_code": code}
    refused = await client.put("/v1/users/phone", json=body, headers=bearer(data["access_token"]))
    assert (await error_of(refused, 403))["code"] == "STEP_UP_REQUIRED"
    headers = bearer(data["access_token"], **{"X-Step-Up-Token": await step_up(client, services)})
    moved = await client.put("/v1/users/phone", json=body, headers=headers)
    assert (await moved.json())["data"]["phone_number"] == OTHER_PHONE
    assert (await client.get("/v1/auth/me", headers=headers)).status == 200


async def test_leaving(client: Client, services: Services) -> None:
    data = await sign_in(client, services)
    token = data["access_token"]
    exported = await (await client.get("/v1/users/me/export", headers=bearer(token))).json()
    assert exported["account"]["phone"] == PHONE and exported["bookings"] == []
    await error_of(await client.delete("/v1/users/me", headers=bearer(token)), 403)
    headers = bearer(token, **{"X-Step-Up-Token": await step_up(client, services)})
    await add_booking(services.pool, UUID(data["user"]["id"]), "pending")
    assert (await error_of(await client.delete("/v1/users/me", headers=headers), 409))["code"] == "BOOKING_OPEN"
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE bookings SET status = 'cancelled', next_action = NULL, next_action_at = NULL")
    assert (await client.delete("/v1/users/me", headers=headers)).status == 200
    await error_of(await client.get("/v1/auth/me", headers=bearer(token)), 401)


async def test_secrets_are_not_logged(client: Client, services: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    code = await ask_code(client, services)
    body = {"phone_number": PHONE, "otp_code": code, "purpose": "login"}
    data = (await (await client.post("/v1/auth/verify-otp", json=body)).json())["data"]
    await client.get("/v1/auth/me", headers=bearer(data["access_token"]))
    await client.post("/v1/auth/refresh-token", json={"refresh_token": data["refresh_token"]})
    for secret in (data["access_token"], data["refresh_token"], f'"{code}"', f" {code} "):
        assert secret not in caplog.text
