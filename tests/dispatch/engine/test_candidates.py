"""Who is asked about: no further than the last look needs."""

from __future__ import annotations

import pytest

from dispatch.engine import candidates
from tests.world import World


async def test_the_search_looks_no_further_than_its_last_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody will do, and every look finds more: it ends nevertheless."""
    person = world.services.roster.find(await world.technician(km_north=2))
    assert person is not None
    booking = await world.book(dispatch=False)
    looks: list[int] = []

    def near(services: object, place: object, live: bool, policy: object, limit: int) -> list[candidates.Reachable]:
        looks.append(limit)
        return [candidates.Reachable(person, 9e6)] * len(looks)

    monkeypatch.setattr(candidates, "near", near)
    async with world.services.read() as conn:
        await candidates.judge(conn, world.services, booking, world.now)
    assert looks == [20, 80, 320, 1280]
