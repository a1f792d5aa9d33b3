"""What people order: named technicians, and force: what it goes past, and what it never goes past."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dispatch.engine import assigning, bookings, offers
from dispatch.engine.offers import NoCandidate, OfferWithdrawn
from dispatch.errors import DispatchError
from dispatch.events import Actor
from dispatch.parties import technicians
from dispatch.services import Tx
from storage.bookings import Booking
from storage.offers import Offer
from tests.dispatch.engine.test_offers import deadlocks
from tests.turns import one_after_the_other, until_waiting
from tests.world import World

STAFF = Actor("admin", "staff-1")
AT_NIGHT = {"start": "01:00", "end": "02:00", "days": [1]}


async def force(world: World, booking: Booking, technician_id: Any) -> Offer:
    async with world.services.transaction() as tx:
        return await assigning.assign_to(tx, booking.id, technician_id, STAFF, force=True)


@pytest.mark.parametrize(
    "columns",
    [
        {"is_available": False},
        {"rating_sum": 2, "rating_count": 2},
        {"working_hours": AT_NIGHT},
        {"km_north": 30},
        {"service_radius_m": 100},
        {"seen": False},
        {"is_available": False, "seen": False, "rating_sum": 2, "rating_count": 2, "working_hours": AT_NIGHT},
    ],
)
async def test_force_goes_past(world: World, columns: dict[str, Any]) -> None:
    await world.technician()
    named = await world.technician(**columns)
    booking = await world.book(hours=1.5, auto_assign=False)
    offer = await force(world, booking, named)
    assert offer.technician_id == named and offer.attempt is None
    assert (await world.accept(booking.id, named)).status == "confirmed"
    audited = await world.value("SELECT changes FROM audit_log WHERE action = 'assign_booking'")
    assert audited["force"] is True and audited["technician_id"] == str(named)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE technicians SET onboarding_status = 'pending' WHERE id = $1", "not_verified"),
        ("UPDATE technicians SET onboarding_status = 'rejected' WHERE id = $1", "not_verified"),
        ("UPDATE technicians SET is_active = false WHERE id = $1", "blocked"),
        ("INSERT INTO technician_blocks (account_id, technician_id) SELECT account_id, $1 FROM bookings", "blocked"),
    ],
)
async def test_force_never_goes_past(world: World, change: str, reason: str) -> None:
    """Even where this node has not heard of it yet."""
    await world.technician()
    named = await world.technician(is_available=False)
    booking = await world.book(hours=5, auto_assign=False)
    await world.execute(change, named)
    with pytest.raises(NoCandidate) as caught:
        await force(world, booking, named)
    assert caught.value.details == {"reason": reason}
    assert (await world.booking(booking.id)).round == 1


async def test_an_accepted_job_that_overlaps_is_named(world: World) -> None:
    named = await world.technician()
    job = await world.book(hours=5)
    await world.accept(job.id, named)
    await world.technician(km_north=2)
    booking = await world.book(hours=5.5)
    with pytest.raises(NoCandidate) as caught:
        await force(world, booking, named)
    assert caught.value.details["booking_number"] == job.number
    assert caught.value.details["reason"] == "busy_then" and job.number in caught.value.message
    # Nothing was taken back for nothing.
    assert (await world.open_offer(booking.id))["state"] == "open"


async def test_open_offers_in_the_way_are_withdrawn_and_were_no_attempts(world: World) -> None:
    named, other = await world.technician(km_north=1), await world.technician(km_north=3)
    in_the_way, beside = await world.book(hours=5), await world.book(hours=26)
    assert (await world.open_offer(in_the_way.id))["technician_id"] == named
    booking = await world.book(hours=5.5)
    assert (await world.open_offer(booking.id))["technician_id"] == other
    await force(world, booking, named)
    assert (await world.open_offer(booking.id))["technician_id"] == named
    # What does not overlap stays; what does goes on with its round.
    assert (await world.open_offer(beside.id))["technician_id"] == named
    taken_back = await world.booking(in_the_way.id)
    assert (taken_back.status, taken_back.attempt, taken_back.next_action) == ("pending", 0, "dispatch")
    await world.sweep()
    offer = await world.open_offer(in_the_way.id)
    assert (offer["technician_id"], offer["round"], offer["attempt"]) == (other, 1, 1)


async def test_where_all_places_are_taken_the_newest_offer_goes(world: World) -> None:
    named = await world.technician()
    made = []
    for hours in (24, 48, 72):
        await world.advance(seconds=1)
        made.append(await world.book(hours=hours))
    booking = await world.book(hours=96)
    assert booking.status == "pending"
    await force(world, booking, named)
    states = [(await world.booking(b.id)).status for b in made]
    assert states == ["partner_assigned", "partner_assigned", "pending"]


async def test_where_fewer_may_be_held_than_are_as_many_go(world: World) -> None:
    named = await world.technician()
    made = []
    for hours in (24, 48, 72):
        await world.advance(seconds=1)
        made.append(await world.book(hours=hours))
    world.services.settings.dispatch.open_offers = 2
    booking = await world.book(hours=96)
    await force(world, booking, named)
    states = [(await world.booking(b.id)).status for b in made]
    assert states == ["partner_assigned", "pending", "pending"]
    assert (await world.open_offer(booking.id))["technician_id"] == named


async def test_an_acceptance_that_comes_before_is_named_and_nothing_is_taken_back(world: World) -> None:
    """The offer in the way is accepted while staff force another booking upon the same technician."""
    named, other = await world.technician(km_north=1), await world.technician(km_north=3)
    in_the_way, booking = await world.book(hours=5), await world.book(hours=5.5)
    assert (await world.open_offer(booking.id))["technician_id"] == other

    async def accept(tx: Tx) -> Booking:
        offer = await offers.offer_of(tx, named, booking_id=in_the_way.id)
        return await offers.accept(tx, named, offer)

    async def by_force(tx: Tx) -> Offer:
        return await assigning.assign_to(tx, booking.id, named, STAFF, force=True)

    _, refused = await one_after_the_other(world.services, accept, by_force)
    assert isinstance(refused, NoCandidate) and refused.details["booking_number"] == in_the_way.number
    assert (await world.open_offer(booking.id))["technician_id"] == other
    # The other way round whoever accepts is told that it was withdrawn.
    third = await world.book(hours=29)
    fourth = await world.book(hours=29.5)
    who = (await world.open_offer(third.id))["technician_id"]

    async def force_fourth(tx: Tx) -> Offer:
        return await assigning.assign_to(tx, fourth.id, who, STAFF, force=True)

    async def accept_third(tx: Tx) -> Booking:
        offer = await offers.offer_of(tx, who, booking_id=third.id)
        return await offers.accept(tx, who, offer)

    forced, late = await one_after_the_other(world.services, force_fourth, accept_third)
    assert forced.technician_id == who and isinstance(late, OfferWithdrawn)


async def test_force_upon_whoever_is_let_go_at_that_moment(world: World) -> None:
    """Whoever comes second knows of the first: no offer is left with somebody who no longer works."""
    await world.technician(km_north=3)
    for is_first in (True, False):
        named = await world.technician(km_north=1)
        booking = await world.book(hours=5, auto_assign=False)

        async def let_go(tx: Tx, named: Any = named) -> Any:
            return await technicians.change(tx, named, STAFF, {"is_active": False})

        async def by_force(tx: Tx, named: Any = named, booking: Booking = booking) -> Offer:
            return await assigning.assign_to(tx, booking.id, named, STAFF, force=True)

        works = (let_go, by_force) if is_first else (by_force, let_go)
        _, second = await one_after_the_other(world.services, *works)
        assert isinstance(second, NoCandidate) == is_first, second
        await world.services.roster.refresh()
        await world.sweep()
        assert await world.value("SELECT count(*) FROM offers WHERE technician_id = $1 AND state = 'open'", named) == 0
        async with world.services.transaction() as tx:
            await bookings.cancel(tx, booking.id, Actor("customer"), None)


async def test_held_intervals_move_or_end(world: World) -> None:
    named, other = await world.technician(km_north=1), await world.technician(km_north=2)
    held = await world.book(hours=5, auto_assign=False)
    assert await world.value("SELECT technician_id FROM slots WHERE booking_id = $1", held.id) == named
    booking = await world.book(hours=5.5, auto_assign=False)
    assert await world.value("SELECT technician_id FROM slots WHERE booking_id = $1", booking.id) == other
    await force(world, booking, named)
    assert await world.value("SELECT technician_id FROM slots WHERE booking_id = $1", held.id) == other
    # Nobody else is free: the hold ends, and its booking still finds somebody later.
    third = await world.book(hours=28, auto_assign=False)
    fourth = await world.book(hours=28.5, auto_assign=False)
    await world.execute("UPDATE technicians SET is_active = false WHERE id = $1", other)
    await world.services.roster.refresh([other])
    holder = {third.id: third, fourth.id: fourth}
    mine = await world.value("SELECT booking_id FROM slots WHERE technician_id = $1 AND state = 'held'", named)
    rest = next(b for key, b in holder.items() if key != mine)
    await force(world, rest, named)
    assert await world.value("SELECT count(*) FROM slots WHERE booking_id = $1", mine) == 0
    assert (await world.booking(mine)).status == "pending"


async def test_two_who_force_crosswise_do_not_lock_each_other(world: World) -> None:
    one, two = await world.technician(km_north=1), await world.technician(km_north=1.1)
    for round_ in range(4):
        first, second = await world.book(hours=24 * (round_ + 1)), await world.book(hours=24 * (round_ + 1) + 0.5)
        before = await deadlocks(world)
        answers = await asyncio.gather(
            force(world, first, two), force(world, second, one), force(world, first, one), force(world, second, two),
            return_exceptions=True,
        )  # fmt: skip
        assert not [a for a in answers if isinstance(a, BaseException) and not isinstance(a, DispatchError)], answers
        assert await deadlocks(world) == before
        open_now = await world.fetch("SELECT booking_id FROM offers WHERE state = 'open'")
        assert len({r["booking_id"] for r in open_now}) == len(open_now)
        for booking in (first, second):
            async with world.services.transaction() as tx:
                await bookings.cancel(tx, booking.id, Actor("customer"), None)


async def test_two_who_exchange_technicians_by_force_both_do(world: World) -> None:
    for km in (1.0, 1.1):
        await world.technician(km_north=km)
    for day in (1, 2, 3):
        made = [await world.book(hours=24 * day, auto_assign=False) for _ in range(2)]
        rows = await world.fetch("SELECT booking_id, technician_id FROM slots WHERE state = 'held'")
        first, second = [next(r["technician_id"] for r in rows if r["booking_id"] == b.id) for b in made]
        before = await deadlocks(world)
        async with world.services.transaction() as tx:
            # Both come as far as they can before either may move.
            await tx.conn.execute("SELECT FROM slots FOR UPDATE")
            both = [asyncio.create_task(force(world, *pair)) for pair in zip(made, (second, first), strict=True)]
            await until_waiting(world.services, *both)
        assert [offer.technician_id for offer in await asyncio.gather(*both)] == [second, first]
        assert await deadlocks(world) == before
        for booking in made:
            async with world.services.transaction() as tx:
                await bookings.cancel(tx, booking.id, Actor("customer"), None)
