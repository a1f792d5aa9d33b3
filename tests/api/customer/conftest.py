"""A seeded city behind the real application, and customers who speak HTTP to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from storage.database.pool import Pool
from tests.city import City, city


@dataclass(slots=True)
class Visitor:
    """Somebody with or without a token. `call` gives (status, JSON body, headers)."""

    client: TestClient[Any, Any]
    account_id: UUID | None = None
    token: str | None = None

    async def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> tuple[int, Any, Any]:
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        content = {"data": raw} if raw is not None else {"json": json} if json is not None else {}
        async with self.client.request(method, "/v1" + path, headers=sent, **content) as answer:
            text = await answer.read()
            body = await answer.json() if text else None
            return answer.status, body, answer.headers

    async def get(self, path: str, **kwargs: Any) -> Any:
        """The data of a 200."""
        status, body, _ = await self.call("GET", path, **kwargs)
        assert status == 200, body
        return body["data"]


@dataclass(slots=True)
class House:
    """The application over a city."""

    city: City
    client: TestClient[Any, Any]

    async def customer(self, n: int = 0) -> Visitor:
        account_id = self.city.seeded.customer_ids[n]
        async with self.city.services.transaction() as tx:
            pair = await self.city.services.sessions.open(tx, "customer", account_id, ip=None, user_agent=None)
        return Visitor(self.client, account_id, pair.access_token)

    @property
    def visitor(self) -> Visitor:
        return Visitor(self.client)


@pytest.fixture
async def house(fresh_pool: Pool) -> AsyncIterator[House]:
    async with (
        city(fresh_pool, technicians=24, limits={"customer_per_minute": 10_000}) as made,
        TestClient(TestServer(create_app(made.services, with_sockets=False))) as client,
    ):
        yield House(made, client)


@pytest.fixture
async def customer(house: House) -> Visitor:
    return await house.customer()
