"""Meanwhile others work on the same, something changes during a look, and the database or a clock goes away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dispatch.engine import candidates, offers, waking
from dispatch.engine.timers import Sweeper
from dispatch.process import runtime
from dispatch.services import Tx
from storage import queue as rows
from storage.database.errors import StorageError
from storage.database.pool import Conn, Pool
from tests import turns
from tests.dispatch.engine.waiting import AROUND_THE_CLOCK, waiting_copies
from tests.turns import side_by_side
from tests.world import World, make_world


@pytest.fixture
async def narrow(fresh_pool: Pool, tmp_path: Path) -> AsyncIterator[World]:
    """A world in which a technician holds one open offer at most."""
    made = await make_world(fresh_pool, tmp_path, dispatch={"open_offers": 1})
    yield made
    await made.services.bus.close()


async def test_what_somebody_works_on_is_not_waited_for_and_not_forgotten(narrow: World) -> None:
    one, two = await waiting_copies(narrow, 2, hours=24, step_s=3600)
    await narrow.technician()
    services = narrow.services

    def held(tx: Tx) -> Any:
        return offers.lock(tx, one)

    async def wake(tx: Tx) -> int:
        return await waking.wake(services)

    assert (await side_by_side(services, held, wake))[1] == 0
    assert await narrow.value("SELECT array_agg(next_action ORDER BY starts_at) FROM bookings") == ["start", "start"]
    # It is the first one's turn still.
    await narrow.sweep()
    assert await narrow.open_offer(one) is not None and await narrow.open_offer(two) is None

    async def wake_all(tx: Tx) -> int:
        return await rows.wake_all(tx.conn, organisation_id=None, after_s=0.0)

    await waiting_copies(narrow, 1, hours=90, step_s=0, stem="L")
    assert (await side_by_side(services, lambda tx: offers.lock(tx, two), wake_all))[1] == 1


async def test_two_nodes_wake_at_once(world: World) -> None:
    made = await waiting_copies(world, 12, hours=24, step_s=7200)
    for _ in range(3):
        await world.technician(working_hours=AROUND_THE_CLOCK)
    # The other node has heard of the same.
    other = await runtime.assemble(world.services.settings, world.services.pool, world.services.bus)
    other.clock.set(world.services.clock.reading)
    for services in (world.services, other):
        for person in services.roster:
            services.freed.put(person.id)
    before = await turns.deadlocks(world.services)
    await asyncio.gather(Sweeper(world.services).sweep(), Sweeper(other).sweep())
    await world.sweep()
    offered = await world.fetch("SELECT booking_id FROM offers WHERE state = 'open'")
    assert {r["booking_id"] for r in offered} <= set(made) and len(offered) == 9
    assert await turns.deadlocks(world.services) == before


# ---------------------------------------------------------------- during a look


async def test_a_change_during_a_look_is_not_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is verified after a look has refused them, and before it has said that it waits, is a hint to it still."""
    helper = await world.technician(km_north=2)
    one = await world.technician(onboarding_status="pending")
    booking = await world.book(hours=5)
    await world.sweep()
    real = candidates.judge

    async def judge(*args: Any) -> Any:
        seen = await real(*args)
        monkeypatch.setattr(candidates, "judge", real)
        await world.execute("UPDATE technicians SET onboarding_status = 'verified' WHERE id = $1", one)
        await world.services.roster.refresh([one])
        # The booking is held: what was heard is dealt with, and wakes nobody.
        await waking.wake(world.services)
        return seen

    monkeypatch.setattr(candidates, "judge", judge)
    await world.reject(booking.id, helper)
    assert (await world.booking(booking.id)).status == "pending"
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_a_rule_that_changes_during_a_look_is_looked_at_again(world: World) -> None:
    [made] = await waiting_copies(world, 1, hours=24, step_s=0)
    async with world.services.transaction() as tx:
        await offers.lock(tx, made)
        async with world.services.transaction() as other:
            assert await waking.rules_changed(other) == 0
    # Some seconds later every node goes by the rule.
    world.services.freed.put_rule(None)
    await world.sweep()
    assert (await world.booking(made)).next_action == "look"


@pytest.mark.parametrize("change", ["is_active = false", "onboarding_status = 'rejected'"])
async def test_an_offer_to_whoever_stopped_working_meanwhile_goes_to_others(world: World, change: str) -> None:
    """The look commits its offer after the technician was let go: within a moment it is somebody else's."""
    one, two = await world.technician(km_north=1), await world.technician(km_north=2)
    booking = await world.book(hours=5)
    assert (await world.open_offer(booking.id))["technician_id"] == one
    await world.execute(f"UPDATE technicians SET {change} WHERE id = $1", one)
    await world.services.roster.refresh()
    await world.sweep()
    offer = await world.open_offer(booking.id)
    assert (offer["technician_id"], offer["attempt"]) == (two, 1)
    assert await world.value("SELECT state FROM offers WHERE technician_id = $1", one) == "withdrawn"


async def test_no_offer_is_made_to_whoever_stopped_working(world: World) -> None:
    """This node has not heard of it yet."""
    one = await world.technician()
    booking = await world.book(hours=5, dispatch=False)
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", one)
    await world.sweep()
    assert await world.open_offer(booking.id) is None
    assert (await world.booking(booking.id)).status == "pending"


# ---------------------------------------------------------------- trouble


async def test_news_outlives_a_database_that_goes_away(narrow: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is due does not wait for it."""
    [made] = await waiting_copies(narrow, 1, hours=24, step_s=0)
    await narrow.technician(km_north=1)
    real = rows.around

    async def away(*args: Any, **given: Any) -> Any:
        raise StorageError("the connection was closed")

    monkeypatch.setattr(rows, "around", away)
    narrow.services.freed.put_rule(None)
    due = await narrow.book(hours=30, auto_assign=False, dispatch=False)
    for done in (1, 0):
        assert await narrow.sweep() == done
    assert (await narrow.booking(due.id)).queue_reason == "manual"
    monkeypatch.setattr(rows, "around", real)
    await narrow.sweep()
    assert await narrow.open_offer(made) is not None


async def test_a_database_that_restarts_in_the_middle_of_a_look_delays_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await world.technician()
    booking = await world.book(hours=5, dispatch=False)
    real = candidates.judge

    async def judge(conn: Conn, *args: Any) -> Any:
        monkeypatch.setattr(candidates, "judge", real)
        await conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(candidates, "judge", judge)
    assert await Sweeper(world.services).sweep() == 1
    waiting = await world.booking(booking.id)
    assert (waiting.status, waiting.next_action) == ("pending", "dispatch")
    await world.advance(seconds=30)
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=7), timedelta(hours=-1)])
async def test_a_nodes_clock_that_jumps_gives_nobody_up(narrow: World, ahead: timedelta) -> None:
    one = await narrow.technician()
    first, second = await narrow.book(hours=30), await narrow.book(hours=6)
    assert second.waits_for == ["offer_open"]
    real = narrow.services.clock.reading
    narrow.services.clock.set(narrow.services.clock.shifted(ahead))
    await narrow.execute("UPDATE bookings SET next_action_at = app_now() WHERE id = $1", second.id)
    await Sweeper(narrow.services).sweep()
    looked = await narrow.booking(second.id)
    assert looked.queue_reason == "no_candidate" and looked.looks == 2
    narrow.services.clock.set(real)
    if looked.next_action == "look":
        assert looked.next_action_at is not None and looked.next_action_at <= narrow.now + timedelta(seconds=900)
    await narrow.accept(first.id, one)
    await asyncio.sleep(0)
    await narrow.sweep()
    assert (await narrow.open_offer(second.id))["technician_id"] == one
