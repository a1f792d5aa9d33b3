"""One server for all tests of the back office that do not disturb one another."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.api.admin.office import Office
from tests.api.live import live_server
from tests.conftest import clone
from tests.parties import staff


@pytest.fixture(scope="package")
async def office(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    async with live_server(await clone(pg_home), folder, technicians=4, customers=3) as live:
        yield Office(live, await staff(live, "super_admin", "boss@example.com"))
