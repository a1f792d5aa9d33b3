"""Whoever becomes free is offered what they could take: nobody looks in vain, the first to start is served first."""

from __future__ import annotations

import pytest

from dispatch.engine import waking
from dispatch.engine.timers import Sweeper
from storage import queue as rows
from tests.dispatch.engine.waiting import AROUND_THE_CLOCK, NIGHTS, waiting_copies
from tests.statements import counted
from tests.world import World


async def test_two_hundred_wait_and_twenty_come_online(world: World) -> None:
    """Each of the first twenty is looked at, and gets an offer; of the others nobody is."""
    made = await waiting_copies(world, 200, hours=1.4, step_s=1)
    people = [await world.technician(is_available=False) for _ in range(20)]
    await Sweeper(world.services).sweep()
    await world.execute("UPDATE technicians SET is_available = true")
    await world.services.roster.refresh(people)
    with counted(world.services.pool) as asked:
        await Sweeper(world.services).sweep()
    offered = await world.fetch("SELECT booking_id FROM offers WHERE state = 'open'")
    assert {r["booking_id"] for r in offered} == set(made[:20])
    # Those who work on several of them at once may meet at one technician; nobody else looks in vain.
    looks = await world.value("SELECT sum(looks)::int FROM match_attempts")
    assert 20 <= looks <= 40
    assert sum("AS is_first_taken" in one for one in asked) <= 2 + looks - 20
    assert sum("What waits around" in one for one in asked) <= 3 * (2 + looks - 20)
    # What the roster says of them again wakes nobody: their place is taken.
    await world.services.roster.refresh(people)
    with counted(world.services.pool) as asked:
        await Sweeper(world.services).sweep()
    assert len(asked) <= 20, asked
    assert await world.value("SELECT sum(looks)::int FROM match_attempts") == looks


async def test_the_most_important_and_then_the_first_to_start_is_served_first(world: World) -> None:
    later = await waiting_copies(world, 3, hours=5, step_s=7200)
    important = await waiting_copies(world, 2, hours=40, step_s=7200, priority=1, stem="I")
    await world.technician(working_hours=AROUND_THE_CLOCK)
    await world.sweep()
    offered = await world.fetch("SELECT booking_id FROM offers")
    assert {r["booking_id"] for r in offered} == {*important, later[0]}


async def test_whoever_fits_behind_many_who_do_not_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """More wait around a technician than are looked through at once, and only the last is in their hours."""
    monkeypatch.setattr(waking, "LISTED", 2)
    monkeypatch.setattr(waking, "MOST_LISTED", 8)
    await waiting_copies(world, 17, hours=4, step_s=60)
    [mine] = await waiting_copies(world, 1, hours=12.2, step_s=0, stem="N")
    one = await world.technician(working_hours=NIGHTS)
    await world.sweep()
    assert await world.open_offer(mine) is not None
    assert await world.value("SELECT count(*) FROM match_attempts") == 1
    assert (await world.open_offer(mine))["technician_id"] == one


async def test_waking_walks_the_index_of_those_who_wait(world: World) -> None:
    async with world.services.transaction() as tx:
        await tx.conn.execute("SET LOCAL enable_seqscan = off")
        await tx.conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        plans = []
        given_to = {rows.around: "'{}', '{}', '{}', '{}', '{}', '{}', NULL, 0, NULL, 1", rows.near_start: "now()"}
        for statement, given in given_to.items():
            await tx.conn.execute(f"PREPARE asked AS {statement.text}")
            found = await tx.conn.fetch(f"EXPLAIN EXECUTE asked ({given})")
            plans.append("\n".join(r[0] for r in found))
            await tx.conn.execute("DEALLOCATE asked")
    assert "bookings_looking" in plans[0] and "Index Cond: ((starts_at > " in plans[1], plans
    assert not any("Seq Scan on bookings b" in plan for plan in plans)
