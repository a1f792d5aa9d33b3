"""The real client against the local gateway, over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dispatch.adapters.razorpay.client import RazorpayGateway
from dispatch.local_gateway.server import LocalGateway


@pytest.fixture
async def gw() -> AsyncIterator[LocalGateway]:
    async with LocalGateway(seed=7) as gateway:
        yield gateway


@pytest.fixture
async def client(gw: LocalGateway) -> AsyncIterator[RazorpayGateway]:
    client = RazorpayGateway(gw.key_id, gw.key_secret, base_url=gw.url, payout_account="7878780080316316")
    yield client
    await client.close()


@pytest.fixture
async def hasty(gw: LocalGateway) -> AsyncIterator[RazorpayGateway]:
    """A client whose time is up after a second and a half, with one thread."""
    client = RazorpayGateway(gw.key_id, gw.key_secret, base_url=gw.url, total_timeout_s=1.5, threads=1)
    yield client
    await client.close()
