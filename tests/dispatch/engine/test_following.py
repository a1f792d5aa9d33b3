"""Whoever follows a visit sees where its technician is, from the way to the end and never else."""

from __future__ import annotations

import pytest

from dispatch.engine import following, jobs, tracking_links
from tests.dispatch.engine.test_tracking_links import make
from tests.world import KOLKATA, World


async def test_whoever_follows_sees_nobody_before_the_way_and_after_the_end(world: World) -> None:
    """Also while this node still remembers the job as it was, or as another's."""
    technician, other = await world.technician(), await world.technician(km_north=2)
    booking = await world.book()
    link = await make(world, booking)
    await world.accept(booking.id, technician)
    tracker = world.services.tracker
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, technician, "in_transit")
    world.see(technician, 22.58, 88.36)
    told = await tracking_links.follow(world.services, link.token)
    assert told.status == "in_transit" and told.position is not None
    assert following.of_booking(world.services, booking.id, other) is None
    await world.execute("UPDATE assignments SET state = 'completed', completed_at = app_now()")
    job = tracker.arrivals.find(booking.id)
    assert job is not None and job.state == "in_transit", "that it is over has not been heard here"
    assert (await tracking_links.follow(world.services, link.token)).position is None


async def test_where_the_door_is_not_known_no_distance_and_no_time_are_promised(world: World) -> None:
    """Nor can anybody tell whether they have gone home from it."""
    technician = await world.technician()
    booking = await world.book(is_approximate=True)
    await world.accept(booking.id, technician)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, booking.id, technician, "in_transit")
    await world.advance(seconds=120)
    world.see(technician, *KOLKATA)
    told = following.of_booking(world.services, booking.id, technician)
    assert told is not None and (told["lat"], told["distance_m"], told["eta_s"]) == (KOLKATA[0], None, None)
    async with world.services.transaction() as tx:
        for step in ("arrived", "in_progress"):
            await jobs.advance(tx, booking.id, technician, step)
    assert following.of_booking(world.services, booking.id, technician) is None


@pytest.mark.parametrize(("said", "shown"), [("in_progress", [True, False, False, True]), ("arrived", [True] * 4)])
async def test_who_forgot_to_say_that_it_is_done_is_not_followed_home(
    world: World, said: str, shown: list[bool]
) -> None:
    """Who has only arrived is followed until the visit was to be over: they may have gone before it began."""
    technician = await world.technician()
    booking = await world.book(hours=1)
    link = await make(world, booking)
    await world.accept(booking.id, technician)
    steps = ("in_transit", "arrived", "in_progress")
    async with world.services.transaction() as tx:
        for step in steps[: steps.index(said) + 1]:
            await jobs.advance(tx, booking.id, technician, step)

    async def is_seen(north: float) -> bool:
        await world.advance(seconds=120)
        world.see(technician, KOLKATA[0] + north, KOLKATA[1])
        told = await tracking_links.follow(world.services, link.token)
        assert (following.of_booking(world.services, booking.id, technician) is None) is (told.position is None)
        return told.position is not None

    assert [await is_seen(north) for north in (0.001, 0.004, 0.008, 0.0)] == shown
    await world.advance(seconds=(booking.ends_at - world.now).total_seconds())
    assert [await is_seen(north) for north in (0.001, 0.004, 0.0)] == [True, False, True]
