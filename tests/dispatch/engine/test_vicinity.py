"""Who drives near is a hint: seen in memory, told once, and at no cost to the pings."""

from __future__ import annotations

import pytest

from dispatch.bus import LocalBus
from dispatch.engine import vicinity, waking
from dispatch.engine.timers import Sweeper
from dispatch.engine.vicinity import Vicinity
from dispatch.process import runtime, wiring
from tests.statements import counted
from tests.world import KOLKATA, World

NEAR, NEARER = (KOLKATA[0] + 0.03, KOLKATA[1]), (KOLKATA[0] + 0.01, KOLKATA[1])
FAR = (KOLKATA[0] + 0.08, KOLKATA[1])


async def test_who_leaves_and_comes_back_is_told_of_again(world: World) -> None:
    """Also where they never left the circle in which the search looks, but the one in which they work."""
    helper = await world.technician(km_north=2)
    one = await world.technician(km_north=9, service_radius_m=5000)
    booking = await world.book(hours=1.9)
    await world.reject(booking.id, helper)
    await world.sweep()
    look, freed = Vicinity(world.services), world.services.freed
    told = []
    for at in (FAR, NEAR, NEARER, FAR, NEAR):
        await world.advance(minutes=10)
        world.see(one, *at)
        await look.look()
        told.append(one in freed.take())
    assert told == [False, True, False, False, True]
    # Without a fresh fix nobody is near, and with one again they are.
    await world.advance(minutes=5)
    await look.look()
    world.see(one, *NEAR)
    await look.look()
    assert one in freed.take()


async def test_it_looks_at_what_starts_soon_and_waits_alone(world: World) -> None:
    await world.technician(categories=("Spa",))
    helper = await world.technician()
    later, soon = await world.book(hours=5), await world.book(hours=1.5)
    for booking in (later, soon):
        await world.reject(booking.id, helper)
    await world.sweep()
    one = await world.technician(km_north=30)
    world.services.freed.take()
    await world.advance(minutes=40)
    world.see(one, *NEAR)
    look = Vicinity(world.services)
    with counted(world.services.pool) as asked:
        assert await look.look() == 1
    assert len(asked) == 1
    await world.sweep()
    assert (await world.open_offer(soon.id))["technician_id"] == one
    assert await world.open_offer(later.id) is None
    # What is offered is forgotten: when it waits anew, whoever is near is news once more.
    assert await look.look() == 0
    await world.reject(soon.id, one)
    assert [await look.look(), await look.look()] == [1, 0]
    assert await world.sweep() == 0


async def test_a_node_that_has_not_heard_of_the_position_yet_hears_of_it(world: World) -> None:
    """The node that saw them wakes the booking, and another one looks, in vain; when it has heard, it looks again."""
    helper = await world.technician()
    booking = await world.book(hours=1.9)
    await world.reject(booking.id, helper)
    one = await world.technician(km_north=30)
    await world.services.tracker.flush()
    other = await runtime.assemble(world.services.settings, world.services.pool, LocalBus())
    other.clock.set(world.services.clock.reading)
    await world.advance(minutes=30)
    other.clock.set(world.services.clock.reading)
    world.see(one, *NEAR)
    looks = [Vicinity(services) for services in (world.services, other)]
    assert [await look.look() for look in looks] == [1, 0]
    await waking.wake(world.services)
    assert (await world.booking(booking.id)).next_action == "dispatch"
    await Sweeper(other).sweep()
    assert (await world.booking(booking.id)).looks == 2
    await world.services.tracker.flush()
    await other.tracker.read_positions()
    assert await looks[1].look() == 1
    await Sweeper(other).sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_every_process_looks_and_gives_it_no_more_than_a_share_of_its_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [w for w in wiring.workers_of(world.services) if getattr(w, "name", "") == "who comes near"]
    look = Vicinity(world.services)
    times = iter([0.0, 0.0, 1.0, 1.5, 2.0, 2.0])
    monkeypatch.setattr(vicinity, "monotonic", lambda: next(times))
    world.services.clock.set(world.services.clock.scaled(60.0))
    assert [await look.round(), await look.round()] == [vicinity.LEAST_S, 0.5 / vicinity.SHARE]
    world.services.clock.set(world.services.clock.scaled(1.0))
    assert await look.round() == vicinity.EVERY_S
