"""What technicians say of themselves reaches matching and slots: hours over midnight, breaks; and who goes dark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dispatch.engine import candidates, presence
from dispatch.engine.presence import Shift
from dispatch.errors import Invalid
from dispatch.live.hours import DAY
from dispatch.services import Tx
from storage import roster as rows
from storage.bookings import Booking
from tests.turns import side_by_side
from tests.world import KOLKATA, World


async def refusal_of(world: World, technician_id: UUID, booking: Booking) -> str | None:
    person = world.services.roster.find(technician_id)
    assert person is not None
    async with world.services.read() as conn:
        judged, _ = await candidates.judge_one(conn, world.services, booking, person, world.now)
    return judged.reason


async def work(world: World, technician_id: UUID, *shifts: Shift) -> None:
    async with world.services.transaction() as tx:
        await presence.set_working_hours(tx, technician_id, shifts)
    await world.services.roster.refresh([technician_id])


async def test_hours_over_midnight_in_matching(world: World) -> None:
    """Kolkata: 22:30 to 23:30 on Friday, and 00:30 to 01:30 in the night that follows."""
    one = await world.technician()
    friday = datetime(2026, 1, 9, 17, 0, tzinfo=UTC)
    hours = (friday - world.now) / timedelta(hours=1)
    await work(world, one, Shift([1, 2, 3, 4, 5, 6, 7], 0, DAY))
    late = await world.book(hours=hours, dispatch=False)
    await world.execute("DELETE FROM slots")
    night = await world.book(hours=hours + 2, dispatch=False)
    await world.execute("DELETE FROM slots")
    for shift in (Shift([1, 2, 3, 4, 5, 6, 7], 0, DAY), Shift([5], 18 * 60, 2 * 60)):
        await work(world, one, shift)
        assert [await refusal_of(world, one, b) for b in (late, night)] == [None, None]
    await work(world, one, Shift([5], 18 * 60, 2 * 60, [(23 * 60, 23 * 60 + 15)]))
    assert [await refusal_of(world, one, b) for b in (late, night)] == ["working_hours", None]
    await work(world, one, Shift([6], 18 * 60, 2 * 60))
    assert [await refusal_of(world, one, b) for b in (late, night)] == ["working_hours", "working_hours"]


async def test_no_hours_at_all(world: World) -> None:
    one = await world.technician()
    with pytest.raises(Invalid) as caught:
        await work(world, one)
    assert list(caught.value.fields) == ["working_hours.days"]


async def test_who_goes_dark_is_not_available_until_their_next_position(world: World) -> None:
    """A dead phone: its owner said "available" hours ago. Staff and matching are told the truth."""
    one, never_seen = await world.technician(), await world.technician(seen=False)
    tracker, limit_s = world.services.tracker, world.services.settings.dispatch.presence_dark_s
    await tracker.flush()
    await world.advance(seconds=limit_s)
    assert await presence.put_out_the_dark(world.services) == 0
    await world.advance(seconds=1)
    assert await presence.put_out_the_dark(world.services) == 1
    available = "SELECT is_available FROM technicians WHERE id = $1"
    assert await world.value(available, one) is False
    assert await world.value(available, never_seen) is True
    assert await presence.put_out_the_dark(world.services) == 0
    # An old position is no sign of life, one of now is.
    lat, lng = KOLKATA
    sent_ms = world.now.timestamp() * 1000
    tracker.report(one, [(sent_ms - 600_000, lat, lng, 10)], sent_at_ms=sent_ms)
    await tracker.flush()
    assert await world.value(available, one) is False
    world.see(one, lat + 0.01, lng)
    await tracker.flush()
    assert await world.value(available, one) is True
    await world.services.roster.refresh([one])
    person = world.services.roster.find(one)
    assert person is not None and person.is_available


async def test_who_said_offline_stays_so_when_they_are_seen(world: World) -> None:
    one = await world.technician()
    await world.services.tracker.flush()
    await world.advance(hours=2)
    await presence.put_out_the_dark(world.services)
    async with world.services.transaction() as tx:
        await presence.set_available(tx, one, False)
    world.see(one, *KOLKATA)
    await world.services.tracker.flush()
    assert await world.value("SELECT is_available FROM technicians WHERE id = $1", one) is False


async def test_two_nodes_put_out_and_bring_back_without_waiting(world: World) -> None:
    one = await world.technician()
    await world.services.tracker.flush()
    await world.advance(hours=2)

    async def put_out(tx: Tx) -> list[UUID]:
        return [t.id for t in await rows.gone_dark(tx.conn, dark_s=60.0)]

    async def bring_back(tx: Tx) -> list[UUID]:
        return [t.id for t in await rows.back_again(tx.conn, ids=[one], fresh_s=86_400.0)]

    for step in (put_out, bring_back):
        assert await side_by_side(world.services, step, step) == ([one], [])
