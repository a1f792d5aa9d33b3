"""A seeded city on a real database with a clock that stands still: what tests of bookings start from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dispatch.bus import LocalBus
from dispatch.clock import Reading
from dispatch.process.runtime import assemble, set_clock
from dispatch.seeding.seed import Seeded, seed
from dispatch.services import Services
from storage.database.pool import Pool
from tests.world import test_settings

#: A Tuesday, 08:00 in Kolkata.
MORNING = datetime(2026, 1, 20, 2, 30, tzinfo=UTC)


@dataclass(slots=True)
class City:
    """Services over a seeded database; `advance` moves the clock of both."""

    services: Services
    seeded: Seeded

    async def at(self, moment: datetime) -> None:
        await set_clock(self.services, Reading(moment.timestamp(), moment.timestamp(), 0.0))

    async def advance(self, **by: float) -> None:
        await self.at(self.services.clock.now() + timedelta(**by))

    async def value(self, query: str, *args: Any) -> Any:
        """One value straight from the database, for looking behind the scenes."""
        async with self.services.read() as conn:
            return await conn.fetchval(query, *args)

    async def run(self, statement: str, *args: Any) -> None:
        async with self.services.pool.transaction() as conn:
            await conn.execute(statement, *args)


@asynccontextmanager
async def city(pool: Pool, *, technicians: int = 12, customers: int = 3, **settings: Any) -> AsyncIterator[City]:
    """A city at MORNING. `settings` are groups of Settings as dicts."""
    folder = Path(tempfile.mkdtemp(prefix="dispatch-city-"))
    services = await assemble(test_settings(folder, **settings), pool, LocalBus())
    await set_clock(services, Reading(MORNING.timestamp(), MORNING.timestamp(), 0.0))
    made = City(services, await seed(services, technicians=technicians, customers=customers))
    try:
        yield made
    finally:
        await services.bus.close()
        shutil.rmtree(folder, ignore_errors=True)
