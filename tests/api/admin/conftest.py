"""What all modules of the back office's tests share, whose tests do not mind each other."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.admin.counter import Counter, open_counter
from tests.api.admin.office import Office
from tests.api.live import live_server
from tests.conftest import clone
from tests.parties import staff


@pytest.fixture(scope="package")
async def counter(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Counter]:
    """One counter: bookings and people."""
    async with open_counter(pg_home, tmp_path_factory.mktemp("counter")) as made:
        yield made


@pytest.fixture(scope="package")
async def office(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """A seeded server, and a super_admin."""
    folder = tmp_path_factory.mktemp("office")
    async with live_server(await clone(pg_home), folder, technicians=4, customers=3) as live:
        yield Office(live, await staff(live, "super_admin", "boss@example.com"))
