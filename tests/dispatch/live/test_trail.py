"""Positions that outlive the process: saved, read by other nodes, kept by the day."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dispatch.bus import LocalBus
from dispatch.engine import candidates
from dispatch.live.trail import Trail
from dispatch.process import runtime
from storage import history
from tests.dispatch.live.phones import LAT, METRE, fix, report, seen
from tests.world import World, test_settings


class Line(LocalBus):
    """A bus with another node at its end: what it is told here, and what it tells."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes] = []
        self.hear: Callable[[bytes], None] = lambda batch: None

    @property
    def is_alone(self) -> bool:
        return False

    def publish_positions(self, batch: bytes) -> None:
        self.told.append(batch)

    def on_positions(self, listener: Callable[[bytes], None]) -> None:
        self.hear = listener


async def test_positions_survive_a_restart(world: World, tmp_path: Path) -> None:
    here, gone = await world.technician(seen=False), await world.technician(seen=False)
    report(world, here, fix(world, 700))
    report(world, gone, fix(world, 100))
    await world.services.tracker.flush()
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", gone)
    line = Line()
    again = await runtime.assemble(test_settings(tmp_path), world.services.pool, line)
    found = again.tracker.find_by_id(here)
    assert found is not None and found.lat == pytest.approx(LAT + 700 * METRE)
    assert found.fix_at_s == pytest.approx(world.services.clock.timestamp())
    assert again.tracker.find_by_id(gone) is None and len(again.tracker.fleet) == 1
    # Nothing is written or told that nobody has reported.
    await world.execute("DELETE FROM technician_positions")
    await again.tracker.flush()
    await again.tracker.trail.share()
    assert await world.value("SELECT count(*) FROM technician_positions") == 0 and line.told == []
    booking = await world.book(dispatch=False, hours=1.5)
    async with again.read() as conn:
        judged, _ = await candidates.judge(conn, again, booking, again.clock.now())
    assert [j.candidate.id for j in judged if j.reason is None] == [here]
    await again.bus.close()


async def test_an_older_position_never_overwrites_a_newer_one(world: World) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))
    await world.services.tracker.flush()
    await world.execute("UPDATE technician_positions SET fix_at = fix_at + interval '1 minute', lat = 1")
    await world.advance(seconds=30)
    report(world, one, fix(world, 50))
    await world.services.tracker.flush()
    assert await world.value("SELECT lat FROM technician_positions") == 1


async def test_saving_does_not_touch_the_roster(world: World) -> None:
    """Every node rereads who changed: a ping must not count as a change of the technician."""
    one = await world.technician(seen=False)
    before = await world.value("SELECT changed_at FROM technicians WHERE id = $1", one)
    report(world, one, fix(world, 0))
    await world.services.tracker.flush()
    assert await world.value("SELECT changed_at FROM technicians WHERE id = $1", one) == before


async def test_history_goes_to_day_partitions_and_ends(world: World) -> None:
    one = await world.technician(seen=False)
    tracker = world.services.tracker
    for _ in range(3):
        report(world, one, fix(world, 0), fix(world, 50, late_s=-1))
        await tracker.flush()
        await world.advance(days=1)
    count = await world.value("SELECT count(*) FROM position_history")
    days = await world.fetch("SELECT DISTINCT tableoid::regclass::text AS name FROM position_history ORDER BY 1")
    assert count == 6
    assert [d["name"] for d in days] == [f"position_history_202601{d:02d}" for d in (5, 6, 7)]
    await world.advance(days=28)
    assert await tracker.trail.drop_old() == ["position_history_20260105"]
    assert await world.value("SELECT count(*) FROM position_history") == 4


async def test_what_cannot_be_saved_is_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    one = await world.technician(seen=False)
    report(world, one, fix(world, 0))

    async def broken(*_: object) -> None:
        raise ConnectionError("the database is away")

    with monkeypatch.context() as m:
        m.setattr(history, "append", broken)
        with pytest.raises(ConnectionError):
            await world.services.tracker.flush()
    await world.advance(seconds=5)
    report(world, one, fix(world, 50))
    await world.services.tracker.flush()
    assert await world.value("SELECT count(*) FROM position_history") == 2
    assert await world.value("SELECT lat FROM technician_positions") == pytest.approx(LAT + 50 * METRE)


async def test_positions_of_another_node(world: World, tmp_path: Path) -> None:
    one, two = await world.technician(seen=False), await world.technician(seen=False)
    line, far_end = Line(), Line()
    world.services = await runtime.assemble(test_settings(tmp_path), world.services.pool, line)
    other = await runtime.assemble(test_settings(tmp_path), world.services.pool, far_end)
    report(world, one, fix(world, 500))
    report(world, two, fix(world, 0))
    await world.advance(seconds=5)
    report(world, two, fix(world, 9000))
    await world.services.tracker.trail.share()
    [batch] = line.told
    assert [r[0] for r in Trail.unpack(batch + b"torn")] == [r[0] for r in Trail.unpack(batch)]
    far_end.hear(batch)
    for person in (one, two):
        here, there = seen(world, person), other.tracker.find_by_id(person)
        assert there is not None
        assert (there.lat, there.fix_at_s, there.is_dispatchable) == (here.lat, here.fix_at_s, here.is_dispatchable)
    # It is not passed on again, an older batch changes nothing, and strangers are ignored.
    await other.tracker.trail.share()
    await other.tracker.flush()
    assert far_end.told == [] and await world.value("SELECT count(*) FROM technician_positions") == 0
    far_end.hear(
        Trail.pack([(one, seen(world, one).no, 0.0, 0.0, 5.0, 1.0, True), (one, 4711, 1.0, 1.0, 5.0, 9e9, True)])
    )
    unmoved = other.tracker.find_by_id(one)
    assert unmoved is not None and unmoved.lat == seen(world, one).lat
    assert len(other.tracker.fleet) == 2
    await other.bus.close()
