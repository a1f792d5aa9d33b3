"""One server for everything about integrations, with limits that nothing here runs into by chance."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.live import Live, Person, live_server
from tests.api.test_story import make_everybody_a_beautician
from tests.conftest import clone
from tests.parties import staff

PLENTY = {
    "customer_per_minute": 10**6, "integration_public_per_quarter": 10**6, "integration_staff_per_quarter": 10**6,
    "account_per_minute": 10**6, "onboarding_per_minute": 10**6,
}  # fmt: skip


@pytest.fixture(scope="package")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    folder: Path = tmp_path_factory.mktemp("integrations")
    async with live_server(await clone(pg_home), folder, technicians=3, customers=1, limits=PLENTY) as made:
        await make_everybody_a_beautician(made)
        yield made


@pytest.fixture(scope="package")
async def admin(live: Live) -> Person:
    return await staff(live)


@pytest.fixture(scope="package")
async def support(live: Live) -> Person:
    """May read integrations and change nothing of them."""
    return await staff(live, "support")
