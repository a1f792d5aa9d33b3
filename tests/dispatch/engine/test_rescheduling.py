"""A booking is moved, whatever has become of it by then: one room for all who do it."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from dispatch.engine import rescheduling
from dispatch.engine.free_times import SlotTaken
from dispatch.engine.lifecycle import WrongState
from dispatch.errors import Invalid
from dispatch.events import Actor
from storage.bookings import Booking
from tests.dispatch.engine.test_jobs import CUSTOMER, STAFF, job
from tests.world import NOON, World


async def move(world: World, booking_id: UUID, to: datetime, actor: Actor = CUSTOMER) -> Booking:
    async with world.services.transaction() as tx:
        return await rescheduling.reschedule(tx, booking_id, actor, to)


async def heard(world: World, technician_id: UUID) -> list[str]:
    """What a technician was told by SMS, in the words of its types."""
    rows = await world.fetch(
        "SELECT data ->> 'type' AS type FROM outbox WHERE channel = 'sms'"
        " AND recipient = (SELECT phone FROM parties WHERE id = $1) ORDER BY id",
        technician_id,
    )
    return [r["type"] for r in rows]


async def test_moved_while_offered_asks_anew(world: World) -> None:
    """Whoever was asked for the old time has not answered for the new one."""
    one = await world.technician()
    booking = await world.book(hours=3)
    old = await world.open_offer(booking.id)
    moved = await move(world, booking.id, NOON + timedelta(hours=5))
    new = await world.open_offer(booking.id)
    assert new["technician_id"] == one and new["id"] != old["id"]
    assert moved.status == "partner_assigned" and (moved.round, moved.attempt) == (2, 1)
    assert await world.value("SELECT state FROM offers WHERE id = $1", old["id"]) == "withdrawn"
    assert f"{moved.local_time:%H:%M}" == "15:00"
    slot = (await world.fetch("SELECT upper(during) AS ends_at, state FROM slots"))[0]
    assert (slot["ends_at"], slot["state"]) == (moved.ends_at, "offered")


async def test_moved_while_accepted_keeps_the_technician(world: World) -> None:
    booking, one = await job(world, hours=3)
    moved = await move(world, booking.id, NOON + timedelta(hours=4))
    assert moved.status == "confirmed" and moved.technician_id == one
    assert moved.next_action_at == moved.starts_at - timedelta(hours=2)
    slot = (await world.fetch("SELECT upper(during) AS ends_at, state FROM slots"))[0]
    assert (slot["ends_at"], slot["state"]) == (moved.ends_at, "accepted")
    told = await world.fetch("SELECT data FROM party_events WHERE party_id = $1 ORDER BY seq DESC LIMIT 1", one)
    assert told[0]["data"]["starts_at"] == moved.starts_at.isoformat()
    # They hear of it also where no app is open: whoever drives at the old time has driven for nothing.
    assert await heard(world, one) == ["booking_rescheduled"]
    # To the very same time: nothing happens.
    before = (await world.booking(booking.id)).event_seq
    await move(world, booking.id, moved.starts_at)
    assert (await world.booking(booking.id)).event_seq == before


async def test_moved_to_a_time_the_technician_does_not_work(world: World) -> None:
    one = await world.technician(working_hours={"start": "08:00", "end": "13:00", "days": [1, 2, 3, 4, 5]})
    booking = await world.book(hours=1.5)
    await world.accept(booking.id, one)
    # Offline is the first thing that matching would say; what counts here is that they do not work then.
    await world.execute("UPDATE technicians SET is_available = false WHERE id = $1", one)
    await world.services.roster.refresh([one])
    two = await world.technician(km_north=3)
    moved = await move(world, booking.id, NOON + timedelta(hours=7))
    assert moved.status == "partner_assigned" and moved.technician_id is None and moved.round == 2
    assert (await world.open_offer(booking.id))["technician_id"] == two
    assert await world.value("SELECT state FROM assignments WHERE technician_id = $1", one) == "cancelled"
    assert await heard(world, one) == ["job_taken_back"]
    # It was not the technician who let the customer down.
    assert await world.value("SELECT cancelled_bookings FROM technicians WHERE id = $1", one) == 0


async def test_moved_to_a_time_when_the_technician_has_another_job(world: World) -> None:
    one = await world.technician()
    first = await world.book(hours=2)
    await world.accept(first.id, one)
    second = await world.book(hours=5)
    await world.accept(second.id, one)
    with pytest.raises(SlotTaken):
        await move(world, first.id, second.starts_at)
    assert (await world.booking(first.id)).starts_at == first.starts_at
    two = await world.technician(km_north=3)
    moved = await move(world, first.id, second.starts_at)
    assert moved.status == "partner_assigned"
    assert (await world.open_offer(first.id))["technician_id"] == two


async def test_moved_within_its_own_time(world: World) -> None:
    """By half an hour: the new interval overlaps the old one, which is its own."""
    booking, one = await job(world, hours=3)
    moved = await move(world, booking.id, booking.starts_at + timedelta(minutes=30))
    assert moved.technician_id == one and moved.status == "confirmed"


@pytest.mark.parametrize("hours", [0.5, -1, 9.5, 24 * 31, 2.25, 14])
async def test_out_of_hours_is_refused(world: World, hours: float) -> None:
    booking, one = await job(world, hours=3)
    with pytest.raises(Invalid) as caught:
        await move(world, booking.id, NOON + timedelta(hours=hours))
    assert list(caught.value.fields) == ["booking_time"]
    assert (await world.booking(booking.id)).event_seq == booking.event_seq


async def test_moved_while_queued(world: World) -> None:
    one = await world.technician()
    booking = await world.book(hours=3)
    await world.reject(booking.id, one)
    assert (await world.booking(booking.id)).queue_reason == "no_candidate"
    moved = await move(world, booking.id, NOON + timedelta(hours=6))
    assert moved.status == "partner_assigned" and moved.queued_at is None
    by_hand = await world.book(hours=26, auto_assign=False)
    kept = await move(world, by_hand.id, NOON + timedelta(hours=28), STAFF)
    assert kept.queue_reason == "manual" and kept.starts_at == NOON + timedelta(hours=28)


async def test_moved_while_unpaid_goes_on_waiting(world: World) -> None:
    await world.technician()
    booking = await world.book(hours=3, dispatch=False, wait_for_payment=True, payment_method="online")
    moved = await move(world, booking.id, NOON + timedelta(hours=5))
    assert moved.next_action == "release_unpaid" and moved.next_action_at == booking.next_action_at
    assert await world.value("SELECT count(*) FROM offers") == 0
    assert await world.value("SELECT upper(during) FROM slots") == moved.ends_at


@pytest.mark.parametrize("state", ["in_transit", "arrived", "in_progress", "completed"])
async def test_too_late_to_move(world: World, state: str) -> None:
    booking, _ = await job(world, state)
    with pytest.raises(WrongState) as caught:
        await move(world, booking.id, NOON + timedelta(hours=5))
    assert caught.value.details["step"] == "reschedule"
