"""Signing in with a password over HTTP: one account, several memberships, each refused by the other audiences."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from api.app import create_app
from dispatch.services import Services
from tests.identity import code_in_outbox
from tests.parties import PASSWORD, add_account, add_membership, add_party, set_status

Client = TestClient[web.Request, web.Application]
EMAIL = "asha@example.com"


@pytest.fixture
async def client(services: Services, aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    return await aiohttp_client(create_app(services, with_sockets=False))


async def post(client: Client, path: str, body: dict[str, Any], token: str | None = None) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with client.post(path, json=body, headers=headers) as response:
        return response.status, await response.json()


async def get(client: Client, path: str, token: str, **headers: str) -> tuple[int, dict[str, Any]]:
    async with client.get(path, headers={"Authorization": f"Bearer {token}", **headers}) as response:
        return response.status, await response.json()


async def owner(services: Services) -> tuple[UUID, UUID]:
    """An account that owns a provider and an organisation; returns the two parties."""
    account_id = await add_account(services, EMAIL)
    one, two = await add_party(services, "provider", "P-1"), await add_party(services, "organisation", "ORG-1")
    await add_membership(services, account_id, "provider", "owner", one)
    await add_membership(services, account_id, "organisation", "owner", two)
    return one, two


async def sign_in(client: Client, **more: str) -> dict[str, Any]:
    status, body = await post(client, "/api/auth/signin", {"email": EMAIL, "password": PASSWORD, **more})
    assert status == 200, body
    return body


async def test_the_answer_stands_at_the_top_and_under_data(client: Client, services: Services) -> None:
    one, two = await owner(services)
    body = await sign_in(client)
    assert body["token"] == body["data"]["token"] and body["refreshToken"] and body["requiresPasswordChange"] is False
    assert body["user"]["role"] == "provider" and body["user"]["teamRole"] == "owner" and body["user"]["email"] == EMAIL
    assert body["membership"]["partyId"] == str(one)
    assert [m["partyId"] for m in body["memberships"]] == [str(two)]
    assert body["timestamp"].endswith("Z") and "." in body["timestamp"]


async def test_only_staff_are_called_admin(client: Client, services: Services) -> None:
    await add_membership(services, await add_account(services, EMAIL), "admin", "support")
    body = await sign_in(client)
    assert body["user"]["role"] == "admin" and body["user"]["teamRole"] is None


async def test_me_and_switching(client: Client, services: Services) -> None:
    _, two = await owner(services)
    first = await sign_in(client)
    status, me = await get(client, "/api/auth/me", first["token"])
    assert status == 200 and me["data"]["membership"]["audience"] == "provider"
    status, second = await post(
        client, "/api/auth/switch", {"membershipId": first["memberships"][0]["id"]}, first["token"]
    )
    assert status == 200 and second["membership"]["partyId"] == str(two)
    status, me = await get(client, "/api/partners/auth/me", second["token"])
    assert status == 200 and me["membership"]["audience"] == "organisation"
    status, body = await get(client, "/api/partners/auth/me", first["token"])
    assert status == 401, "a token of one membership is refused by the other audiences"
    assert body["message"]


async def test_another_organisations_id_is_not_found(client: Client, services: Services) -> None:
    _, two = await owner(services)
    token = (await sign_in(client, audience="organisation"))["token"]
    assert (await get(client, "/api/partners/auth/me", token, **{"X-Organization-ID": str(two)}))[0] == 200
    for foreign in (str(await add_party(services, "organisation", "ORG-2")), "nonsense"):
        status, body = await get(client, "/api/partners/auth/me", token, **{"X-Organization-ID": foreign})
        assert (status, body["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/api/auth/signin", "/api/auth/login", "/api/partners/auth/login"])
async def test_a_wrong_password_and_an_unknown_address_are_told_alike(
    client: Client, services: Services, path: str
) -> None:
    await owner(services)
    answers = [
        await post(client, path, {"email": email, "password": "wrong password"})
        for email in (EMAIL, "nobody@example.com")
    ]
    assert {status for status, _ in answers} == {401}
    assert len({body["error"]["message"] for _, body in answers}) == 1


async def test_the_portals_own_sign_in_is_for_the_organisation_where_none_is_named(
    client: Client, services: Services
) -> None:
    await owner(services)
    body = {"email": EMAIL, "password": PASSWORD}
    _, found = await post(client, "/api/partners/auth/login", body)
    assert (await get(client, "/api/partners/auth/me", found["data"]["token"]))[0] == 200
    _, named = await post(client, "/api/partners/auth/login", {**body, "audience": "provider"})
    assert named["data"]["membership"]["audience"] == "provider"
    assert (await sign_in(client))["membership"]["audience"] == "provider"


async def test_a_pair_is_refreshed_in_whatever_realm(client: Client, services: Services) -> None:
    await owner(services)
    for audience in ("provider", "organisation"):
        pair = await sign_in(client, audience=audience)
        status, body = await post(client, "/api/auth/refresh", {"refreshToken": pair["refreshToken"]})
        assert status == 200 and body["token"] and body["refreshToken"] != pair["refreshToken"]
    for path in ("/api/auth/refresh", "/api/partners/auth/refresh"):
        for sent in ({"refreshToken": "drt_nonsense"}, {}):
            status, body = await post(client, path, sent)
            assert status == 401 and body["message"]


async def test_bad_input_names_every_field_in_the_callers_dialect(client: Client) -> None:
    status, body = await post(client, "/api/auth/signin", {"email": "no address", "audience": "moon"})
    assert status == 400 and {"email", "password", "audience"} <= body["errors"].keys()
    status, body = await post(client, "/api/partners/auth/login", {})
    assert status == 422


async def test_logging_out_ends_the_token(client: Client, services: Services) -> None:
    await owner(services)
    token = (await sign_in(client))["token"]
    assert (await post(client, "/api/auth/logout", {}, token))[0] == 200
    assert (await get(client, "/api/auth/me", token))[0] == 401


async def test_a_forgotten_password_over_http(client: Client, services: Services) -> None:
    await owner(services)
    status, known = await post(client, "/api/auth/forgot-password", {"email": EMAIL})
    _, unknown = await post(client, "/api/auth/forgot-password", {"email": "nobody@example.com"})
    assert status == 200 and known["message"] == unknown["message"] and known["expiresIn"] == unknown["expiresIn"]
    code = await code_in_outbox(services, EMAIL)
    status, body = await post(
        client, "/api/auth/reset-password", {"email": EMAIL, "otp": code, "newPassword": "another password"}
    )
    assert status == 200, body
    status, _ = await post(client, "/api/auth/signin", {"email": EMAIL, "password": "another password"})
    assert status == 200


async def test_a_removed_member_is_out_within_the_seconds_of_the_list(client: Client, services: Services) -> None:
    account_id = await add_account(services, EMAIL)
    membership_id = await add_membership(services, account_id, "admin", "support")
    token = (await sign_in(client))["token"]
    # Who comes again is asked for by the list itself.
    for _ in range(2):
        assert (await get(client, "/api/auth/me", token))[0] == 200
    await set_status(services, membership_id, "removed")
    await services.sessions.standing.renew()
    assert (await get(client, "/api/auth/me", token))[0] == 401
