"""Who is asked about: no further than the last look needs, and each of them once."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.engine import candidates
from storage import candidates as rows
from tests.world import World


async def test_the_search_looks_no_further_than_its_last_look(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody will do, and every look finds more: it ends nevertheless."""
    ids = [await world.technician(km_north=2) for _ in range(7)]
    people = [person for one in ids if (person := world.services.roster.find(one)) is not None]
    booking = await world.book(dispatch=False)
    looks: list[int] = []
    read = _noted(monkeypatch)

    def near(services: object, place: object, live: bool, policy: object, limit: int) -> list[candidates.Reachable]:
        looks.append(limit)
        return [candidates.Reachable(person, 9e6) for person in people[: len(looks)]]

    monkeypatch.setattr(candidates, "near", near)
    async with world.services.read() as conn:
        judged, _ = await candidates.judge(conn, world.services, booking, world.now)
    assert looks == [20, 40, 80, 160, 320, 640, 1280]
    # Of whoever a nearer look had found nothing is read again.
    assert read == [[one] for one in ids]
    assert sorted(one.candidate.id for one in judged) == sorted(ids)


async def test_a_look_that_finds_nobody_else_is_the_last(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = await world.technician(km_north=2)
    other = await world.technician(km_north=3, categories=("Cleaning",))
    booking = await world.book(dispatch=False)
    await world.execute("INSERT INTO technician_blocks VALUES ($1, $2)", booking.account_id, tried)
    read = _noted(monkeypatch)
    async with world.services.read() as conn:
        judged, _ = await candidates.judge(conn, world.services, booking, world.now)
    assert {one.candidate.id: one.reason for one in judged} == {tried: "blocked", other: "category"}
    assert read == [[tried]]


def _noted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Of whom the database is asked, statement by statement."""
    read: list[Any] = []
    known = rows.known

    async def noted(conn: Any, **given: Any) -> Any:
        read.append(given["ids"])
        return await known(conn, **given)

    monkeypatch.setattr(rows, "known", noted)
    return read
