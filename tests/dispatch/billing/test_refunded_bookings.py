"""Bookings whose money went back: nobody new is sent, and they show what is back."""

from __future__ import annotations

from datetime import timedelta

from dispatch.engine import bookings, jobs, rescheduling
from dispatch.events import Actor
from storage.bookings import Booking
from tests.dispatch.billing.till import GRAND, STAFF, Till


async def test_refunded_at_the_gateway_nobody_new_is_sent(till: Till) -> None:
    one = await till.world.technician()
    booking = await till.paid()
    paid = (await till.payment(booking)).gateway_payment_id
    assert paid is not None and (await till.world.open_offer(booking.id))["technician_id"] == one
    await till.gateway.refund(paid, GRAND, "by-hand-at-the-gateway")
    await till.drain()
    stopped = await till.world.booking(booking.id)
    assert (stopped.status, stopped.queue_reason) == ("pending", "payment_returned")
    told = {r["type"] for r in await till.world.fetch("SELECT type FROM notifications WHERE account_id IS NOT NULL")}
    assert "booking_not_sought" in told and "booking_queued" not in told, "nobody keeps looking"
    assert await till.world.open_offer(booking.id) is None
    assert "payment_returned" in await till.alerts()
    await till.world.technician(km_north=0.5)
    await till.world.advance(minutes=20)
    await till.world.sweep()
    assert await till.world.open_offer(booking.id) is None
    await till.cancel(stopped, STAFF)
    assert "payment_returned" not in await till.alerts()
    await till.check()


async def test_whoever_accepted_keeps_the_job_until_a_person_decides(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    await till.world.accept(booking.id, technician)
    paid = (await till.payment(booking)).gateway_payment_id
    assert paid is not None
    await till.gateway.refund(paid, GRAND - 1000, "by-hand-and-in-part")
    await till.drain()
    assert "payment_returned" not in await till.alerts()
    await till.gateway.refund(paid, 1000, "by-hand-and-the-rest")
    await till.drain()
    assert (await till.world.booking(booking.id)).status == "confirmed"
    assert "payment_returned" in await till.alerts()
    await till.check()


async def test_all_of_a_booking_with_an_old_fee_goes_back(till: Till) -> None:
    owing = await till.owing(17712)
    booking, block = await till.online(owing.account_id, hours=4)
    await till.verify(booking, await till.gw.pay(block["order_id"]))
    assert (await till.payment(booking)).amount_minor == GRAND + 17712
    await till.cancel(await till.world.booking(booking.id))
    await till.drain()
    gone = await till.world.booking(booking.id)
    assert (gone.status, gone.payment_status) == ("refunded", "refunded")
    payment = await till.payment(booking)
    assert (payment.status, payment.refunded_minor) == ("refunded", GRAND)
    assert "receivable" not in await till.sums()
    await till.check()


async def returned(till: Till, booking: Booking) -> None:
    """All that was paid goes back at the gateway."""
    paid = (await till.payment(booking)).gateway_payment_id
    assert paid is not None
    await till.gateway.refund(paid, GRAND, "by-hand-at-the-gateway")
    await till.drain()


async def told(till: Till, booking: Booking) -> list[str]:
    """What its customer was told."""
    rows = await till.world.fetch(
        "SELECT type FROM notifications WHERE booking_id = $1 AND account_id IS NOT NULL ORDER BY type", booking.id
    )
    return [r["type"] for r in rows]


async def test_whoever_gives_a_paid_back_job_back_is_followed_by_nobody(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.paid(hours=6)
    await till.world.accept(booking.id, technician)
    await returned(till, booking)
    await till.world.technician(km_north=2)
    async with till.world.services.transaction() as tx:
        await jobs.give_back(tx, booking.id, technician, "ill")
    left = await till.world.booking(booking.id)
    assert (left.status, left.queue_reason) == ("pending", "payment_returned")
    await till.world.advance(minutes=20)
    await till.world.sweep()
    assert await till.world.open_offer(booking.id) is None
    # Nobody is said to be looked for.
    said = await told(till, booking)
    assert "booking_not_sought" in said and "booking_reopened" not in said and "booking_queued" not in said
    # Until people say that somebody is to come all the same.
    async with till.world.services.transaction() as tx:
        await bookings.prefer(tx, booking.id, STAFF, auto_assign=True)
    await till.world.sweep()
    assert await till.world.open_offer(booking.id) is not None


async def test_a_paid_back_booking_that_is_moved_still_waits_for_people(till: Till) -> None:
    await till.world.technician()
    booking = await till.paid(hours=6)
    await returned(till, booking)
    known = await told(till, booking)
    moved_to = (booking.starts_at + timedelta(hours=24)).replace(minute=30, second=0)
    async with till.world.services.transaction() as tx:
        moved = await rescheduling.reschedule(tx, booking.id, Actor("customer", str(booking.account_id)), moved_to)
    assert (moved.status, moved.queue_reason) == ("pending", "payment_returned")
    assert await told(till, booking) == sorted([*known, "booking_rescheduled"])
