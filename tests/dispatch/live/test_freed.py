"""Who has become free, or has changed: waiting bookings look again at once."""

from __future__ import annotations

from dispatch.engine import bookings, jobs, presence
from dispatch.events import Actor
from storage.bookings import Booking
from tests.dispatch.engine.test_queue import status, told_by_bus
from tests.world import KOLKATA, World

CUSTOMER = Actor("customer")


async def cancel(world: World, booking: Booking) -> None:
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, CUSTOMER, None)


async def test_somebody_comes_online(world: World) -> None:
    one = await world.technician(is_available=False)
    booking = await world.book(hours=1.5)
    assert (booking.status, booking.waits_for) == ("pending", ["offline"])
    async with world.services.transaction() as tx:
        await presence.set_available(tx, one, True)
    await world.services.roster.refresh([one])
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_a_fix_is_fresh_again(world: World) -> None:
    one = await world.technician(seen=False)
    booking = await world.book(hours=1.5)
    assert booking.waits_for == ["stale_fix"]
    await world.sweep()
    assert await status(world, booking) == "pending"
    world.see(one, *KOLKATA)
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_somebody_without_base_and_zone_is_seen_for_the_first_time(world: World) -> None:
    helper = await world.technician(km_north=2)
    booking = await world.book(hours=1.5)
    await world.reject(booking.id, helper)
    one = await world.technician(base_lat=None, base_lng=None, zone_id=None, seen=False)
    await world.sweep()
    waiting = await world.booking(booking.id)
    assert (waiting.status, waiting.waits_for, waiting.next_action_at) == ("pending", [], None)
    world.see(one, *KOLKATA)
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_an_interval_is_freed(world: World) -> None:
    one = await world.technician()
    first = await world.book(hours=5)
    await world.accept(first.id, one)
    other = await world.technician(km_north=2)
    second = await world.book(hours=5.5)
    await world.reject(second.id, other)
    waiting = await world.booking(second.id)
    assert (waiting.status, waiting.waits_for, waiting.attempt) == ("pending", ["busy_then"], 1)
    await cancel(world, first)
    await told_by_bus()
    await world.sweep()
    offer = await world.open_offer(second.id)
    assert (offer["technician_id"], offer["attempt"]) == (one, 2)


async def test_a_job_that_is_done_frees_its_interval(world: World) -> None:
    one, other = await world.technician(km_north=1), await world.technician(km_north=2)
    first = await world.book(hours=1.2)
    await world.accept(first.id, one)
    second = await world.book(hours=1.6)
    await world.reject(second.id, other)
    assert (await world.booking(second.id)).waits_for == ["busy_then"]
    async with world.services.transaction() as tx:
        await jobs.give_back(tx, first.id, one, "ill")
    await told_by_bus()
    await world.sweep()
    assert (await world.open_offer(second.id))["technician_id"] == one


async def test_a_block_that_is_lifted(world: World) -> None:
    me, one, helper = await world.customer(), await world.technician(), await world.technician(km_north=2)
    await world.execute("INSERT INTO technician_blocks (account_id, technician_id) VALUES ($1, $2)", me, one)
    booking = await world.book(me, hours=5)
    await world.reject(booking.id, helper)
    assert (await world.booking(booking.id)).next_action_at is None
    before = await world.value("SELECT changed_at FROM technicians WHERE id = $1", one)
    await world.execute("DELETE FROM technician_blocks WHERE technician_id = $1", one)
    # Every node reads whose row has changed.
    assert await world.value("SELECT changed_at FROM technicians WHERE id = $1", one) > before
    await world.services.roster.refresh([one])
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one


async def test_somebody_new_in_the_area_is_a_hint(world: World) -> None:
    helper = await world.technician()
    booking = await world.book(hours=5)
    await world.reject(booking.id, helper)
    assert (await world.booking(booking.id)).next_action_at is None
    one = await world.technician()
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == one
