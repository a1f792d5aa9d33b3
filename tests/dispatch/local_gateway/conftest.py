"""A gateway, a shop that it tells, and a plain HTTP client."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.shop import Shop


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with Shop() as shop:
        yield shop


@pytest.fixture
async def gw(shop: Shop) -> AsyncIterator[LocalGateway]:
    async with LocalGateway(seed=7, webhook_url=shop.url) as gateway:
        yield gateway


@pytest.fixture
async def http(gw: LocalGateway) -> AsyncIterator[aiohttp.ClientSession]:
    """Signed in."""
    async with aiohttp.ClientSession(gw.url, headers={"Authorization": gw.authorization}) as session:
        yield session
