"""The pages: every asset is our own, and the bare address leads to them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from api.audiences import AUDIENCES
from tests.api.support import Client, FakeServices, serving


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    async with serving(FakeServices(), AUDIENCES) as made:
        yield made


@pytest.mark.parametrize("page", ["/", "/docs", "/docs/events"])
async def test_pages_need_nothing_from_elsewhere(client: Client, page: str) -> None:
    async with client.get(page) as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")
        assert reply.url.path.startswith("/docs")
        text, policy = await reply.text(), reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "http" not in policy
    named = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert named and not [n for n in named if "//" in n]
    for path in named:
        if path.startswith("/"):
            async with client.get(path) as asset:
                assert asset.status == 200 and await asset.read(), path
