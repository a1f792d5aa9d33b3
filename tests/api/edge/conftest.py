"""A client of a server with the settings of these tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.demo import DEMO
from tests.api.support import Client, FakeServices, serving


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(FakeServices(), DEMO) as made:
        yield made
