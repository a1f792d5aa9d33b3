"""One browser for a worker and one seeded server for a module: pages are tested where people use them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.live import Live, live_server
from tests.conftest import clone
from tests.console.browsing import ARGUMENTS, CHROMIUM, why_not


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Any]:
    """One Chromium for a worker; skips in words where there is none."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield made
        await made.close()


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    """A server in development with a few people; one for all tests of a module."""
    folder = tmp_path_factory.mktemp("console")
    async with live_server(await clone(pg_home), folder, technicians=6, customers=3, env="development") as made:
        yield made
