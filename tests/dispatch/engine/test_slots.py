"""Slots on a real database: what is shown can be booked, and nobody is ever booked twice for one time."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from dispatch.engine import bookings, candidates, free_times, offers, search, slots
from dispatch.engine.free_times import Need, SlotTaken
from dispatch.engine.matching import refusal
from storage import slots as slot_rows
from storage.database.pool import Pool
from tests.world import KOLKATA, NOON, World, make_world

MONDAY = date(2026, 1, 5)
#: Half past three on the first Monday of the tests: the earliest of the day's starts is eleven o'clock.
ZONE = ZoneInfo("Asia/Kolkata")


def need(world: World, account_id: UUID, minutes: int = 60, **changes: object) -> Need:
    values = {
        "account_id": account_id, "lat": KOLKATA[0], "lng": KOLKATA[1], "zone_id": world.zone_id,
        "timezone": "Asia/Kolkata", "duration_minutes": minutes, "categories": ("Facial",), "tiers": ("Minimal",),
        **changes,
    }  # fmt: skip
    return Need(**values)  # type: ignore[arg-type]


async def free(world: World, wanted: Need, day: date = MONDAY) -> list[datetime]:
    async with world.services.read() as conn:
        return await free_times.available(conn, world.services, wanted, day)


def clock_faces(starts: list[datetime], zone: ZoneInfo = ZONE) -> list[str]:
    return [f"{s.astimezone(zone):%H:%M}" for s in starts]


async def preview(world: World, account_id: UUID, expires_in_s: float = 120) -> UUID:
    return UUID(
        str(
            await world.value(
                "INSERT INTO checkout_previews (account_id, items, duration_minutes, currency, timezone, "
                "subtotal_minor, savings_minor, discount_minor, tax_minor, grand_total_minor, expires_at) "
                "VALUES ($1, '[]', 60, 'INR', 'Asia/Kolkata', 0, 0, 0, 0, 0, $2) RETURNING id",
                account_id,
                world.now + timedelta(seconds=expires_in_s),
            )
        )
    )


async def hold(world: World, wanted: Need, starts_at: datetime, expires_in_s: float = 120) -> UUID:
    preview_id = await preview(world, wanted.account_id, expires_in_s)
    async with world.services.transaction() as tx:
        expires_at = world.now + timedelta(seconds=expires_in_s)
        await slots.hold_preview(tx, preview_id, wanted, starts_at, expires_at)
    return preview_id


async def book_at(world: World, starts_at: datetime, **changes: object) -> bookings.Booking:
    hours = (starts_at - world.now).total_seconds() / 3600
    return await world.book(dispatch=False, hours=hours, **changes)


# ---------------------------------------------------------------- what is listed


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


async def test_every_time_shown_can_be_held_in_any_order(world: World) -> None:
    """Two technicians with different hours, odd durations: nothing listed is refused, nothing unlisted is given."""
    await world.technician(km_north=1, working_hours={"start": "09:15", "end": "15:10", "days": [1, 2]})
    await world.technician(km_north=6, working_hours={"start": "12:00", "end": "20:00", "days": [1]})
    me = await world.customer()
    for day, minutes in itertools.product((MONDAY, MONDAY + timedelta(days=1)), (30, 75, 120)):
        while listed := await free(world, wanted := need(world, me, minutes), day):
            # Everybody holds one time at once, so each is another's.
            await hold(world, need(world, await world.customer(), minutes), listed[len(listed) // 2])
        for start in free_times.day_starts(world.services, wanted, day):
            if free_times.is_start(world.services, wanted, start):
                with pytest.raises(SlotTaken):
                    await hold(world, wanted, start)
        await world.execute("DELETE FROM slots")
    assert free_times.is_start(world.services, wanted, datetime(2026, 1, 5, 6, 0, tzinfo=UTC))
    assert not free_times.is_start(world.services, wanted, datetime(2026, 1, 5, 6, 10, tzinfo=UTC))


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
    await offers.dispatch_now(world.services, booking.id)
    await world.accept(booking.id, one)
    assert clock_faces(await free(world, wanted)) == []
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, bookings.SYSTEM, None)
    assert len(await free(world, wanted)) == 3


# ---------------------------------------------------------------- holds


async def test_a_preview_holds_and_lets_go(world: World) -> None:
    await world.technician(working_hours={"start": "12:00", "end": "13:00", "days": [1]})
    wanted, other = need(world, await world.customer()), need(world, await world.customer())
    start = NOON + timedelta(hours=2)
    await hold(world, wanted, start)
    with pytest.raises(SlotTaken):
        await hold(world, other, start)
    assert await free(world, other) == []
    await world.advance(seconds=119)
    with pytest.raises(SlotTaken):
        await hold(world, other, start)
    # The hold is over, though nobody has swept it: the time is the next one's.
    await world.execute("UPDATE slots SET expires_at = app_now()")
    assert await free(world, other) == [start]
    await hold(world, other, start)
    assert await world.value("SELECT count(*) FROM slots WHERE expires_at > app_now()") == 1


async def test_due_holds_are_swept(world: World) -> None:
    await world.technician()
    await hold(world, need(world, await world.customer()), NOON + timedelta(hours=2))
    await world.sweep()
    assert await world.value("SELECT count(*) FROM slots") == 1
    await world.advance(minutes=2)
    await world.sweep()
    assert await world.value("SELECT count(*) FROM slots") == 0


async def test_a_preview_becomes_its_booking(world: World) -> None:
    await world.technician(working_hours={"start": "11:00", "end": "12:00", "days": [1]})
    wanted = need(world, await world.customer())
    start = NOON + timedelta(hours=1)
    preview_id = await hold(world, wanted, start)
    booking = await book_at(world, start, account_id=wanted.account_id, preview_id=preview_id)
    rows = await world.fetch("SELECT * FROM slots")
    assert [(r["booking_id"], r["preview_id"], r["state"], r["expires_at"]) for r in rows] == [
        (booking.id, None, "held", None)
    ]


async def test_a_booking_at_another_time_than_its_preview_held(world: World) -> None:
    await world.technician(working_hours={"start": "11:00", "end": "15:00", "days": [1]})
    wanted = need(world, await world.customer())
    preview_id = await hold(world, wanted, NOON + timedelta(hours=1))
    booking = await book_at(world, NOON + timedelta(hours=3), account_id=wanted.account_id, preview_id=preview_id)
    rows = await world.fetch("SELECT booking_id, upper(during) AS ends_at FROM slots")
    assert [(r["booking_id"], r["ends_at"]) for r in rows] == [(booking.id, booking.ends_at)]


# ---------------------------------------------------------------- the database decides


async def test_the_database_refuses_an_overlap_whoever_asks(world: World) -> None:
    one = await world.technician()
    no = await world.value("SELECT no FROM technicians WHERE id = $1", one)
    accounts = [await world.customer() for _ in range(8)]
    made = [await preview(world, a) for a in accounts]

    async def insert(preview_id: UUID, offset_min: int) -> bool:
        begin = NOON + timedelta(hours=2, minutes=offset_min)
        try:
            async with world.services.transaction() as tx:
                await tx.conn.execute(
                    "INSERT INTO slots (technician_id, technician_no, preview_id, state, during, expires_at) "
                    "VALUES ($1, $2, $3, 'held', tstzrange($4, $5), app_now() + interval '1 hour')",
                    one, no, preview_id, begin, begin + timedelta(hours=1),
                )  # fmt: skip
            return True
        except (asyncpg.ExclusionViolationError, asyncpg.DeadlockDetectedError):
            return False

    won = await asyncio.gather(*(insert(p, n) for n, p in enumerate(made)))
    assert sum(won) == 1
    # What only touches does not overlap.
    assert await insert(made[won.index(False)], 60 + won.index(True))


async def test_customers_at_once_get_as_many_as_there_are_technicians(world: World) -> None:
    for n in range(3):
        await world.technician(km_north=1 + n)
    wanted = [need(world, await world.customer()) for _ in range(8)]
    start = NOON + timedelta(hours=2)
    results = await asyncio.gather(*(hold(world, w, start) for w in wanted), return_exceptions=True)
    assert sum(isinstance(r, UUID) for r in results) == 3
    assert sum(isinstance(r, SlotTaken) for r in results) == 5
    assert await world.value("SELECT count(DISTINCT technician_id) FROM slots") == 3


# ---------------------------------------------------------------- swapping at dispatch


async def test_held_intervals_make_room_for_an_offer(world: World) -> None:
    near, far = await world.technician(km_north=1), await world.technician(km_north=2)
    start = NOON + timedelta(hours=4)
    first, second = await book_at(world, start), await book_at(world, start)
    held = {r["booking_id"]: r["technician_id"] for r in await world.fetch("SELECT * FROM slots")}
    assert held == {first.id: near, second.id: far}
    # The second is dispatched first: the nearest is offered to it, and the first booking's interval moves on.
    await offers.dispatch_now(world.services, second.id)
    assert (await world.open_offer(second.id))["technician_id"] == near
    rows = {r["booking_id"]: (r["technician_id"], r["state"]) for r in await world.fetch("SELECT * FROM slots")}
    assert rows == {first.id: (far, "held"), second.id: (near, "offered")}
    await offers.dispatch_now(world.services, first.id)
    assert (await world.open_offer(first.id))["technician_id"] == far


async def test_a_hold_that_cannot_go_elsewhere_stays(world: World) -> None:
    only_for_first = await world.technician(km_north=1, categories=("Facial", "Hair"))
    start = NOON + timedelta(hours=4)
    first = await book_at(world, start)
    assert first is not None
    rival = await world.technician(km_north=2)
    second = await book_at(world, start)
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", rival)
    await world.services.roster.refresh([rival])
    await offers.dispatch_now(world.services, second.id)
    queued = await world.booking(second.id)
    assert queued.queue_reason == "no_candidate"
    reasons = await world.fetch("SELECT reason FROM match_candidates WHERE technician_id = $1", only_for_first)
    assert [r["reason"] for r in reasons] == ["busy_then"]
    assert await world.value("SELECT technician_id FROM slots WHERE booking_id = $1", first.id) == only_for_first


async def test_an_interval_that_is_being_offered_never_moves(world: World) -> None:
    """Two transactions at once: while the first offers a technician's time, the second must not carry it off."""
    near, far = await world.technician(km_north=1), await world.technician(km_north=2)
    start = NOON + timedelta(hours=4)
    first, second = await book_at(world, start), await book_at(world, start)
    person = world.services.roster.find(near)
    assert person is not None
    waits = asyncio.Event()

    async def offer_first() -> None:
        async with world.services.transaction() as tx:
            await search.search(tx, await offers.lock(tx, first.id))
            waits.set()
            # The other one works, as far as it can, while this is not committed.
            await asyncio.wait([claiming], timeout=0.3)

    async def claim_second() -> bool:
        await waits.wait()
        async with world.services.transaction() as tx:
            booking = await offers.lock(tx, second.id)
            found = candidates.reach(world.services, person, candidates.place_of(booking), False)
            return await slots.claim(tx, booking, found, "offered")

    claiming = asyncio.create_task(claim_second())
    await offer_first()
    assert await claiming is False
    rows = {r["booking_id"]: (r["technician_id"], r["state"]) for r in await world.fetch("SELECT * FROM slots")}
    assert rows == {first.id: (near, "offered"), second.id: (far, "held")}


async def test_many_dispatches_at_once_lose_nothing(world: World) -> None:
    """Every booking holds a technician's time; dispatched all at once, in any order, each keeps one."""
    for n in range(6):
        await world.technician(km_north=1 + n / 2)
    start = NOON + timedelta(hours=4)
    made = [await book_at(world, start) for _ in range(6)]
    await asyncio.gather(*(offers.dispatch_now(world.services, b.id) for b in reversed(made)))
    assert await world.value("SELECT count(DISTINCT technician_id) FROM slots") == 6
    assert await world.value(
        "SELECT count(*) FROM offers o JOIN slots s USING (booking_id, technician_id) "
        "WHERE o.state = 'open' AND s.state = 'offered'"
    ) == await world.value("SELECT count(*) FROM offers")
    waiting = await world.fetch("SELECT queue_reason FROM bookings WHERE status = 'pending'")
    assert all(r["queue_reason"] == "no_candidate" for r in waiting)


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
        listed = await free_times.available(conn, world.services, wanted, MONDAY)
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
