"""The page that links lead to: one page for every kind, safe headers, and what it asks the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from api.app import create_app
from dispatch.access import email_changes
from dispatch.parties import providers
from dispatch.parties.providers import NewProvider
from dispatch.services import Services
from tests.parties import PASSWORD, add_account

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client(services: Services, aiohttp_client: Callable[..., Awaitable[Client]]) -> Client:
    return await aiohttp_client(create_app(services, with_sockets=False))


async def ask(client: Client, path: str, body: dict[str, Any], expect: int = 200) -> Any:
    async with client.post(f"/api/auth/{path}", json=body) as reply:
        answer = await reply.json()
        assert reply.status == expect, answer
        return answer


async def token_sent(services: Services, recipient: str) -> str:
    async with services.read() as conn:
        link = await conn.fetchval(
            "SELECT data->>'link' FROM outbox WHERE recipient = $1 AND data ? 'link' ORDER BY id DESC LIMIT 1",
            recipient,
        )
    return str(link).rsplit("/", 1)[1]


async def test_the_page_tells_nothing_and_loads_nothing_from_elsewhere(client: Client) -> None:
    async with client.get("/account/whatever") as reply:
        text = await reply.text()
        assert reply.status == 200 and "whatever" not in text and "http" not in text
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert reply.headers["Cache-Control"] == "no-store" and reply.headers["Referrer-Policy"] == "no-referrer"
    for name, status in (("page.js", 200), ("page.css", 200), ("other.js", 404)):
        async with client.get(f"/account-page/{name}") as reply:
            assert reply.status == status


async def test_an_invitation_is_accepted_by_choosing_a_password(client: Client, services: Services) -> None:
    async with services.transaction() as tx:
        await providers.create(tx, NewProvider("Asha Clinic", "Asha", "asha@example.com"), inviter="The house")
    token = await token_sent(services, "asha@example.com")
    told = (await ask(client, "link", {"token": token}))["data"]
    assert told == {"kind": "invitation", "email": "asha@example.com", "partyName": "Asha Clinic"}
    await ask(client, "signin", {"email": "asha@example.com", "password": PASSWORD}, 401)
    await ask(client, "set-password", {"token": token, "password": PASSWORD})
    signed_in = await ask(client, "signin", {"email": "asha@example.com", "password": PASSWORD})
    assert (signed_in["user"]["role"], signed_in["user"]["teamRole"]) == ("provider", "Owner")
    await ask(client, "link", {"token": token}, 401)


async def test_an_address_is_confirmed_by_whoever_reads_it(client: Client, services: Services) -> None:
    account_id = await add_account(services, "old@example.com")
    async with services.transaction() as tx:
        await email_changes.ask(tx, account_id, "New@example.com")
    token = await token_sent(services, "New@example.com")
    assert (await ask(client, "link", {"token": token}))["data"]["kind"] == "email"
    await ask(client, "signin", {"email": "new@example.com", "password": PASSWORD}, 401)
    assert (await ask(client, "verify-email", {"token": token}))["message"]
    await ask(client, "verify-email", {"token": token}, 401)
    async with services.read() as conn:
        assert await conn.fetchval("SELECT email FROM accounts WHERE id = $1", account_id) == "new@example.com"
        told = await conn.fetchval("SELECT template FROM outbox WHERE recipient = 'old@example.com'")
    assert told == "email_changed"


async def test_an_address_that_somebody_took_meanwhile_is_refused(client: Client, services: Services) -> None:
    account_id = await add_account(services, "old@example.com")
    async with services.transaction() as tx:
        await email_changes.ask(tx, account_id, "new@example.com")
    token = await token_sent(services, "new@example.com")
    await add_account(services, "new@example.com")
    answer = await ask(client, "verify-email", {"token": token}, 409)
    assert answer["error"]["code"] == "DUPLICATE_EMAIL"
