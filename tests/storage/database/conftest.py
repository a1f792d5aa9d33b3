"""Pools of a particular make."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.database.pool import Pool, create_pool


@pytest.fixture
async def one(fresh_dsn: str) -> AsyncIterator[Pool]:
    """A pool of a single connection: whoever comes next gets that one."""
    made = await create_pool(fresh_dsn, min_size=1, max_size=1)
    yield made
    await made.close()
