"""A till behind the real application, time standing still, and staff of any role who speak HTTP to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.access.dev_tokens import mint_dev_token
from dispatch.adapters.files.folder import FolderStore
from dispatch.adapters.razorpay import opened
from dispatch.billing import ledger_check
from dispatch.local_gateway.server import LocalGateway
from storage.database.pool import create_pool
from tests.api.customer.conftest import Visitor
from tests.conftest import clone
from tests.dispatch.billing.conftest import open_till
from tests.dispatch.billing.till import Till
from tests.world import World


@dataclass
class Counter:
    till: Till
    staff: Visitor

    @property
    def world(self) -> World:
        return self.till.world

    async def ask(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> Any:
        """What the back office answers: the data, or of a refusal all of it."""
        status, answer, _ = await self.staff.call(method, f"/admin{path}", body)
        assert status == expect, (status, answer)
        return answer["data"] if expect < 300 and "data" in answer else answer

    async def role(self, name: str) -> Visitor:
        """Somebody of the staff with this role."""
        token = await mint_dev_token(self.world.services, "admin", f"{name}@example.com")
        await self.world.execute(
            "UPDATE memberships SET role = $1 WHERE account_id = (SELECT id FROM accounts WHERE email = $2)",
            name, f"{name}@example.com",
        )  # fmt: skip
        return Visitor(self.staff.client, None, token)

    async def audited(self, action: str) -> dict[str, Any]:
        """The changes of the newest entry of this action."""
        found = await self.world.value(
            "SELECT changes FROM audit_log WHERE action = $1 ORDER BY id DESC LIMIT 1", action
        )
        assert found is not None, action
        return dict(found)

    async def check(self) -> None:
        """The ledger is sound."""
        async with self.world.services.read() as conn:
            assert await ledger_check.check(conn) == []


@asynccontextmanager
async def open_counter(pg_home: str, folder: Path) -> AsyncIterator[Counter]:
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    async with LocalGateway(seed=3) as gw:
        till = await open_till(pool, folder, gw)
        services = till.world.services
        # The world gives its technicians codes of its own.
        await till.world.execute("INSERT INTO document_sequences (code, period, last_value) VALUES ('PT', '', 500000)")
        services.files = FolderStore(folder / "files")
        services.settings.limits.admin_per_minute = 100_000
        async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
            staff = Visitor(client, None, await mint_dev_token(services, "admin", "boss@example.com"))
            yield Counter(till, staff)
        await opened.close(services.settings.payments)
        await services.bus.close()
    await pool.close()


@pytest.fixture(scope="module")
async def own_counter(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """For a module whose tests count who and what is there."""
    async with open_counter(pg_home, tmp_path_factory.mktemp("counter")) as made:
        yield made
