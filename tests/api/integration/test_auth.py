"""Calls of apps: how they sign in, what they may do, from where, how much, and what is counted."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

import pytest

from tests.api.live import Live, Person
from tests.integrations import App, onboard, send

AUTH = "/api/partners/auth"


async def form(live: Live, fields: dict[str, str], *, expect: int = 200, **headers: str) -> dict[str, Any]:
    async with live.http.post(live.url + AUTH, data=fields, headers=headers) as reply:
        answer: dict[str, Any] = await reply.json()
        assert reply.status == expect, answer
        return answer


async def test_every_way_to_sign_in_gives_a_token(live: Live) -> None:
    app = await onboard(live)
    basic = base64.b64encode(f"{app.client_id}:{app.secret}".encode()).decode()
    grant = {"grant_type": "client_credentials"}
    signed = [
        await app.call("POST", AUTH),
        await send(live, "POST", AUTH, {"slug": app.slug, "secret": app.secret}),
        await form(live, {**grant, "client_id": app.client_id, "client_secret": app.secret}),
        await form(live, grant, Authorization=f"Basic {basic}"),
    ]
    for answer in signed:
        assert answer["data"]["expiresIn"] == 900 and answer["data"]["partnerId"] == app.id
        assert (answer["token_type"], answer["access_token"]) == ("Bearer", answer["data"]["token"])
        mine = {"Authorization": f"Bearer {answer['data']['token']}"}
        await send(live, "GET", f"/api/partners/{app.id}/usage", headers=mine)


@pytest.mark.parametrize("change", ["secret", "client", "slug", "nothing"])
async def test_wrong_credentials_are_all_alike(live: Live, change: str) -> None:
    app, other = await onboard(live), await onboard(live)
    pair = {"x-client-id": app.client_id, "x-client-secret": app.secret}
    body: dict[str, str] | None = None
    if change == "secret":
        pair["x-client-secret"] = app.secret[:-1] + ("A" if app.secret[-1] != "A" else "B")
    elif change == "client":
        pair["x-client-id"] = other.client_id
    else:
        pair, body = {}, {"slug": "nobody", "secret": app.secret} if change == "slug" else {}
    refused = await send(live, "POST", AUTH, body, expect=400 if change == "nothing" else 401, headers=pair)
    assert refused["code"] == ("VALIDATION_ERROR" if change == "nothing" else "INVALID_CREDENTIALS")
    await form(live, {"grant_type": "password", "client_id": "x", "client_secret": "y"}, expect=400)


async def test_a_rotated_secret_has_its_day(live: Live, admin: Person) -> None:
    app = await onboard(live)
    new = (await admin.call("POST", f"/api/partners/{app.id}/credentials/rotate"))["data"]
    rotated = App(live, app.id, app.slug, app.email, app.client_id, new["clientSecret"], app.api_key)
    await app.own("GET", "/usage")
    await rotated.own("GET", "/usage")
    async with live.services.transaction() as tx:
        over = "UPDATE api_clients SET previous_until = clock_timestamp() WHERE public_key = $1"
        await tx.conn.execute(over, app.client_id)
    refused = await app.own("GET", "/usage", expect=401)
    assert refused["code"] == "INVALID_CREDENTIALS"
    await app.call("POST", AUTH, expect=401)
    await rotated.own("GET", "/usage")


async def test_a_secret_in_wrong_hands_is_over_after_a_second_rotation(live: Live, admin: Person) -> None:
    app = await onboard(live)
    for _ in range(2):
        made = (await admin.call("POST", f"/api/partners/{app.id}/credentials/rotate"))["data"]
    await app.own("GET", "/usage", expect=401)
    await App(live, app.id, app.slug, app.email, app.client_id, made["clientSecret"], app.api_key).own("GET", "/usage")


async def test_foreign_client_ids_reach_nothing(live: Live) -> None:
    app, other = await onboard(live), await onboard(live)
    for path in ("", "/usage", "/analytics", "/customers"):
        foreign = await app.call("GET", f"/api/partners/{other.id}{path}", expect=404)
        assert foreign["code"] == "PARTNER_NOT_FOUND"
    customer = await other.customer("+911234567890")
    await app.own("GET", f"/customers/{customer}", expect=404)
    missing = await app.call("GET", "/v1/bookings", expect=404, X_Customer_ID=customer)
    assert missing["error"]["code"] == "NOT_FOUND"
    # Its own profile and figures are for people; its customers and its use are its own.
    for path in ("", "/analytics"):
        assert (await app.own("GET", path, expect=403))["code"] == "SCOPE_NOT_GRANTED"


async def test_scopes_that_were_not_granted(live: Live, admin: Person) -> None:
    app = await onboard(live)
    customer = await app.customer("+911234567890")
    limited = {"scopes": {"bookings": "read", "customers": "read"}}
    await admin.call("PUT", f"/api/partners/{app.id}/credentials", limited)
    await app.call("GET", "/v1/bookings", X_Customer_ID=customer)
    for method, path, body in (
        ("POST", f"/api/partners/{app.id}/customers", {"name": "New", "phoneNumber": "+911234567899"}),
        ("GET", f"/api/partners/{app.id}/usage", None),
        ("POST", "/v1/checkout/confirm", {}),
        ("POST", "/v1/checkout/prepare", {}),
        ("GET", "/v1/services/catalog", None),
    ):
        refused = await app.call(method, path, body, expect=403, X_Customer_ID=customer)
        assert refused["error"]["code"] == "SCOPE_NOT_GRANTED", path
    unknown = await admin.call("PUT", f"/api/partners/{app.id}/credentials", {"scopes": {"all": "write"}}, expect=400)
    assert unknown["errors"][0]["field"] == "scopes"


async def test_what_is_the_customer_s_alone_is_for_no_app(live: Live) -> None:
    app = await onboard(live)
    customer = await app.customer("+911234567890")
    for method, path, body in (
        ("GET", "/v1/auth/me", None),
        ("POST", "/v1/auth/logout", None),
        ("PATCH", "/v1/users/profile", {"name": "X"}),
        ("PUT", "/v1/users/phone", {}),
        ("DELETE", "/v1/users/me", None),
        ("GET", "/v1/users/me/export", None),
        ("GET", "/v1/wallet", None),
        ("GET", "/v1/dashboard", None),
        ("POST", "/v1/payments/verify", {}),
    ):
        refused = await app.call(method, path, body, expect=403, X_Customer_ID=customer)
        assert refused["error"]["code"] == "SCOPE_NOT_GRANTED", path
    unnamed = await app.call("GET", "/v1/bookings", expect=422)
    assert "X-Customer-ID" in unnamed["error"]["details"]
    for name in ("nobody", "%00", "1"):
        await app.call("GET", "/v1/bookings", expect=422, X_Customer_ID=name)


async def test_only_from_where_it_may_come(live: Live, admin: Person) -> None:
    app = await onboard(live)
    token = (await app.call("POST", AUTH))["data"]["token"]
    path = f"/api/partners/{app.id}/credentials"
    await admin.call("PUT", path, {"ipRanges": ["203.0.113.0/24"]})
    for headers in (app.pair, {"Authorization": f"Bearer {token}"}):
        refused = await send(live, "GET", f"/api/partners/{app.id}/usage", expect=403, headers=headers)
        assert refused["code"] == "ADDRESS_NOT_ALLOWED"
    await admin.call("PUT", path, {"ipRanges": ["203.0.113.0/24", "127.0.0.1", "::1"]})
    await app.own("GET", "/usage")
    bad = await admin.call("PUT", path, {"ipRanges": ["everywhere"]}, expect=400)
    assert bad["errors"][0]["field"].startswith("ipRanges")


async def set_limits(live: Live, app: App, **limits: int) -> None:
    columns = ", ".join(f"{name} = {value}" for name, value in limits.items())
    async with live.services.transaction() as tx:
        await tx.conn.execute(f"UPDATE integrations SET {columns} WHERE id = $1::text::uuid", app.id)
    live.services.usage.forget(UUID(app.id))


async def test_calls_over_the_month_s_limit_are_refused_and_counted(live: Live) -> None:
    app = await onboard(live)
    await set_limits(live, app, monthly_limit=5)
    seen = [(await app.call("GET", "/v1/services/catalog", expect=None))["_status"] for _ in range(8)]
    assert seen == [200] * 5 + [429] * 3
    refused = await app.call("GET", "/v1/services/catalog", expect=429)
    assert refused["error"]["code"] == "RATE_LIMIT_EXCEEDED" and int(refused["_retry_after"]) > 3600
    assert "month" in refused["message"]


async def test_calls_are_counted_by_day_and_route(live: Live, admin: Person) -> None:
    app = await onboard(live)
    customer = await app.customer("+911234567890")
    for _ in range(3):
        await app.call("GET", "/v1/services/catalog")
    await app.call("GET", "/v1/bookings", X_Customer_ID=customer)
    used = (await admin.call("GET", f"/api/partners/{app.id}/usage"))["data"]
    assert used["totalRequests"] == used["monthlyRequests"] == 5
    assert used["apiLimits"] == {"monthlyLimit": 10000, "burstLimit": 100} and used["remainingRequests"] == 9995
    assert [(d["date"], d["requests"], d["refused"]) for d in used["byDay"]] == [("2026-01-05", 5, 0)]
    assert {r["route"]: r["requests"] for r in used["byRoute"]} == {
        "GET /v1/services/catalog": 3, "GET /v1/bookings": 1, "POST /api/partners/{id}/customers": 1,
    }  # fmt: skip
    assert used["lastRequestAt"].startswith("2026-01-05T")
    earlier = (await admin.call("GET", f"/api/partners/{app.id}/usage?dateFrom=2025-01-01&dateTo=2025-01-31"))["data"]
    assert earlier["byDay"] == [] and earlier["totalRequests"] == 5
    await admin.call("GET", f"/api/partners/{app.id}/usage?dateFrom=2026-02-01&dateTo=2026-01-01", expect=400)


@pytest.mark.usefixtures("still_windows")
async def test_a_burst_is_the_app_s_own_and_no_address_s(live: Live) -> None:
    app, other = await onboard(live), await onboard(live)
    await set_limits(live, app, burst_limit=4)
    seen = [(await app.call("GET", "/v1/services/catalog", expect=None))["_status"] for _ in range(6)]
    assert seen == [200] * 4 + [429] * 2
    refused = await app.call("GET", "/v1/services/catalog", expect=429)
    assert refused["error"]["details"] == {"limit": "burst", "burst_limit": 4} and refused["_retry_after"]
    await other.call("GET", "/v1/services/catalog")
    await send(live, "GET", "/v1/services/catalog")


async def test_guessing_is_counted_where_it_comes_from(live: Live) -> None:
    app = await onboard(live)
    guess = {"X-API-Key": app.client_id, "X-API-Secret": "guess"}
    for _ in range(3):
        await send(live, "GET", "/v1/bookings", expect=401, headers=guess)
    assert (await app.own("GET", "/usage"))["data"]["byRoute"] == [
        {"route": "GET /api/partners/{id}/usage", "requests": 1, "refused": 0}
    ]
