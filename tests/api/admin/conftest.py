"""One counter for all modules whose tests do not mind each other's bookings and people."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.admin.counter import Counter, open_counter


@pytest.fixture(scope="package")
async def counter(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    async with open_counter(pg_home, tmp_path_factory.mktemp("counter")) as made:
        yield made
