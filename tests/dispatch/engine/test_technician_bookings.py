"""A technician's agenda: open offers and own jobs in one list, by the words of both."""

from __future__ import annotations

from uuid import UUID

import pytest

from dispatch.engine import jobs, technician_bookings
from dispatch.errors import Missing
from storage.database.listing import Wanted
from tests.world import World


async def shown(world: World, technician_id: UUID, *status: str) -> list[UUID]:
    """The agenda, the soonest first; `status` as the list is asked for it."""
    wanted = Wanted(sorts=(("starts_at", False),), filters={"status": list(status)} if status else {})
    async with world.services.read() as conn:
        found = await technician_bookings.page(conn, technician_id, wanted)
    return [entry.job.booking_id for entry in found.rows]


async def test_it_is_asked_for_by_the_words_of_jobs_and_of_bookings(world: World) -> None:
    one = await world.technician()
    offered, accepted, driven = [(await world.book(hours=hours)).id for hours in (5, 24, 1.5)]
    for booking_id in (accepted, driven):
        await world.accept(booking_id, one)
    async with world.services.transaction() as tx:
        await jobs.advance(tx, driven, one, "in_transit")
    assert await shown(world, one) == [driven, offered, accepted]
    assert await shown(world, one, "assigned") == await shown(world, one, "partner_assigned") == [offered]
    assert await shown(world, one, "accepted") == [accepted]
    assert await shown(world, one, "confirmed") == [driven, accepted], "whatever the job's own state is"
    assert await shown(world, one, "pending") == [], "nobody has been asked then"
    async with world.services.read() as conn:
        assert [e.job.booking_id for e in await technician_bookings.offered(conn, one, 5)] == [offered]
        [soonest] = await technician_bookings.ahead(conn, one, 1)
        assert (soonest.job.booking_id, [i.quantity for i in soonest.items]) == (driven, [1])


async def test_a_job_that_takes_longer_than_planned_is_there_until_it_is_done(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    await world.accept(booking.id, one)

    async def ahead() -> list[str]:
        async with world.services.read() as conn:
            return [e.job.state for e in await technician_bookings.ahead(conn, one, 5)]

    for step in ("in_transit", "arrived", "in_progress"):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, step)
    await world.advance(seconds=(booking.ends_at - world.now).total_seconds() + 60)
    assert await ahead() == ["in_progress"]
    async with world.services.transaction() as tx:
        await jobs.complete(tx, booking.id, one)
    assert await ahead() == []


async def test_what_was_never_theirs_is_not_there(world: World) -> None:
    one, other = await world.technician(km_north=1), await world.technician(km_north=4)
    booking = await world.book()
    async with world.services.read() as conn:
        assert (await technician_bookings.get(conn, one, booking.id)).job.is_mine
        for read in (technician_bookings.get(conn, other, booking.id), technician_bookings.stats(conn, booking.id)):
            with pytest.raises(Missing):
                await read
    await world.reject(booking.id, one)
    async with world.services.read() as conn:
        assert not (await technician_bookings.get(conn, one, booking.id)).job.is_mine
        assert (await technician_bookings.get(conn, other, booking.id)).job.is_mine
        assert (await technician_bookings.stats(conn, other)).pending_bookings == 1
