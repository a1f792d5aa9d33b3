"""Near, arrived, left again: what a way tells by itself."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from dispatch.bus import LocalBus
from dispatch.engine import detections, jobs
from dispatch.live.arrivals import AWAY_M, UNSAID_AHEAD_S
from dispatch.process import runtime
from storage.bookings import Booking
from storage.offers import OpenJob
from tests.dispatch.live.phones import fix, report
from tests.world import World, test_settings


async def on_the_way(world: World, north_m: float = 3000.0) -> tuple[Booking, UUID]:
    one = await world.technician(km_north=north_m / 1000)
    booking = await world.book()
    await world.accept(booking.id, one)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_transit")
    await world.services.tracker.refresh_jobs()
    return booking, one


async def go(
    world: World, technician_id: UUID, *way_m: float, every_s: float = 5.0, accuracy_m: float = 8.0
) -> None:
    """The technician's phone reports these places; what they mean waits to be written."""
    for north_m in way_m:
        await world.advance(seconds=every_s)
        report(world, technician_id, fix(world, north_m, accuracy_m=accuracy_m))


async def drive(
    world: World, technician_id: UUID, *way_m: float, every_s: float = 5.0, accuracy_m: float = 8.0
) -> None:
    await go(world, technician_id, *way_m, every_s=every_s, accuracy_m=accuracy_m)
    await detections.record_waiting(world.services)


async def state_of(world: World, booking: Booking) -> str:
    return str(
        await world.value("SELECT state FROM assignments WHERE booking_id = $1 AND state <> 'cancelled'", booking.id)
    )


async def test_driving_there_is_near_once_and_then_arrived(world: World) -> None:
    booking, one = await on_the_way(world)
    await drive(world, one, *range(2900, 600, -100), every_s=8)
    assert "partner.near" not in await world.facts(booking.id)
    await drive(world, one, *range(500, 40, -60), every_s=8)
    assert (await world.facts(booking.id)).count("partner.near") == 1
    assert await state_of(world, booking) == "in_transit"
    await drive(world, one, 15, 12, 14, 13, every_s=5)
    assert await state_of(world, booking) == "arrived"
    assert (await world.facts(booking.id)).count("partner.arrived") == 1
    events = await world.fetch("SELECT actor_kind, data FROM booking_events WHERE type = 'partner.arrived'")
    assert events[0]["actor_kind"] == "system" and events[0]["data"]["detected"] is True
    assert world.services.tracker.arrivals.detected == 1


async def test_noise_does_not_arrive(world: World) -> None:
    booking, one = await on_the_way(world, 1200)
    # A vague fix at the door, one stray sharp one, and driving past at 50 km/h.
    await drive(world, one, 1000, every_s=10)
    await drive(world, one, 0, accuracy_m=400, every_s=10)
    await drive(world, one, 700, every_s=10)
    await drive(world, one, *range(600, -700, -14), every_s=1)
    assert await state_of(world, booking) == "in_transit"
    assert "partner.arrived" not in await world.facts(booking.id)


async def test_an_arrival_that_is_left_at_once_is_taken_back(world: World) -> None:
    """A red light thirty metres from the door; then on, for two kilometres; and then really there."""
    booking, one = await on_the_way(world)
    await drive(world, one, *range(2900, 30, -100), every_s=8)
    await drive(world, one, 30, 30, 30, 30, 30, every_s=5)
    assert await state_of(world, booking) == "arrived"
    await world.services.tracker.refresh_jobs()
    await drive(world, one, *range(-20, -1900, -80), every_s=8)
    assert await state_of(world, booking) == "in_transit"
    [left] = await world.fetch("SELECT actor_kind, data FROM booking_events WHERE type = 'technician.left'")
    assert left["actor_kind"] == "system" and left["data"]["is_taken_back"] is True
    assert left["data"]["distance_m"] >= AWAY_M
    assert await world.value("SELECT arrived_at FROM assignments WHERE booking_id = $1", booking.id) is None
    await world.services.tracker.refresh_jobs()
    await drive(world, one, *range(-1800, -10, 80), every_s=8)
    await drive(world, one, -8, -8, -8, -8)
    assert await state_of(world, booking) == "arrived"
    facts = await world.facts(booking.id)
    assert facts.count("partner.arrived") == 2 and facts.count("technician.left") == 1


async def test_fetching_something_from_the_van_is_no_leaving(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    await drive(world, one, 300, 200, 100, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "arrived"
    await world.services.tracker.refresh_jobs()
    await drive(world, one, 60, 140, 200, 200, 200, 200, 120, 40, 10, 10, 10)
    assert await state_of(world, booking) == "arrived"
    assert "technician.left" not in await world.facts(booking.id)


async def test_leaving_later_is_told_to_people_once(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    await drive(world, one, 300, 200, 100, 10, 10, 10, 10, 10)
    await world.services.tracker.refresh_jobs()
    await drive(world, one, *([10] * 12), every_s=30)
    for _ in range(2):
        await drive(world, one, 120, 240, 360, 480, 600, 720, every_s=8)
        await drive(world, one, *range(600, 10, -100), 10, 10, 10, 10, every_s=8)
    assert await state_of(world, booking) == "arrived"
    [left] = await world.fetch("SELECT data FROM booking_events WHERE type = 'technician.left'")
    assert left["data"]["is_taken_back"] is False
    open_alerts = "SELECT count(*) FROM alerts WHERE resolved_at IS NULL AND kind = 'technician_left'"
    assert await world.value(open_alerts) == 1
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_progress")
    assert await world.value(open_alerts) == 0


async def test_being_at_the_door_unsaid_counts_shortly_before_the_start_only(world: World) -> None:
    one = await world.technician(km_north=1)
    booking = await world.book()
    await world.accept(booking.id, one)
    await world.services.tracker.refresh_jobs()
    await drive(world, one, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "accepted"
    await world.advance(seconds=(booking.starts_at - world.now).total_seconds() - UNSAID_AHEAD_S)
    await drive(world, one, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "arrived"


async def test_nobody_arrives_at_a_door_that_is_not_known(world: World) -> None:
    one = await world.technician(km_north=1)
    booking = await world.book(is_approximate=True)
    await world.accept(booking.id, one)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, one, "in_transit")
    # As the node that has it learns it, and as it is read again.
    await drive(world, one, *range(900, 10, -80), 10, 10, 10, 10, 10)
    await world.services.tracker.read_jobs()
    await drive(world, one, 10, 10, 10, 10, 10)
    assert await state_of(world, booking) == "in_transit"
    assert not {"partner.near", "partner.arrived"} & set(await world.facts(booking.id))


async def test_customers_see_the_technician_from_the_way_to_the_end(world: World) -> None:
    shown: list[tuple[str, UUID]] = []
    world.services.tracker.watch(lambda who, job: shown.append((job.state, who.id)))
    one = await world.technician()
    booking = await world.book()

    async def ping() -> int:
        before = len(shown)
        await world.services.tracker.refresh_jobs()
        await world.advance(seconds=10)
        report(world, one, fix(world, 1000 + 20 * len(shown)))
        return len(shown) - before

    assert await ping() == 0
    await world.accept(booking.id, one)
    assert await ping() == 0
    for step in ("in_transit", "arrived", "in_progress"):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, step)
        assert await ping() == 1
    async with world.services.transaction() as tx:
        await jobs.complete(tx, booking.id, one)
    assert await ping() == 0
    assert shown == [("in_transit", one), ("arrived", one), ("in_progress", one)]


async def test_jobs_whose_hints_were_lost_are_found(world: World, tmp_path: Path) -> None:
    one = await world.technician()
    booking = await world.book()
    # A node that hears nothing of what happens on the other.
    deaf = await runtime.assemble(test_settings(tmp_path), world.services.pool, LocalBus())
    arrivals = deaf.tracker.arrivals
    await world.accept(booking.id, one)
    assert arrivals.find(booking.id) is None
    await deaf.tracker.read_jobs()
    found = arrivals.find(booking.id)
    assert isinstance(found, OpenJob) and found.technician_id == one
    async with world.services.transaction() as tx:
        await jobs.give_back(tx, booking.id, one, "ill")
    await deaf.tracker.read_jobs()
    assert arrivals.find(booking.id) is None and arrivals.of_technician(one) == []


async def test_a_new_technician_of_a_booking_starts_a_new_approach(world: World) -> None:
    booking, one = await on_the_way(world, 400)
    two = await world.technician(km_north=5)
    async with world.services.transaction() as tx:
        await jobs.give_back(tx, booking.id, one, "ill")
    offer = await world.open_offer(booking.id)
    assert offer["technician_id"] == two
    await world.accept(booking.id, two)
    await world.services.tracker.refresh_jobs()
    found = world.services.tracker.arrivals.find(booking.id)
    assert found is not None and found.technician_id == two
    assert world.services.tracker.arrivals.of_technician(one) == []
    # The first one at the door is nobody's arrival.
    await drive(world, one, 10, 10, 10, 10)
    assert await state_of(world, booking) == "accepted"
