"""Clocks of phones: set back, known by their send times, one for each device."""

from __future__ import annotations

import pytest

from dispatch.live.reports import Report
from tests.dispatch.live.phones import fix, matched, report, seen
from tests.world import World


async def test_a_clock_that_runs_ahead_is_set_back(world: World) -> None:
    one = await world.technician(seen=False)
    now_s = world.services.clock.timestamp()
    assert report(world, one, fix(world, 0, late_s=-3600)) == Report(1, 0, {}, clock_offset_ms=-3_600_000)
    assert seen(world, one).fix_at_s == now_s
    await world.advance(seconds=10)
    assert report(world, one, fix(world, 50)) == Report(1, 0, {})
    assert seen(world, one).fix_at_s == now_s + 10


@pytest.mark.parametrize("slow_s", [120.0, 300.0, 590.0, -45.0, -3600.0])
async def test_a_wrong_clock_gets_offers_as_a_right_one_does(world: World, slow_s: float) -> None:
    one = await world.technician(seen=False)
    assert report(world, one, fix(world, late_s=slow_s)).clock_offset_ms == slow_s * 1000
    assert seen(world, one).fix_at_s == world.services.clock.timestamp()
    assert await matched(world) == [one]
    await world.advance(seconds=80)
    assert await matched(world) == [one]
    await world.advance(seconds=15)
    assert await matched(world) == []


async def test_an_hour_slow_is_known_by_its_send_time_or_by_three_frames(world: World) -> None:
    one, two = await world.technician(seen=False), await world.technician(seen=False)
    told = report(world, one, fix(world, late_s=3605), sent_s=-3600)
    assert told == Report(1, 0, {}, clock_offset_ms=3_600_000)
    assert seen(world, one).fix_at_s == world.services.clock.timestamp() - 5
    reports = []
    for n in range(3):
        reports.append(report(world, two, fix(world, 40 * n, late_s=4000)))
        await world.advance(seconds=5)
    assert [(r.admitted, r.recorded, r.dropped) for r in reports] == [(0, 1, {}), (0, 1, {}), (1, 0, {})]
    assert two in await matched(world)


async def test_two_phones_of_one_technician_have_a_clock_each(world: World) -> None:
    one = await world.technician(seen=False)
    for n in range(6):
        slow_s, device = ((0, "tablet"), (240, "phone"))[n % 2]
        told = report(world, one, fix(world, 30 * n, late_s=slow_s), device=device)
        assert told == Report(1, 0, {}, clock_offset_ms=slow_s * 1000)
        await world.advance(seconds=5)
