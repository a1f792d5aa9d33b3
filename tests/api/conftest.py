"""What tests of several audiences share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.documents.openapi import openapi_document
from storage.database.pool import Pool
from tests.api.demo import DEMO
from tests.api.shop import Shop, open_shop
from tests.api.support import Client, FakeServices, serving


@pytest.fixture(scope="session")
def whole() -> Any:
    """The document of the whole server, made once: tests only read it."""
    return openapi_document()


@pytest.fixture
async def shop(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[Shop]:
    """The application, a till and the local gateway, whose webhooks come in by HTTP."""
    async with open_shop(fresh_pool, tmp_path) as made:
        yield made


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of the small audiences of `demo`, without a database."""
    async with serving(FakeServices(), DEMO) as made:
        yield made
