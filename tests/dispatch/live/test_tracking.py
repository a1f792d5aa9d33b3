"""The way of a ping: what is dropped is counted by its step, what is kept survives, what is near is near."""

from __future__ import annotations

from dispatch.engine import presence
from dispatch.live.reports import Report
from tests.dispatch.live.phones import LAT, LNG, METRE, fix, matched, report, seen
from tests.world import World

# ---------------------------------------------------------------- the steps


async def test_a_teleport_is_not_dispatchable_until_it_settles(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    assert await matched(world) == [one]
    for n in range(2):
        await world.advance(seconds=5)
        assert report(world, one, fix(world, 6000 + 20 * n)) == Report(1, 0, {})
        assert seen(world, one).lat > LAT + 5000 * METRE
        assert await matched(world) == []
    assert world.services.tracker.degraded["jump"] == 2
    await world.advance(seconds=5)
    report(world, one, fix(world, 6040))
    assert await matched(world) == [one]


async def test_standing_still_renews_and_does_not_move(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    for _ in range(3):
        await world.advance(seconds=60)
        assert report(world, one, fix(world, 3)) == Report(0, 1, {})
    assert seen(world, one).lat == LAT and seen(world, one).fix_at_s == world.services.clock.timestamp()
    assert world.services.tracker.degraded == {"duplicate": 3}
    assert await matched(world) == [one]


async def test_a_stale_position_is_not_matched(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    await world.advance(seconds=90)
    assert await matched(world) == [one]
    await world.advance(seconds=1)
    assert await matched(world) == []


async def test_a_position_with_the_presence_counts_as_a_ping(world: World) -> None:
    one = await world.technician(seen=False)
    async with world.services.transaction() as tx:
        await presence.set_available(tx, one, True, (LAT, LNG))
        assert world.services.tracker.find_by_id(one) is None
    assert seen(world, one).lat == LAT


async def test_going_offline_takes_one_out_of_the_search(world: World) -> None:
    one = await world.technician()
    async with world.services.transaction() as tx:
        await presence.set_available(tx, one, False)
    await world.services.roster.refresh([one])
    assert await matched(world) == []
    assert len(world.services.tracker.fleet) == 1


# ---------------------------------------------------------------- what stays


# ---------------------------------------------------------------- jobs
