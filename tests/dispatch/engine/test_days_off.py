"""Days off: they take one out of matching, and no day with accepted jobs is taken."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from dispatch.engine import presence
from dispatch.engine.offers import OfferWithdrawn
from dispatch.engine.presence import JobsThen, Shift
from storage.bookings import Booking
from tests.dispatch.engine.test_presence import refusal_of, work
from tests.world import World


async def take_off(world: World, technician_id: UUID, day: datetime) -> None:
    async with world.services.transaction() as tx:
        await presence.take_off(tx, technician_id, day.date())
    await world.services.roster.refresh([technician_id])


async def test_a_day_off_takes_one_out_of_matching_that_day(world: World) -> None:
    one = await world.technician()
    then, later = await world.book(hours=24, dispatch=False), await world.book(hours=48, dispatch=False)
    await world.execute("DELETE FROM slots")
    await take_off(world, one, then.starts_at)
    assert [await refusal_of(world, one, b) for b in (then, later)] == ["working_hours", None]
    async with world.services.transaction() as tx:
        await presence.work_again(tx, one, then.starts_at.date())
    await world.services.roster.refresh([one])
    assert await refusal_of(world, one, then) is None


async def test_a_day_with_accepted_jobs_is_not_taken_off(world: World) -> None:
    one = await world.technician()
    booking = await world.book(hours=24)
    await world.accept(booking.id, one)
    with pytest.raises(JobsThen) as caught:
        await take_off(world, one, booking.starts_at)
    assert [job["booking_number"] for job in caught.value.details["jobs"]] == [booking.number]
    assert await world.value("SELECT count(*) FROM technician_days_off") == 0
    await take_off(world, one, booking.starts_at + timedelta(days=1))
    assert await world.value("SELECT count(*) FROM technician_days_off") == 1


async def test_the_day_of_a_night_shift_counts_the_night_after(world: World) -> None:
    one = await world.technician()
    await work(world, one, Shift([5], 18 * 60, 2 * 60))
    night = datetime(2026, 1, 9, 19, 0, tzinfo=UTC)
    booking = await world.book(hours=(night - world.now) / timedelta(hours=1))
    await world.accept(booking.id, one)
    friday = booking.starts_at - timedelta(hours=12)
    # It is at half past midnight on Saturday, in the shift that begins on Friday.
    for day in (friday, friday + timedelta(days=1)):
        with pytest.raises(JobsThen):
            await take_off(world, one, day)
    await take_off(world, one, friday - timedelta(days=1))


async def test_taking_a_day_off_and_accepting_a_job_on_it_wait_for_each_other(world: World) -> None:
    one = await world.technician()
    booking = await world.book(hours=24)
    taken, accepted = await asyncio.gather(
        take_off(world, one, booking.starts_at), world.accept(booking.id, one), return_exceptions=True
    )
    # Whoever is second is refused: never is there a job on a day off.
    assert {type(taken), type(accepted)} in ({JobsThen, Booking}, {type(None), OfferWithdrawn}), (taken, accepted)
    is_accepted = isinstance(accepted, Booking)
    assert (await world.booking(booking.id)).technician_id == (one if is_accepted else None)
    assert await world.value("SELECT count(*) FROM technician_days_off") == (not is_accepted)


async def test_what_is_offered_on_a_day_that_is_taken_off_goes_to_somebody_else(world: World) -> None:
    one, two = await world.technician(), await world.technician(km_north=3)
    that_day, another = await world.book(hours=24), await world.book(hours=48)
    for booking in (that_day, another):
        assert (await world.open_offer(booking.id))["technician_id"] == one
    await take_off(world, one, that_day.starts_at)
    with pytest.raises(OfferWithdrawn):
        await world.accept(that_day.id, one)
    await world.sweep()
    assert (await world.open_offer(that_day.id))["technician_id"] == two
    assert (await world.booking(that_day.id)).attempt == 1, "it was no attempt"
    assert (await world.open_offer(another.id))["technician_id"] == one
