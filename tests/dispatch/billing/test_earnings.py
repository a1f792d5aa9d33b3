"""Earnings: the cash path, who bears what went back before the job was done, and the periods of sums."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from dispatch.billing import earnings, refunds
from dispatch.errors import Invalid
from storage.bookings import Booking
from storage.database.listing import Wanted
from tests.dispatch.billing.till import GRAND, Till


async def cash_job(till: Till, technician_id: UUID) -> UUID:
    booking = await till.world.book()
    return (await till.finish(booking, technician_id)).id


async def test_a_cash_booking_from_payment_to_earning(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.world.book()
    payment = await till.payment(booking, "cash")
    assert (payment.status, payment.amount_minor) == ("pending", GRAND)
    done = await till.finish(booking, technician)
    assert done.payment_status == "paid"
    assert (await till.payment(booking, "cash")).status == "success"
    assert await till.sums() == {
        "payable": 123984, "tax_payable": 33120, "platform_revenue": 20016, "cash_in_hand": -GRAND,
        "promo_expense": -16000, "promo_funding": 16000,
    }  # fmt: skip
    async with till.world.services.read() as conn:
        summary = await earnings.summary(conn, technician, currency="INR")
        page = await earnings.page(conn, technician, Wanted(), "Asia/Kolkata")
    assert (summary.total_minor, summary.pending_minor, summary.paid_minor) == (123984, 123984, 0)
    assert (summary.cash_in_hand_minor, summary.payable_minor) == (GRAND, 123984 - GRAND)
    [only] = page.rows
    assert page.total == 1 and only.booking_number == booking.number and only.platform_minor == 20016
    events = await till.world.fetch("SELECT data FROM party_events WHERE type = 'earnings.updated'")
    assert events[0]["data"]["earning_minor"] == 123984
    await till.check()


async def test_days_are_local_and_the_right_way_round(till: Till) -> None:
    technician = await till.world.technician()
    await cash_job(till, technician)
    async with till.world.services.read() as conn:

        async def how_many(timezone: str, **filters: object) -> int:
            return (await earnings.page(conn, technician, Wanted(limit=1, filters=filters), timezone)).total

        day = date(2026, 1, 5)
        assert await how_many("Asia/Kolkata", date_from=day, date_to=day) == 1
        assert await how_many("Asia/Kolkata", date_from=date(2026, 1, 6)) == 0
        # Half a day further west it was still the day before.
        assert await how_many("Pacific/Honolulu", date_from=day) == 0
        assert await how_many("Asia/Kolkata", status="paid") == 0
    with pytest.raises(Invalid):
        earnings.span(date(2026, 1, 6), date(2026, 1, 5), "Asia/Kolkata")


# ---------------------------------------------------------------- what went back before the job was done


async def wallet_paid(till: Till, held_minor: int, *, refunded_minor: int, **changes: object) -> Booking:
    """A cash booking of which the wallet paid a part, or all, that went back before anybody came."""
    booking = await till.world.book(await till.rich(held_minor), use_wallet=True, **changes)
    async with till.world.services.transaction() as tx:
        await refunds.request_for_booking(
            tx, booking.id, refunded_minor, reason="late", requested_by="staff-1", to_wallet=True
        )
    return booking


@pytest.mark.parametrize("refunded", [30000, 10000])
async def test_a_wallet_part_that_went_back_is_not_the_technicians(till: Till, refunded: int) -> None:
    technician = await till.world.technician()
    booking = await wallet_paid(till, 30000, refunded_minor=refunded)
    assert (await till.payment(booking, "cash")).amount_minor == GRAND - 30000
    done = await till.finish(booking, technician)
    assert done.payment_status == "partially_refunded"
    sums = await till.sums()
    # What was asked for at the door is what the technician holds; what went back is the platform's loss.
    assert (sums["cash_in_hand"], sums["refunds"]) == (30000 - GRAND, -refunded)
    await till.check()


async def test_a_booking_that_the_wallet_paid_and_got_back_brings_no_cash(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.world.book(await till.rich(2 * GRAND), use_wallet=True)
    await till.world.accept(booking.id, technician)
    async with till.world.services.transaction() as tx:
        await refunds.request_for_booking(tx, booking.id, GRAND, reason="x", requested_by="staff-1", to_wallet=True)
    await till.work(booking, technician)
    sums = await till.sums()
    assert "cash_in_hand" not in sums and sums["refunds"] == -GRAND
    assert await till.world.value("SELECT count(*) FROM payments WHERE kind = 'cash'") == 0
    await till.check()


async def test_an_old_fee_that_was_settled_elsewhere_is_the_customers_credit(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.owing(17712)
    account = booking.account_id
    cash = await till.world.book(account, hours=5)
    assert (await till.payment(cash, "cash")).dues_minor == 17712
    async with till.world.services.transaction() as tx:
        await till.settle_debt(tx, account)
    await till.finish(cash, technician)
    sums = await till.sums()
    assert sums["wallet"] == 17712 and sums["cash_in_hand"] == -GRAND - 17712
    await till.check()
