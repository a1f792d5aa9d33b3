"""A server with organisations on it, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.adapters.files.folder import FolderStore
from dispatch.services import Services
from storage.database.pool import create_pool
from tests.conftest import clone
from tests.identity import make_services
from tests.organisations import Home, add_organisation

PLENTY = {
    "organisation_per_minute": 10**6, "customer_per_minute": 10**6,
    **{f"organisation_{name}_per_quarter": 10**6 for name in ("general", "management", "bulk", "analytics")},
    "organisation_uploads_per_hour": 10**6,
}  # fmt: skip


@dataclass
class Portal:
    """The organisation portal over HTTP; `home` is an organisation whose owner sends what names nobody else."""

    services: Services
    client: TestClient[Any, Any]
    home: Home

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, expect: int = 200,
        data: FormData | None = None,
    ) -> Any:  # fmt: skip
        """One request under /api/partners; fails with the answer when the status is another."""
        sent = self.home.headers() if headers is None else headers
        kept = {"data": data} if data is not None else {"json": body}
        async with self.client.request(method, f"/api/partners{path}", headers=sent, **kept) as reply:
            answer = await reply.json() if reply.content_type == "application/json" else await reply.read()
            assert reply.status == expect, (reply.status, answer)
            return answer


@pytest.fixture(scope="module")
async def portal(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    folder: Path = tmp_path_factory.mktemp("portal")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    services = make_services(pool, folder, limits=PLENTY)
    services.files = FolderStore(folder / "files")
    async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
        yield Portal(services, client, await add_organisation(services))
    await services.bus.close()
    await pool.close()
