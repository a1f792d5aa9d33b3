"""Slots on a real database: what is shown can be booked, and nobody is ever booked twice for one time."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from dispatch.engine import assigning, candidates, free_times, offers, search, slots
from dispatch.engine.free_times import SlotTaken
from dispatch.events import Actor
from dispatch.services import Tx
from storage import slots as slot_rows
from tests.dispatch.engine.times import MONDAY, book_at, free, hold, need, preview
from tests.turns import Work, one_after_the_other, side_by_side, until_waiting
from tests.world import NOON, World

# ---------------------------------------------------------------- what is listed


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
            await until_waiting(world.services, claiming, may_end=True)

    async def claim_second() -> bool:
        await waits.wait()
        async with world.services.transaction() as tx:
            booking = await offers.lock(tx, second.id)
            found = candidates.reach(world.services, person, candidates.place_of(world.services, booking), False)
            return await slots.claim(tx, booking, found, "offered")

    claiming = asyncio.create_task(claim_second())
    await offer_first()
    assert await claiming is False
    rows = {r["booking_id"]: (r["technician_id"], r["state"]) for r in await world.fetch("SELECT * FROM slots")}
    assert rows == {first.id: (near, "offered"), second.id: (far, "held")}


async def test_whoever_loses_the_race_for_a_time_keeps_their_own(world: World) -> None:
    """The nearest is free when the second looks, and taken by the first before the second has it."""
    await world.technician(km_north=2)
    start = NOON + timedelta(hours=4)
    second = await book_at(world, start)
    before = await world.fetch("SELECT technician_id, state, during FROM slots")
    near = await world.technician(km_north=1)
    person = world.services.roster.find(near)
    assert person is not None

    first = await preview(world, await world.customer())

    async def hold_it(tx: Tx) -> None:
        await tx.conn.execute(
            "INSERT INTO slots (technician_id, technician_no, preview_id, state, during, expires_at) "
            "VALUES ($1, $2, $3, 'held', tstzrange($4, $5), app_now() + interval '1 hour')",
            near, person.no, first, start, start + timedelta(hours=1),
        )  # fmt: skip

    async def move(tx: Tx) -> bool:
        booking = await offers.lock(tx, second.id)
        found = candidates.reach(world.services, person, candidates.place_of(world.services, booking), False)
        return await slots.move(tx, booking, found, "offered")

    assert await one_after_the_other(world.services, hold_it, move) == (None, False)
    left = await world.fetch("SELECT technician_id, state, during FROM slots WHERE booking_id = $1", second.id)
    assert left == before


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


async def test_what_somebody_moves_just_now_is_passed_over(world: World) -> None:
    for km in (1.0, 2.0):
        await world.technician(km_north=km)
    for _ in range(2):
        await book_at(world, NOON + timedelta(hours=4))
    one, two = [r["id"] for r in await world.fetch("SELECT id FROM slots ORDER BY id")]

    def moving(*ids: UUID) -> Work:
        return lambda tx: slot_rows.lock_held(tx.conn, ids=[*ids])

    first, second = await side_by_side(world.services, moving(one), moving(one, two))
    assert ([s.id for s in first], [s.id for s in second]) == ([one], [two])


async def test_whoever_held_an_interval_that_goes_to_somebody_else_is_free_at_once(world: World) -> None:
    """Their time was held for a booking that nobody else could take, until staff gave that to somebody by force."""
    one = await world.technician()
    holder = await world.book(hours=5, auto_assign=False)
    helper = await world.technician(km_north=2)
    booking = await world.book(hours=5.2, dispatch=False)
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", helper)
    nightly = {"start": "22:00", "end": "23:00", "days": [1, 2, 3, 4, 5, 6, 7]}
    other = await world.technician(working_hours=nightly)
    await world.services.roster.refresh()
    await world.sweep()
    waiting = await world.booking(booking.id)
    assert (waiting.status, waiting.waits_for) == ("pending", ["busy_then"])
    async with world.services.transaction() as tx:
        await assigning.assign_to(tx, holder.id, other, Actor("admin", "7"), force=True)
    await asyncio.sleep(0)
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one
