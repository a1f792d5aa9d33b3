"""The roster on a real database: what changed is read once, and who is named is read at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from dispatch.live import roster as roster_module
from dispatch.live.roster import OVERLAP_S, Technician
from tests.world import KOLKATA, World


def heard(world: World) -> list[UUID]:
    """Whom the roster takes over from now on, in order."""
    found: list[UUID] = []

    def listener(person: Technician) -> None:
        found.append(person.id)

    world.services.roster.on_change(listener)
    return found


async def test_a_look_takes_over_what_changed_and_only_once(world: World) -> None:
    roster = world.services.roster
    people = [await world.technician() for _ in range(3)]
    await roster.refresh()
    found = heard(world)
    await roster.refresh()
    assert found == []
    await world.execute("UPDATE technicians SET service_radius_m = 2000 WHERE id = $1", people[1])
    await roster.refresh()
    await roster.refresh()
    assert found == [people[1]]
    changed = roster.find(people[1])
    assert changed is not None and changed.radius_m == 2000


async def test_everybody_who_changed_long_before_the_last_look_is_left_alone(world: World) -> None:
    for _ in range(3):
        await world.technician()
    await world.execute("ALTER TABLE technicians DISABLE TRIGGER technicians_touch")
    await world.execute(
        "UPDATE technicians SET changed_at = clock_timestamp() - make_interval(secs => $1)", 10 * OVERLAP_S
    )
    await world.services.roster.refresh()
    found = heard(world)
    await world.services.roster.refresh()
    assert found == []


async def test_a_change_that_commits_late_is_still_found(world: World) -> None:
    roster = world.services.roster
    person = await world.technician()
    await roster.refresh()
    found = heard(world)
    async with world.services.transaction() as tx:
        await tx.conn.execute("UPDATE technicians SET is_available = false WHERE id = $1", person)
        # Somebody looks between the change and its commit.
        await roster.refresh()
        assert found == []
    await roster.refresh()
    assert found == [person]


async def test_the_named_are_read_even_where_their_own_row_stands(world: World) -> None:
    """A name belongs to the party: the technician's row does not change with it."""
    roster = world.services.roster
    one, other = await world.technician(), await world.technician()
    await roster.refresh()
    found = heard(world)
    await world.execute("UPDATE parties SET name = 'Newly named' WHERE id = ANY($1)", [one, other])
    await roster.refresh([one])
    assert found == [one]
    named = roster.find(one)
    assert named is not None and named.name == "Newly named"


async def test_a_node_does_not_read_back_what_it_saved_itself(world: World) -> None:
    tracker = world.services.tracker
    mine, theirs = await world.technician(), await world.technician()
    await tracker.flush()
    await world.execute(
        "UPDATE technician_positions SET lat = lat + 0.01, fix_at = fix_at + interval '1 minute',"
        " saved_at = clock_timestamp(), saved_by = CASE WHEN technician_id = $1 THEN saved_by END",
        mine,
    )
    before = {one: tracker.find_by_id(one).lat for one in (mine, theirs)}  # type: ignore[union-attr]
    await tracker.read_positions()
    seen = {one: tracker.find_by_id(one).lat for one in (mine, theirs)}  # type: ignore[union-attr]
    assert seen[mine] == before[mine]
    assert abs(seen[theirs] - before[theirs] - 0.01) < 1e-9
    assert abs(seen[theirs] - KOLKATA[0]) < 0.1


async def test_thousands_who_changed_at_one_time_are_taken_over_some_a_turn(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roster_module, "PAGE", 4)
    monkeypatch.setattr(roster_module, "SLICE", 2)
    services = world.services
    people = [await world.technician() for _ in range(11)]
    await services.roster.refresh()
    # All at the same moment: the pages go on by the id.
    await world.execute("ALTER TABLE technicians DISABLE TRIGGER technicians_touch")
    await world.execute("UPDATE technicians SET changed_at = clock_timestamp(), service_radius_m = 2500")
    turn, turns = 0, dict[UUID, int]()
    services.roster.on_change(lambda person: turns.update({person.id: turn}))
    looking = asyncio.create_task(services.roster.refresh())
    while not looking.done():
        turn += 1
        await asyncio.sleep(0)
    await looking
    assert set(turns) == set(people)
    assert max(Counter(turns.values()).values()) == 2
    for named in (people, people[:3]):
        turns.clear()
        await services.roster.refresh(named)
        assert set(turns) == set(named)
