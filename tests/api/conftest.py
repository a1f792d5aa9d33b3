"""What tests of several audiences share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.documents.openapi import openapi_document
from storage.database.pool import Pool
from tests.api.shop import Shop, open_shop


@pytest.fixture(scope="session")
def whole() -> Any:
    """The document of the whole server, made once: tests only read it."""
    return openapi_document()


@pytest.fixture
async def shop(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[Shop]:
    """The application, a till and the local gateway, whose webhooks come in by HTTP."""
    async with open_shop(fresh_pool, tmp_path) as made:
        yield made
