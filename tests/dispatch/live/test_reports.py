"""Each step that a reported fix passes, and what it drops."""

from __future__ import annotations

from uuid import uuid4

import pytest

from dispatch.errors import NotAllowed, Unavailable
from dispatch.live.reports import Report, TooOften, Unreadable
from tests.dispatch.live.phones import LAT, LNG, METRE, fix, matched, report, seen
from tests.world import World


async def test_the_unknown_and_the_inactive_are_dropped_at_authorise(world: World) -> None:
    tracker = world.services.tracker
    with pytest.raises(Unavailable) as stranger:
        report(world, uuid4(), fix(world), fix(world))
    assert stranger.value.retry_after_s == 1.0
    one = await world.technician(seen=False)
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", one)
    await world.services.roster.refresh([one])
    with pytest.raises(NotAllowed):
        report(world, one, fix(world))
    assert tracker.dropped == {"authorise": 3} and tracker.admitted == 0
    assert tracker.find_by_id(one) is None and len(tracker.fleet) == 0


async def test_too_many_reports_are_dropped_at_rate(world: World) -> None:
    one = await world.technician(seen=False)
    for n in range(int(world.services.settings.dispatch.reports_burst)):
        assert report(world, one, fix(world, 20 * n)).dropped == ({"clock": 1} if n else {})
    with pytest.raises(TooOften) as refused:
        report(world, one, fix(world, 500), fix(world, 520))
    assert refused.value.retry_after_s == 1.0 and refused.value.details == {"retry_after_s": 1.0}
    assert world.services.tracker.dropped["rate"] == 2
    assert seen(world, one).lat < LAT + 400 * METRE
    await world.advance(seconds=1)
    assert report(world, one, fix(world, 120)) == Report(1, 0, {})
    with pytest.raises(TooOften):
        report(world, one, fix(world, 140))
    # One technician's flood is nobody else's loss.
    assert report(world, await world.technician(seen=False), fix(world)) == Report(1, 0, {})


async def test_older_than_the_last_is_dropped_at_clock(world: World) -> None:
    one = await world.technician(seen=False)
    assert report(world, one, fix(world, 100)) == Report(1, 0, {})
    assert report(world, one, fix(world, 0, late_s=5), fix(world, 50, late_s=1)) == Report(0, 0, {"clock": 2})
    assert seen(world, one).lat == pytest.approx(LAT + 100 * METRE)
    assert world.services.tracker.dropped == {"clock": 2}


async def test_a_vague_fix_is_shown_and_decides_nothing(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    sure = seen(world, one).sure
    await world.advance(seconds=5)
    assert report(world, one, fix(world, 60, accuracy_m=80)) == Report(1, 0, {})
    assert seen(world, one).lat == pytest.approx(LAT + 60 * METRE)
    assert seen(world, one).sure == sure
    assert await matched(world) == [one]
    await world.advance(seconds=5)
    # A cell mast: part of town, no place to be sent to a job from.
    report(world, one, fix(world, 900, accuracy_m=1500))
    assert await matched(world) == []
    assert world.services.tracker.degraded == {"accuracy": 2}
    await world.advance(seconds=60)
    # iOS says -1 when it does not know: that is as if nothing were said.
    assert report(world, one, fix(world, 0, accuracy_m=-1.0)) == Report(1, 0, {})
    assert await matched(world) == [one]


async def test_each_fix_is_judged_alone(world: World) -> None:
    one = await world.technician(seen=False)
    good = [fix(world, 20 * n, late_s=20 - n) for n in range(20)]
    for n, odd in ((3, (10, -1, -1)), (5, (None, 1850, 400)), (7, (-1, "3", True))):
        good[n][3:] = odd  # type: ignore[assignment]
    bad = [fix(world), [], None, [*fix(world), 1], ["now", LAT, LNG], [*fix(world)[:1], 0.0, 0.0, 5.0]]
    bad[0][1] = 91.0  # type: ignore[index]
    assert report(world, one, *good, *bad, sent_s=0) == Report(20, 0, {"decode": 6})  # type: ignore[arg-type]
    assert world.services.tracker.dropped == {"decode": 6}
    with pytest.raises(Unreadable) as refused:
        report(world, one, *bad)  # type: ignore[arg-type]
    assert {"fixes.0.1", "fixes.1", "fixes.2", "fixes.3", "fixes.4.0", "fixes.5.1"} == refused.value.fields.keys()
    assert world.services.tracker.dropped == {"decode": 12}


async def test_a_batch_in_any_order_is_sorted(world: World) -> None:
    one = await world.technician(seen=False)
    batch = [fix(world, 30 * n, late_s=50 - n) for n in range(50)]
    assert report(world, one, *reversed(batch)) == Report(50, 0, {}, clock_offset_ms=1000)
    assert seen(world, one).lat == pytest.approx(LAT + 30 * 49 * METRE)


async def test_a_backlog_belongs_into_history_and_not_on_the_map(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world))
    here = seen(world, one)
    position = (here.lat, here.fix_at_s)
    old = [fix(world, 5000 + 100 * n, late_s=7200 - 15 * n) for n in range(50)]
    for _ in range(2):
        # No answer was heard: the same is sent again, and written once.
        assert report(world, one, *reversed(old)) == Report(0, 0, {}, recorded=50)
        await world.services.tracker.flush()
    assert (here.lat, here.fix_at_s) == position
    lats = await world.fetch("SELECT lat FROM position_history ORDER BY at")
    assert len(lats) == 51 and [r["lat"] for r in lats] == sorted(r["lat"] for r in lats[:50]) + [LAT]
    # Beyond what is kept it is nothing.
    ancient = fix(world, late_s=86_400 * 31)
    assert report(world, one, ancient) == Report(0, 0, {"clock": 1})
