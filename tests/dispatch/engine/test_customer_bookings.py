"""A customer's own bookings: another's does not exist, and a technician's number is theirs for a while only."""

from __future__ import annotations

from datetime import time, timedelta
from uuid import UUID

import pytest

from dispatch.engine import customer_bookings, jobs
from dispatch.engine.customer_bookings import TooManyMoves
from dispatch.engine.free_times import SlotTaken
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.localtime import twelve_hour
from storage.bookings import Booking
from tests.world import World


async def phone(world: World, account_id: UUID, booking_id: UUID) -> str | None:
    async with world.services.read() as conn:
        return customer_bookings.phone_of(
            world.services, await customer_bookings.get(conn, account_id, booking_id)
        )  # fmt: skip


async def test_anothers_booking_does_not_exist(world: World) -> None:
    await world.technician()
    mine, stranger = await world.customer(), await world.customer("A stranger")
    booking = await world.book(mine)
    async with world.services.read() as conn:
        assert [b.id for b in await customer_bookings.latest(conn, mine, 5)] == [booking.id]
        assert await customer_bookings.latest(conn, stranger, 5) == []
        for look in (customer_bookings.get, customer_bookings.timeline):
            with pytest.raises(Missing):
                await look(conn, stranger, booking.id)
    with pytest.raises(Missing):
        await customer_bookings.reschedule(world.services, stranger, booking.id, booking.local_date, time(15))
    assert (await world.booking(booking.id)).starts_at == booking.starts_at


async def test_a_technicians_number_is_there_while_the_two_have_to_do_with_each_other(world: World) -> None:
    technician = await world.technician()
    account_id = await world.customer()
    booking = await world.book(account_id)
    assert await phone(world, account_id, booking.id) is None, "it was only offered"
    await world.accept(booking.id, technician)
    theirs = await world.value("SELECT phone FROM parties WHERE id = $1", technician)
    assert await phone(world, account_id, booking.id) == theirs
    for step in ("in_transit", "arrived", "in_progress"):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, technician, step)
    async with world.services.transaction() as tx:
        await jobs.complete(tx, booking.id, technician)
    hours = world.services.settings.privacy.contact_hours
    await world.advance(hours=hours, seconds=-1)
    assert await phone(world, account_id, booking.id) == theirs
    await world.advance(seconds=1)
    assert await phone(world, account_id, booking.id) is None


async def test_who_moves_to_a_taken_time_hears_of_free_ones(world: World) -> None:
    await world.technician()
    account_id = await world.customer()
    booking = await world.book(account_id, hours=3)
    other = await world.book(await world.customer(), hours=6)
    with pytest.raises(SlotTaken) as refused:
        await customer_bookings.reschedule(
            world.services, account_id, booking.id, other.local_date, other.local_time
        )  # fmt: skip
    free = refused.value.details["available_time_slots"]
    assert free and twelve_hour(other.local_time) not in free and twelve_hour(booking.local_time) not in free
    moved = await customer_bookings.reschedule(
        world.services, account_id, booking.id, other.local_date + timedelta(days=1), other.local_time
    )
    assert moved.starts_at == other.starts_at + timedelta(days=1)


async def test_a_booking_is_moved_so_often_in_an_hour_and_by_people_as_often_as_they_must(world: World) -> None:
    """Every move is told to whoever keeps the job; who is refused has counted nothing."""
    technician, account_id = await world.technician(), await world.customer()
    booking = await world.book(account_id, hours=3)
    await world.accept(booking.id, technician)
    most = world.services.settings.limits.booking_moves_per_hour
    day = booking.local_date + timedelta(days=1)

    async def moves(hour: int) -> Booking:
        return await customer_bookings.reschedule(world.services, account_id, booking.id, day, time(hour))

    for n in range(most):
        assert (await moves(10 + n % 2)).technician_id == technician
    for hour in (13, 14):
        with pytest.raises(TooManyMoves):
            await moves(hour)
    assert (await moves(10 + (most - 1) % 2)).local_time == time(10 + (most - 1) % 2), "it is there already"
    staff = Actor("admin", "somebody")
    moved = await customer_bookings.move(world.services, await world.booking(booking.id), staff, day, time(15))
    assert moved.local_time == time(15)
    other = await world.book(account_id, hours=6)
    assert await customer_bookings.reschedule(world.services, account_id, other.id, day, time(18))
