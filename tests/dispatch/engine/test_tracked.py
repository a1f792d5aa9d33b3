"""A job's change is known to this node's tracker with its commit: the very next ping is judged by it."""

from __future__ import annotations

from uuid import UUID

import pytest

from dispatch.engine import bookings, jobs
from dispatch.events import Actor
from storage import offers as offer_rows
from tests.world import World


def states(world: World, technician_id: UUID) -> list[str]:
    return [job.state for job in world.services.tracker.arrivals.of_technician(technician_id)]


async def test_the_first_ping_after_a_step_is_shown(world: World) -> None:
    """Nothing is read again between the commits and the pings: the loops do not run here."""
    shown: list[str] = []
    world.services.tracker.watch(lambda seen, job: shown.append(job.state))
    one = await world.technician()
    booking = await world.book()

    async def ping(n: int) -> None:
        await world.advance(seconds=10)
        world.see(one, 22.5826 - n * 0.001, 88.3639)

    await world.accept(booking.id, one)
    assert states(world, one) == ["accepted"]
    await ping(1)
    assert shown == []
    for n, step in enumerate(("in_transit", "arrived", "in_progress"), 2):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, step)
        await ping(n)
    assert shown == ["in_transit", "arrived", "in_progress"]
    async with world.services.transaction() as tx:
        await jobs.complete(tx, booking.id, one)
    await ping(5)
    assert len(shown) == 3 and states(world, one) == []


async def test_what_was_undone_or_ended_is_not_there(world: World) -> None:
    one = await world.technician()
    booking = await world.book()
    await world.accept(booking.id, one)
    with pytest.raises(ZeroDivisionError):
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, "in_transit")
            raise ZeroDivisionError
    assert states(world, one) == ["accepted"]
    async with world.services.transaction() as tx:
        await bookings.cancel(tx, booking.id, Actor("admin", "s-1"), "closed")
    assert states(world, one) == []


async def test_rows_that_were_read_before_a_change_do_not_undo_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await world.technician()
    booking = await world.book()
    await world.accept(booking.id, one)
    tracker, real = world.services.tracker, offer_rows.open_jobs

    async def read_slowly(conn: object, **given: object) -> object:
        found = await real(conn, **given)  # type: ignore[arg-type]
        monkeypatch.setattr(offer_rows, "open_jobs", real)
        async with world.services.transaction() as tx:
            await jobs.advance(tx, booking.id, one, "in_transit")
        return found

    for read in (tracker.read_jobs, tracker.refresh_jobs):
        monkeypatch.setattr(offer_rows, "open_jobs", read_slowly)
        await read()
        assert states(world, one) == ["in_transit"]
    await tracker.refresh_jobs()
    assert states(world, one) == ["in_transit"]
