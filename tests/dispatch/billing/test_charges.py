"""Fees of cancelled bookings: kept of what was paid, or settled by the next one."""

from __future__ import annotations

from dispatch.billing import charges
from dispatch.services import Tx
from storage.bookings import Booking
from tests.dispatch.billing.till import GRAND, STAFF, Till
from tests.turns import one_after_the_other


async def test_a_fee_that_nothing_paid_for_is_settled_by_the_next_booking(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.world.book()
    await till.world.accept(booking.id, technician)
    await till.cancel(booking, fee_minor=17712)
    assert await till.sums() == {"receivable": -17712, "fee_revenue": 17712}
    second, block = await till.online(booking.account_id, hours=4)
    assert (block["amount"], block["outstanding_fee"]) == (GRAND + 17712, 17712)
    third = await till.world.book(booking.account_id, hours=6)
    assert (await till.payment(third, "cash")).dues_minor == 0
    await till.verify(second, await till.gw.pay(block["order_id"]))
    sums = await till.sums()
    assert "receivable" not in sums and sums["prepaid"] == GRAND
    await till.cancel(await till.world.booking(second.id), refund_minor=GRAND)
    await till.drain()
    assert await till.sums() == {"gateway_clearing": -17712, "fee_revenue": 17712}
    await till.check()


async def test_a_fee_is_kept_of_what_was_paid(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    await till.world.accept(booking.id, technician)
    await till.cancel(await till.world.booking(booking.id), fee_minor=17712, refund_minor=GRAND - 17712)
    await till.drain()
    shown = await till.world.booking(booking.id)
    assert (shown.status, shown.payment_status) == ("cancelled", "partially_refunded")
    assert await till.sums() == {"gateway_clearing": -17712, "fee_revenue": 17712}
    await till.check()


async def test_staff_decide_what_goes_back(till: Till) -> None:
    await till.world.technician()
    booking = await till.paid()
    await till.cancel(await till.world.booking(booking.id), STAFF, refund_minor=100000)
    await till.drain()
    assert (await till.payment(booking)).refunded_minor == 100000
    assert (await till.sums())["fee_revenue"] == GRAND - 100000
    await till.check()


async def test_two_who_switch_one_booking_to_cash_at_once_ask_for_it_once(deaf_till: Till) -> None:
    till = deaf_till
    booking, _ = await till.online()

    async def switch(tx: Tx) -> Booking:
        return await charges.switch_to_cash(tx, booking.id, booking.account_id)

    one, two = await one_after_the_other(till.world.services, switch, switch)
    assert (one.payment_method, two.payment_method) == ("cash", "cash")
    assert await till.world.value("SELECT count(*) FROM payments WHERE kind = 'cash' AND surplus_of IS NULL") == 1
    assert (await till.world.facts(booking.id)).count("payment.switched") == 1
