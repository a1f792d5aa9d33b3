"""One service, one customer and three technicians over HTTP: what the tests of the internal API start from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.api.live import Live, Person, live_server
from tests.api.test_story import make_everybody_a_beautician


@dataclass
class Scene:
    live: Live
    service: Person
    customer: Person
    technicians: list[Person]
    place: tuple[float, float]

    async def online(self, n: int) -> None:
        await self.technicians[n].call(
            "PATCH", "/v1/partner/availability",
            {"is_available": True, "current_lat": self.place[0] + n / 100, "current_lng": self.place[1]},
        )  # fmt: skip
        await self.live.services.roster.refresh()

    async def id_of(self, n: int) -> str:
        return str(await self.live.value("SELECT id FROM parties WHERE code = $1", f"PT-{n + 1:03d}"))


@pytest.fixture
async def scene(fresh_dsn: str, tmp_path: Path) -> AsyncIterator[Scene]:
    async with live_server(fresh_dsn, tmp_path, technicians=3, customers=1) as live:
        place = await make_everybody_a_beautician(live)
        async with live.services.transaction() as tx:
            await tx.conn.execute("UPDATE technicians SET is_available = false")
        await live.services.roster.refresh()
        people = [await live.person("technician", f"PT-00{n}") for n in (1, 2, 3)]
        service, customer = await live.person("service", "test"), await live.person("customer", "+911000100001")
        yield Scene(live, service, customer, people, place)
