"""One real server process for a session of trials, or one that runs already (`--url`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from dispatch.cli import running
from tests.processes import House, data_folder
from tests.trials.callers import Trial
from tests.trials.people import HOMES, Customer, Technician, cancel_all

TECHNICIANS, CUSTOMERS = 12, HOMES
#: All trials come from one address: what is counted per address must not end them.
ROOMY = {
    "DISPATCH_LIMITS__CUSTOMER_PER_MINUTE": "100000", "DISPATCH_LIMITS__TECHNICIAN_PER_MINUTE": "100000",
    "DISPATCH_LIMITS__CONTACT_PER_HOUR": "1000", "DISPATCH_LIMITS__BOOKING_CREATION_PER_HOUR": "1000",
    "DISPATCH_LOG_LEVEL": "warning", "DISPATCH_HTTP__ALLOWED_ORIGINS": '["https://shop.example"]',
}  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--url", default=None, help="Try the server that runs there instead of starting one.")
    parser.addoption("--data", default=None, help="Its data folder, for tokens, codes and imports (with --url).")


@pytest.fixture(scope="session")
async def tried(pytestconfig: pytest.Config) -> AsyncIterator[Trial]:
    """A seeded city behind a real process."""
    url, data = pytestconfig.getoption("--url", None), pytestconfig.getoption("--data", None)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=aiohttp.ClientTimeout(30)) as http:
        if url is not None:
            folder = Path(data) if data else _folder_of(url)
            yield Trial(url.rstrip("/"), http, House(folder), None)
            return
        with data_folder(None) as folder:
            house = House(folder, env=ROOMY)
            await house.said("migrate")
            await house.said("seed", "--technicians", str(TECHNICIANS), "--customers", str(CUSTOMERS))
            server = await house.serve()
            try:
                yield Trial(server.url, http, house, server.process.pid)
            finally:
                await server.terminate()


def _folder_of(url: str) -> Path:
    """Where the data of a server on this machine lie, by the note that it left."""
    found = [one for one in running.servers() if one.url == url.rstrip("/") and not one.database]
    if not found:
        pytest.exit(f"{url} is no server of yours on this machine: name its data folder with --data", returncode=2)
    return Path(found[0].data)


@pytest.fixture
async def trial(tried: Trial) -> AsyncIterator[Trial]:
    """The same, where nothing is left of what a test has booked: technicians hold a few offers at a time, and the next
    test, or the next run, wants some.
    """
    yield tried
    await cancel_all(tried)


@pytest.fixture
async def customer(trial: Trial) -> Customer:
    return await Customer.new(trial)


@pytest.fixture
async def technician(trial: Trial) -> Technician:
    return await Technician.new(trial)
