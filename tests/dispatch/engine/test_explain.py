"""What is kept of an attempt."""

from __future__ import annotations

import pytest

from dispatch.engine import candidates, explain
from dispatch.engine.matching import Judged
from tests.dispatch.engine.test_matching import GOOD
from tests.world import World


def judged(eligible: int, refused: int) -> list[Judged]:
    fit = [Judged(GOOD, None, 1.0 - n / 1000, {}) for n in range(eligible)]
    return fit + [Judged(GOOD, f"reason{n}", None, {}) for n in range(refused)]


@pytest.mark.parametrize(
    ("eligible", "refused", "kept"),
    [
        (0, 0, (0, 0)),
        (3, 12, (3, 12)),
        (150, 9, (20, 9)),
        (150, 500, (20, 20)),
        (0, 500, (0, 40)),
        (8, 500, (8, 32)),
    ],
)
def test_the_best_and_the_nearest_are_kept(eligible: int, refused: int, kept: tuple[int, int]) -> None:
    given = judged(eligible, refused)
    found = explain.kept(given)
    assert found == given[: kept[0]] + given[eligible : eligible + kept[1]]


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
