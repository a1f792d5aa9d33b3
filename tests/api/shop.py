"""The till behind the real application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.adapters.razorpay import opened
from dispatch.local_gateway.server import LocalGateway
from storage.database.pool import Pool
from tests.api.customer.conftest import Visitor
from tests.dispatch.billing.conftest import open_till
from tests.dispatch.billing.till import Till


@dataclass(slots=True)
class Shop:
    """The till behind the real application; the gateway's webhooks come in by HTTP."""

    till: Till
    client: TestClient[Any, Any]

    async def visitor(self, realm: str, subject_id: UUID) -> Visitor:
        async with self.till.world.services.transaction() as tx:
            pair = await self.till.world.services.sessions.open(tx, realm, subject_id, ip=None, user_agent=None)
        return Visitor(self.client, subject_id, pair.access_token)


@asynccontextmanager
async def open_shop(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[Shop]:
    async with LocalGateway(seed=3) as gw:
        till = await open_till(fresh_pool, tmp_path, gw)
        async with TestClient(TestServer(create_app(till.world.services, with_sockets=False))) as client:
            await gw.control(webhook_url=str(client.make_url("/v1/payments/webhook")), retry_s=0.02)
            yield Shop(till, client)
        await opened.close(till.world.services.settings.payments)
        await till.world.services.bus.close()
