"""The till: a world with the local gateway, webhooks included; and an organisation that is billed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer

from dispatch.adapters.files.folder import FolderStore
from dispatch.adapters.razorpay import opened
from dispatch.billing.worker import MoneyWorker
from dispatch.local_gateway.server import LocalGateway
from dispatch.services import Services
from storage.database.pool import Pool
from tests.dispatch.billing.till import Till, hook
from tests.organisations import Home, add_organisation
from tests.world import World, make_world


@pytest.fixture
async def gw() -> AsyncIterator[LocalGateway]:
    async with LocalGateway(seed=7) as gateway:
        yield gateway


async def open_till(pool: Pool, folder: Path, gw: LocalGateway, total_s: float = 30.0) -> Till:
    world: World = await make_world(
        pool, folder,
        payments={
            "key_id": gw.key_id, "key_secret": gw.key_secret, "webhook_secret": gw.webhook_secret,
            "base_url": gw.url, "account_number": "7878780080316316", "total_s": total_s,
        },
    )  # fmt: skip
    for km in (6, 7, 8):
        # Somebody is always free; the tests' own technicians are nearer.
        await world.technician(km_north=km)
    services = world.services
    return Till(world, gw, MoneyWorker(services, services.gateway, first_wait_s=0.01))


@pytest.fixture
async def till(
    fresh_pool: Pool, tmp_path: Path, gw: LocalGateway, request: pytest.FixtureRequest
) -> AsyncIterator[Till]:
    """Webhooks arrive by themselves; what they lead to is worked on by `drain`.

    The parameter is how long the gateway is waited for, where a test makes it hang.
    """
    made = await open_till(fresh_pool, tmp_path, gw, getattr(request, "param", 30.0))
    server = TestServer(hook(made.world))
    await server.start_server()
    await gw.control(webhook_url=str(server.make_url("/hook")), retry_s=0.02)
    yield made
    await opened.close(made.world.services.settings.payments)
    await server.close()
    await made.world.services.bus.close()


@pytest.fixture
async def deaf_till(fresh_pool: Pool, tmp_path: Path, gw: LocalGateway) -> AsyncIterator[Till]:
    """The same, and no webhook ever arrives."""
    made = await open_till(fresh_pool, tmp_path, gw)
    yield made
    await opened.close(made.world.services.settings.payments)
    await made.world.services.bus.close()


@pytest.fixture
async def home(services: Services, tmp_path: Path) -> Home:
    """An organisation, and a folder for its files."""
    services.files = FolderStore(tmp_path / "files")
    return await add_organisation(services)
