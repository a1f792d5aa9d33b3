"""Which times are shown: lead, hours, days off, clock changes, the way there."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from dispatch.engine import bookings, candidates, free_times, offers
from dispatch.engine.free_times import SlotTaken
from dispatch.engine.matching import refusal
from storage import slots as slot_rows
from storage.database.pool import Pool
from tests.dispatch.engine.times import MONDAY, book_at, free, hold, need
from tests.world import NOON, World, make_world

#: Half past three on the first Monday of the tests: the earliest of the day's starts is eleven o'clock.
ZONE = ZoneInfo("Asia/Kolkata")


def clock_faces(starts: list[datetime], zone: ZoneInfo = ZONE) -> list[str]:
    return [f"{s.astimezone(zone):%H:%M}" for s in starts]


async def test_lead_time_opening_and_closing(world: World) -> None:
    await world.technician()
    me = await world.customer()
    listed = await free(world, need(world, me))
    # It is ten o'clock: an hour ahead at the earliest, over by eight in the evening at the latest.
    assert clock_faces(listed)[0] == "11:00" and clock_faces(listed)[-1] == "19:00"
    assert all(b - a == timedelta(minutes=30) for a, b in itertools.pairwise(listed))
    assert clock_faces(await free(world, need(world, me, 180)))[-1] == "17:00"
    assert clock_faces(await free(world, need(world, me), MONDAY + timedelta(days=1)))[0] == "08:00"
    assert await free(world, need(world, me), MONDAY - timedelta(days=1)) == []


async def test_thirty_days_ahead_and_no_more(world: World) -> None:
    await world.technician()
    wanted = need(world, await world.customer())
    assert len(await free(world, wanted, MONDAY + timedelta(days=29))) == 23
    assert len(await free(world, wanted, MONDAY + timedelta(days=30))) == 23
    assert await free(world, wanted, MONDAY + timedelta(days=31)) == []


async def test_days_off_of_zone_and_technician(world: World) -> None:
    await world.technician(working_hours={"start": "09:00", "end": "13:00", "days": [1, 3]})
    me = await world.customer()
    assert clock_faces(await free(world, need(world, me)))[-1] == "12:00"
    assert await free(world, need(world, me), MONDAY + timedelta(days=1)) == []
    wednesday = MONDAY + timedelta(days=2)
    assert clock_faces(await free(world, need(world, me), wednesday))[0] == "09:00"
    await world.execute("UPDATE zones SET days = '{1,2}' WHERE id = $1", world.zone_id)
    await world.services.zones.reload()
    assert await free(world, need(world, me), wednesday) == []


async def test_who_cannot_come_gives_no_times(world: World) -> None:
    me = await world.customer()
    assert await free(world, need(world, me)) == []
    blocked = await world.technician()
    await world.execute("INSERT INTO technician_blocks (account_id, technician_id) VALUES ($1, $2)", me, blocked)
    await world.technician(categories=("Hair",))
    await world.technician(onboarding_status="pending")
    await world.technician(rating_sum=3, rating_count=1)
    await world.technician(km_north=15)
    assert await free(world, need(world, me)) == []
    assert await free(world, need(world, await world.customer())) != []


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # The clocks jump from 01:00 to 02:00 (there is no half past one), and later show 01:00 to 02:00 twice.
        (date(2026, 3, 29), ["00:00", "00:30", "02:00", "02:30", "03:00"]),
        (date(2026, 10, 25), ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30", "03:00"]),
        (date(2026, 10, 26), ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30", "03:00"]),
    ],
)
async def test_days_on_which_the_clocks_change(
    fresh_pool: Pool, tmp_path: Path, day: date, expected: list[str]
) -> None:
    now = datetime.combine(day, time(12), UTC) - timedelta(days=2)
    world = await make_world(fresh_pool, tmp_path, now=now)
    await world.execute("UPDATE zones SET opens = '00:00', closes = '04:00', timezone = 'Europe/Lisbon'")
    await world.services.zones.reload()
    await world.technician(working_hours={"start": "00:00", "end": "23:59", "days": [1, 2, 3, 4, 5, 6, 7]})
    wanted = need(world, await world.customer(), timezone="Europe/Lisbon")
    listed = await free(world, wanted, day)
    assert clock_faces(listed, ZoneInfo("Europe/Lisbon")) == expected
    assert len(set(listed)) == len(listed)
    assert all(free_times.is_start(world.services, wanted, start) for start in listed)
    for start in listed[::3]:
        await hold(world, need(world, await world.customer(), timezone="Europe/Lisbon"), start)


async def test_a_booked_out_technician_disappears(world: World) -> None:
    one = await world.technician(working_hours={"start": "11:00", "end": "13:00", "days": [1]})
    wanted = need(world, await world.customer())
    assert clock_faces(await free(world, wanted)) == ["11:00", "11:30", "12:00"]
    booking = await book_at(world, NOON + timedelta(hours=1))
    # The next could begin only after it, and the way there takes its time too.
    assert clock_faces(await free(world, wanted)) == []
    async with world.services.read() as conn:
        assert (await free_times.times(conn, world.services, wanted, MONDAY)).none_because == "fully_booked"
    await offers.dispatch_now(world.services, booking.id)
    await world.accept(booking.id, one)
    assert clock_faces(await free(world, wanted)) == []
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, bookings.SYSTEM, None)
    assert len(await free(world, wanted)) == 3


async def test_the_times_of_a_day_are_those_that_every_filter_lets_pass(world: World) -> None:
    """What is asked once for each technician gives what asking everything at every time gives."""
    account_id = await world.customer()
    early = {"start": "06:00", "end": "14:00", "days": [1, 2, 3]}
    people = [
        await world.technician(km_north=1, working_hours=early),
        await world.technician(km_north=3),
        await world.technician(km_north=5, categories=("Haircut",)),
        await world.technician(km_north=6, is_active=False, seen=False),
        await world.technician(km_north=12),
    ]
    await world.execute(
        "INSERT INTO technician_blocks (account_id, technician_id) VALUES ($1, $2)", account_id, people[1]
    )
    await book_at(world, world.in_hours(3))
    wanted = need(world, account_id)
    starts = [s for s in free_times.day_starts(world.services, wanted, MONDAY) if s >= world.in_hours(1)]
    policy, now = candidates.policy_of(world.services), world.now
    everyone = candidates.near(world.services, wanted.place, False, policy, 100)
    async with world.services.read() as conn:
        listed = (await free_times.times(conn, world.services, wanted, MONDAY)).starts
        taken = await slot_rows.busy(
            conn, ids=[f.technician.id for f in everyone], from_at=starts[0] - timedelta(hours=6),
            to_at=starts[-1] + wanted.duration,
        )  # fmt: skip
    some, none = 0, 0
    for start in starts:
        end = start + wanted.duration
        job = candidates.job_of(wanted.place, start, end, False, UUID(int=0), account_id)
        slow = [
            f.technician.id
            for f in sorted(everyone, key=lambda f: f.distance_m or 0.0)
            if refusal(candidates.candidate(f, now, blocked=f.technician.id == people[1]), job, policy) is None
            and not any(
                s.technician_id == f.technician.id
                and s.starts_at < end
                and s.ends_at > start - timedelta(seconds=f.travel_s)
                for s in taken
            )
        ]
        assert (start in listed) is bool(slow)
        some, none = some + bool(slow), none + (not slow)
    assert some and none


@pytest.mark.parametrize(("seconds", "is_free"), [(-1, False), (0, True), (1, True)])
async def test_the_way_there_is_free_to_the_second(world: World, seconds: int, is_free: bool) -> None:
    """Ten minutes are kept for a way of one kilometre, before a job and so after the one before it."""
    way, hour = timedelta(minutes=10), timedelta(hours=1)
    await world.technician(km_north=1)
    start = NOON + timedelta(hours=4)
    await world.book(dispatch=False, starts_at=start)
    after, before = start + hour + way, start - way - hour
    for at in (after + timedelta(seconds=seconds), before - timedelta(seconds=seconds)):
        if is_free:
            await world.book(dispatch=False, starts_at=at)
        else:
            with pytest.raises(SlotTaken):
                await world.book(dispatch=False, starts_at=at)
