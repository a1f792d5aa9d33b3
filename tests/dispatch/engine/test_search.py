"""The search for a technician: its windows, its reasons, its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch.engine import assigning, offers, search
from dispatch.engine.offers import AlreadyAssigned, OfferWithdrawn
from tests.dispatch.engine.test_offers import STAFF
from tests.world import World


async def test_nobody_there_means_the_queue_and_every_reason_is_kept(world: World) -> None:
    one = await world.technician(km_north=3)
    await world.execute("UPDATE technicians SET onboarding_status = 'pending' WHERE id = $1", one)
    other = await world.technician(km_north=2)
    booking = await world.book(hours=8)
    await world.services.roster.refresh([one])
    await world.reject(booking.id, other)
    queued = await world.booking(booking.id)
    assert queued.queue_reason == "no_candidate"
    reasons = await world.fetch(
        "SELECT a.attempt, c.technician_id, c.reason FROM match_candidates c "
        "JOIN match_attempts a ON a.id = c.attempt_id"
    )
    seen = {(r["attempt"], r["technician_id"]): r["reason"] for r in reasons}
    assert seen[1, other] == "offered" and seen[2, other] == "already_tried" and seen[2, one] == "not_verified"


async def test_windows_shrink_with_the_time_left(world: World) -> None:
    booking = await world.book(dispatch=False) if await world.technician() else None
    assert booking is not None

    def before(left: timedelta) -> timedelta:
        return search.window(world.services, booking.starts_at, 0, booking.starts_at - left)

    assert before(timedelta(minutes=30)) == timedelta(minutes=10)
    assert before(timedelta(minutes=2)) == timedelta(seconds=60)
    assert before(timedelta(hours=9)) == timedelta(minutes=15)


async def test_not_automatic_goes_straight_to_the_queue_by_priority(world: World) -> None:
    await world.technician()
    booking = await world.book(auto_assign=False, priority=5)
    assert booking.status == "pending" and booking.queue_reason == "manual"
    assert await world.value("SELECT count(*) FROM offers") == 0


async def test_staff_orders_a_search(world: World) -> None:
    one = await world.technician()
    booking = await world.book(auto_assign=False)
    async with world.services.transaction() as tx:
        offer = await assigning.assign(tx, booking.id, STAFF, force=False)
    assert offer is not None and offer.technician_id == one and offer.round == 2
    with pytest.raises(AlreadyAssigned):
        async with world.services.transaction() as tx:
            await assigning.assign(tx, booking.id, STAFF, force=False)
    async with world.services.transaction() as tx:
        again = await assigning.assign(tx, booking.id, STAFF, force=True)
    assert again is not None and again.round == 3
    assert await world.value("SELECT count(*) FROM offers WHERE state = 'withdrawn'") == 1
    with pytest.raises(OfferWithdrawn):
        async with world.services.transaction() as tx:
            await offers.accept(tx, one, await offers.offer_of(tx, one, offer_id=offer.id))
    assert await world.value("SELECT count(*) FROM audit_log WHERE action = 'assign_booking'") == 2
