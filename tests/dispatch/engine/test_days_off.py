"""Days off: they take one out of matching, and no day with accepted jobs is taken."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from dispatch.engine import assigning, bookings, offers, presence, rescheduling, search
from dispatch.engine.offers import NoCandidate, OfferWithdrawn
from dispatch.engine.presence import JobsThen, Shift
from dispatch.events import Actor
from dispatch.services import Tx
from storage.bookings import Booking
from storage.offers import Offer
from tests.dispatch.engine.test_presence import refusal_of, work
from tests.turns import Work, one_after_the_other
from tests.world import World

STAFF = Actor("admin", "staff-1")


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


async def test_the_shift_of_the_evening_before_goes_on_into_a_day_off(world: World) -> None:
    one = await world.technician()
    await work(world, one, Shift([5, 6], 18 * 60, 2 * 60))
    # Half past midnight on a Saturday there, which is taken off: Friday's shift lasts until two.
    night = datetime(2026, 1, 9, 19, 0, tzinfo=UTC)
    await take_off(world, one, datetime(2026, 1, 10, tzinfo=UTC))
    booking = await world.book(hours=(night - world.now) / timedelta(hours=1))
    await world.accept(booking.id, one)
    assert await world.value("SELECT technician_id FROM assignments WHERE booking_id = $1", booking.id) == one


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


def taking_off(technician_id: UUID, day: date) -> Work:
    return lambda tx: presence.take_off(tx, technician_id, day)


def asking(booking: Booking) -> Work:
    """The search for somebody, by what this node knows of people."""

    async def work(tx: Tx) -> Offer | None:
        return (await search.search(tx, await offers.lock(tx, booking.id)))[1]

    return work


async def test_an_offer_that_is_being_made_is_taken_back(world: World) -> None:
    one, two = await world.technician(), await world.technician(km_north=3)
    booking = await world.book(hours=24, dispatch=False)
    made, refused = await one_after_the_other(
        world.services, asking(booking), taking_off(one, booking.starts_at.date())
    )
    assert (made.technician_id, refused) == (one, None)
    assert await world.open_offer(booking.id) is None
    await world.services.roster.refresh([one])
    await world.sweep()
    assert (await world.open_offer(booking.id))["technician_id"] == two


async def test_who_is_taking_the_day_off_is_not_asked(world: World) -> None:
    one, two = await world.technician(), await world.technician(km_north=3)
    booking = await world.book(hours=24, dispatch=False)
    _, made = await one_after_the_other(world.services, taking_off(one, booking.starts_at.date()), asking(booking))
    assert made.technician_id == two


async def test_what_another_node_has_not_heard_of_yet_counts(world: World) -> None:
    """Also of the shift of the evening before; staff who insist may ask all the same."""
    one = await world.technician()
    await work(world, one, Shift([5], 18 * 60, 2 * 60))
    night = datetime(2026, 1, 9, 19, 0, tzinfo=UTC)
    booking = await world.book(hours=(night - world.now) / timedelta(hours=1), dispatch=False)
    async with world.services.transaction() as tx:
        await presence.take_off(tx, one, date(2026, 1, 9))
    async with world.services.transaction() as tx:
        assert await asking(booking)(tx) is None
    with pytest.raises(NoCandidate):
        async with world.services.transaction() as tx:
            await assigning.assign_to(tx, booking.id, one, STAFF, force=False)
    async with world.services.transaction() as tx:
        assert (await assigning.assign_to(tx, booking.id, one, STAFF, force=True)).technician_id == one


async def test_a_new_booking_is_not_offered_to_who_has_just_taken_the_day_off(world: World) -> None:
    """The offer and the booking are written by one transaction, which has no interval to give back."""
    one, two = await world.technician(), await world.technician(km_north=3)
    new = world.new_booking(await world.customer(), hours=24)
    async with world.services.transaction() as tx:
        await presence.take_off(tx, one, new.local_date)
    async with world.services.transaction() as tx:
        looked = await search.look(tx, new.asked)
        assert looked.judged[0].candidate.id == one
        booking = await bookings.create(tx, new, looked.until)
        _, offer = await search.search(tx, booking, looked)
    assert offer is not None and offer.technician_id == two


@pytest.mark.parametrize("is_moved_first", [True, False])
async def test_a_job_is_not_moved_to_a_day_that_is_being_taken_off(world: World, is_moved_first: bool) -> None:
    one = await world.technician()
    await world.technician(km_north=3)
    booking = await world.book(hours=24)
    await world.accept(booking.id, one)
    later = booking.starts_at + timedelta(days=1)

    async def move(tx: Tx) -> Booking:
        return await rescheduling.reschedule(tx, booking.id, STAFF, later)

    steps = [move, taking_off(one, later.date())]
    led, followed = await one_after_the_other(world.services, *(steps if is_moved_first else reversed(steps)))
    if is_moved_first:
        assert led.technician_id == one and isinstance(followed, JobsThen)
    else:
        assert followed.technician_id is None, "it is offered anew"
