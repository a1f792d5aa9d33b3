"""A server for the providers' dashboards, one per module: each test has a provider of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.adapters.razorpay import opened
from dispatch.local_gateway.server import LocalGateway
from storage.database.pool import create_pool
from tests.conftest import clone
from tests.dispatch.billing.conftest import open_till
from tests.dispatch.billing.till import Till
from tests.providers import Owned, add_member, add_provider, token_of
from tests.world import World


@dataclass
class Teammate:
    """Somebody of a provider's team at their dashboard."""

    client: TestClient[Any, Any]
    owned: Owned
    token: str

    async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200) -> Any:
        """One request; fails with the answer when the status is not the expected one. None for a file."""
        return await call(self.client, self.token, method, f"/api/providers{path}", body, expect=expect)

    async def walked(self, path: str, key: str, sort: str) -> list[str]:
        """The ids of a list in an order, found one by one by its own cursors."""
        found, after = [], ""
        while True:
            data = (await self.call("GET", f"{path}?sort={sort}&limit=1{after}"))["data"]
            found += [item.get("id") or item["_id"] for item in data[key]]
            cursor = data["pagination"]["cursor"]
            if cursor is None:
                return found
            after = f"&cursor={cursor}"

    async def file(self, path: str) -> tuple[bytes, Any]:
        """A download and its headers."""
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self.client.get(f"/api/providers{path}", headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.read(), reply.headers


async def call(
    client: TestClient[Any, Any], token: str | None, method: str, path: str, body: Any = None, *,
    expect: int | None = 200,
) -> Any:  # fmt: skip
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with client.request(method, path, json=body, headers=headers) as reply:
        answer = await reply.json()
        assert expect is None or reply.status == expect, (reply.status, answer)
        return answer


@dataclass
class Office:
    """The application with a till and the local gateway, whose webhooks come in by HTTP."""

    till: Till
    client: TestClient[Any, Any]

    @property
    def world(self) -> World:
        return self.till.world

    async def owner(self, **values: Any) -> Teammate:
        """The owner of a new provider."""
        owned = await add_provider(self.world.services, **values)
        return Teammate(self.client, owned, await token_of(self.world.services, owned.membership_id))

    async def member(self, of: Teammate, role: str) -> Teammate:
        tie = await add_member(self.world.services, of.owned, role)
        return Teammate(self.client, of.owned, await token_of(self.world.services, tie.id))


@pytest.fixture(scope="module")
async def office(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=16)
    async with LocalGateway(seed=3) as gateway:
        till = await open_till(pool, tmp_path_factory.mktemp("office"), gateway)
        services = till.world.services
        async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
            await gateway.control(webhook_url=str(client.make_url("/v1/payments/webhook")), retry_s=0.02)
            yield Office(till, client)
        await opened.close(services.settings.payments)
        await services.bus.close()
    await pool.close()
