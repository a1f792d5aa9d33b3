"""A booking is cancelled, rated, dispatched when it is paid: one room for all who do it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from dispatch.engine import bookings, offers, rescheduling
from dispatch.engine.bookings import NotRateable
from dispatch.engine.lifecycle import WrongState
from dispatch.errors import Missing
from dispatch.events import SYSTEM, Actor
from storage.database.pool import Pool
from tests.dispatch.engine.test_jobs import CUSTOMER, STAFF, assignment_state, go, job
from tests.world import World, make_world


@pytest.mark.parametrize("state", ["accepted", "in_transit", "arrived"])
async def test_cancelled_before_the_work(world: World, state: str) -> None:
    booking, one = await job(world, state)
    async with world.services.transaction() as tx:
        gone = await bookings.cancel(tx, booking.id, CUSTOMER, "ill", fee_minor=17712)
    assert gone.status == "cancelled" and gone.cancellation_fee_minor == 17712 and gone.next_action is None
    assert await assignment_state(world, booking.id) == "cancelled"
    assert await world.value("SELECT count(*) FROM slots") == 0
    last = (await world.fetch("SELECT data FROM party_events WHERE party_id = $1 ORDER BY seq DESC LIMIT 1", one))[0]
    assert last["data"]["state"] == "cancelled" and last["data"]["reason"] == "the booking was cancelled"
    with pytest.raises(WrongState):
        await go(world, booking.id, one, "completed")


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        (CUSTOMER, "the booking was cancelled"), (Actor("organisation", "o-1"), "the booking was cancelled"),
        (STAFF, "they were rude"), (SYSTEM, "they were rude"),
    ],
)  # fmt: skip
async def test_the_technician_hears_the_houses_words_and_not_the_customers(
    world: World, actor: Actor, told: str
) -> None:
    booking, one = await job(world)
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, actor, "they were rude")
    rows = await world.fetch("SELECT data FROM party_events WHERE party_id = $1", one)
    assert [r["data"]["reason"] for r in rows if "reason" in r["data"]] == [told]


@pytest.mark.parametrize("state", ["in_progress", "completed"])
async def test_too_late_to_cancel(world: World, state: str) -> None:
    booking, _ = await job(world, state)
    with pytest.raises(WrongState) as caught:
        async with world.services.transaction() as tx:
            await bookings.cancel(tx, booking.id, CUSTOMER, None)
    assert caught.value.details["state"] == state


async def test_cancelled_while_it_waits(world: World) -> None:
    waiting = await world.book() if await world.technician() else None
    assert waiting is not None
    queued = await world.book(hours=24, auto_assign=False)
    unpaid = await world.book(hours=48, dispatch=False, wait_for_payment=True)
    for booking in (waiting, queued, unpaid):
        async with world.services.transaction() as tx:
            gone = await bookings.cancel(tx, booking.id, SYSTEM, None)
        assert (gone.status, gone.next_action, gone.queued_at, gone.cancelled_by) == ("cancelled", None, None, "system")
    assert await world.value("SELECT count(*) FROM slots") == 0
    assert await world.value("SELECT count(*) FROM alerts WHERE resolved_at IS NULL") == 0
    assert await world.sweep() == 0


async def test_rated_once_by_its_customer(world: World) -> None:
    booking, one = await job(world, "completed")

    async def rate(account_id: UUID, stars: int = 4) -> None:
        async with world.services.transaction() as tx:
            await bookings.rate(tx, booking.id, account_id, stars, "thanks")

    with pytest.raises(Missing):
        await rate(await world.customer())
    results = await asyncio.gather(*(rate(booking.account_id) for _ in range(4)), return_exceptions=True)
    assert sum(r is None for r in results) == 1
    assert sum(isinstance(r, NotRateable) for r in results) == 3
    assert await world.value("SELECT rating::float8 FROM technicians WHERE id = $1", one) == 4.0
    assert (await world.facts(booking.id)).count("booking.rated") == 1


async def test_what_is_not_done_cannot_be_rated(world: World) -> None:
    booking, _ = await job(world, "in_progress")
    with pytest.raises(NotRateable):
        async with world.services.transaction() as tx:
            await bookings.rate(tx, booking.id, booking.account_id, 5, None)


async def test_start_dispatch_when_the_payment_has_come(world: World) -> None:
    one = await world.technician()
    booking = await world.book(dispatch=False, wait_for_payment=True, payment_method="online")
    await offers.dispatch_now(world.services, booking.id)
    assert await world.value("SELECT count(*) FROM offers") == 0
    for _ in range(2):
        async with world.services.transaction() as tx:
            await bookings.start_dispatch(tx, booking.id)
    assert await world.sweep() == 1
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_a_visit_that_was_paid_back_afterwards_is_rated_all_the_same(world: World) -> None:
    """It has taken place, and it is the worst visits whose money goes back."""
    done, one = await job(world, "completed")
    await world.execute("UPDATE bookings SET status = 'refunded' WHERE id = $1", done.id)
    async with world.services.transaction() as tx:
        await bookings.rate(tx, done.id, done.account_id, 1, None)
    assert await world.value("SELECT rating::float8 FROM technicians WHERE id = $1", one) == 1.0
    gone = await world.book(hours=5)
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, gone.id, CUSTOMER, None)
    await world.execute("UPDATE bookings SET status = 'refunded' WHERE id = $1", gone.id)
    with pytest.raises(NotRateable):
        async with world.services.transaction() as tx:
            await bookings.rate(tx, gone.id, gone.account_id, 1, None)


async def test_nobody_pays_for_a_visit_whose_time_has_come(fresh_pool: Pool, tmp_path: Path) -> None:
    """Where visits are booked at short notice, an unpaid one ends with its start at the latest: nobody is sent then."""
    world = await make_world(fresh_pool, tmp_path, dispatch={"lead_s": 0})
    await world.technician()
    await world.technician(km_north=2)
    unpaid = {"dispatch": False, "wait_for_payment": True, "payment_method": "online"}
    soon = await world.book(hours=0.25, **unpaid)
    assert (soon.next_action, soon.next_action_at) == ("release_unpaid", soon.starts_at)
    await world.advance(minutes=10)
    later = await world.book(hours=5, **unpaid)
    assert later.next_action_at == world.now + timedelta(minutes=30)
    async with world.services.transaction() as tx:
        moved = await rescheduling.reschedule(tx, later.id, CUSTOMER, world.now + timedelta(minutes=20))
    assert (moved.next_action, moved.next_action_at) == ("release_unpaid", moved.starts_at)
    await world.advance(minutes=20)
    await world.sweep()
    assert {(await world.booking(one.id)).status for one in (soon, later)} == {"cancelled"}
    await world.services.bus.close()
