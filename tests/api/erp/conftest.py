"""The ERP over HTTP: an office with a clerk of each role, on a database of the module's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.services import Services
from storage.database.pool import create_pool
from tests.conftest import clone
from tests.identity import make_services
from tests.parties import add_account, add_membership


@dataclass
class Clerk:
    """Somebody of the ERP's staff who speaks HTTP."""

    client: TestClient[Any, Any]
    token: str

    async def call(self, method: str, path: str, body: Any = None, *, expect: int = 200, **sent: Any) -> Any:
        """One request under /api/backend; fails with the answer when the status is not the expected one."""
        content = {"json": body} if body is not None else {}
        more = sent.pop("headers", {})
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **more}
        if "data" in sent:
            del headers["Content-Type"]
        async with self.client.request(method, "/api/backend" + path, headers=headers, **content, **sent) as answer:
            text = await answer.read()
            shown = await answer.json() if answer.content_type == "application/json" else text
            assert answer.status == expect, (answer.status, shown)
            return shown

    async def get(self, path: str) -> Any:
        return await self.call("GET", path)

    async def partner(self, **fields: Any) -> Any:
        """A new partner, as the answer shows it."""
        made = await self.call("POST", "/partners", {"name": "Acme Corp", **fields}, expect=201)
        return made["partner"]


@dataclass
class Office:
    services: Services
    client: TestClient[Any, Any]
    clerks: dict[str, Clerk] = field(default_factory=dict)

    async def clerk(self, role: str = "admin") -> Clerk:
        if role not in self.clerks:
            account_id = await add_account(self.services, f"{role}.{uuid4().hex[:6]}@example.com", None)
            membership_id = await add_membership(self.services, account_id, "erp", role)
            async with self.services.transaction() as tx:
                pair = await self.services.sessions.open(tx, "erp", membership_id, ip=None, user_agent=None)
            self.clerks[role] = Clerk(self.client, pair.access_token)
        return self.clerks[role]


@pytest.fixture(scope="module")
async def office(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    services = make_services(pool, folder, limits={"erp_per_minute": 100_000})
    async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
        yield Office(services, client)
    await services.bus.close()
    await pool.close()


@pytest.fixture
async def clerk(office: Office) -> Clerk:
    return await office.clerk()
