"""Earnings and payouts: the cash path, what is netted, and that a failure gives back exactly what was taken."""

from __future__ import annotations

import asyncio
from datetime import date
from uuid import UUID, uuid4

import pytest

from dispatch.billing import charges, earnings, payouts
from dispatch.billing.payouts import EarningsTaken, NothingToPay, PayoutState
from dispatch.errors import Invalid, Missing
from storage.database.listing import Wanted
from storage.payouts import Payout
from tests.dispatch.billing.till import GRAND, Till


async def cash_job(till: Till, technician_id: UUID) -> UUID:
    booking = await till.world.book()
    return (await till.finish(booking, technician_id)).id


async def online_job(till: Till, technician_id: UUID) -> UUID:
    booking = await till.paid()
    return (await till.finish(booking, technician_id)).id


async def create(till: Till, party_id: UUID, **named: object) -> Payout:
    async with till.world.services.transaction() as tx:
        return await payouts.create(tx, party_id, requested_by="staff-1", **{"method": "bank_transfer", **named})  # type: ignore[arg-type]


async def test_a_cash_booking_from_payment_to_earning(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.world.book()
    payment = await till.payment(booking, "cash")
    assert (payment.status, payment.amount_minor) == ("pending", GRAND)
    async with till.world.services.read() as conn:
        assert await charges.to_collect(conn, booking.id) == GRAND
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
        assert await charges.to_collect(conn, booking.id) == 0
    assert (summary.total_minor, summary.pending_minor, summary.paid_minor) == (123984, 123984, 0)
    assert (summary.cash_in_hand_minor, summary.payable_minor) == (GRAND, 123984 - GRAND)
    [only] = page.rows
    assert page.total == 1 and only.booking_number == booking.number and only.platform_minor == 20016
    events = await till.world.fetch("SELECT data FROM party_events WHERE type = 'earnings.updated'")
    assert events[0]["data"]["earning_minor"] == 123984
    await till.check()


async def test_cash_in_hand_is_netted_and_nothing_is_sent_until_it_is_earned(till: Till) -> None:
    technician = await till.world.technician()
    await cash_job(till, technician)
    settled = await create(till, technician)
    assert (settled.status, settled.net_minor, settled.cash_offset_minor) == ("completed", 0, 123984)
    assert settled.number == "PO-20260105-001"
    for _ in range(2):
        await online_job(till, technician)
    left = GRAND - 123984
    payout = await create(till, technician)
    assert (payout.status, payout.total_minor) == ("pending", 2 * 123984)
    assert (payout.cash_offset_minor, payout.net_minor) == (left, 2 * 123984 - left)
    assert payout.number == "PO-20260105-002"
    sums = await till.sums()
    assert sums["payout_clearing"] == payout.net_minor and "cash_in_hand" not in sums and "payable" not in sums
    await till.check()


async def test_a_failed_payout_restores_exactly(till: Till) -> None:
    technician = await till.world.technician()
    await cash_job(till, technician)
    for _ in range(3):
        await online_job(till, technician)
    before = await till.sums()
    payout = await create(till, technician)
    async with till.world.services.transaction() as tx:
        failed = await payouts.fail(tx, payout.id, failure_reason="Invalid bank account")
    assert failed.status == "failed" and failed.failure_reason == "Invalid bank account"
    assert await till.sums() == before
    again = await create(till, technician)
    assert again.net_minor == payout.net_minor and sorted(again.earning_ids) == sorted(payout.earning_ids)
    async with till.world.services.transaction() as tx:
        with pytest.raises(PayoutState):
            await payouts.process(tx, payout.id, bank_transaction_id="TXN1")
    await till.check()


async def test_processing_pays_the_earnings_and_needs_its_proof(till: Till) -> None:
    technician = await till.world.technician()
    await online_job(till, technician)
    payout = await create(till, technician)
    async with till.world.services.transaction() as tx:
        with pytest.raises(Invalid):
            await payouts.process(tx, payout.id, upi_transaction_id="only-upi")
        done = await payouts.process(tx, payout.id, bank_transaction_id="TXN123456", notes="NEFT")
    assert (done.status, done.bank_transaction_id, done.notes) == ("completed", "TXN123456", "NEFT")
    async with till.world.services.read() as conn:
        summary = await earnings.summary(conn, technician, currency="INR")
        listed = await payouts.page(conn, technician, Wanted(limit=5), "Asia/Kolkata")
    assert (summary.pending_minor, summary.paid_minor, summary.payable_minor) == (0, 123984, 0)
    assert listed.total == 1 and listed.rows[0].party_id == technician
    async with till.world.services.transaction() as tx:
        with pytest.raises(PayoutState):
            await payouts.fail(tx, payout.id, failure_reason="too late")
        with pytest.raises(Missing):
            await payouts.process(tx, uuid4(), bank_transaction_id="x")
    assert (await till.sums())["bank"] == 123984
    await till.check()


async def test_named_earnings_belong_to_one_payout(till: Till) -> None:
    one, two = await till.world.technician(km_north=1), await till.world.technician(km_north=2)
    first = await online_job(till, one)
    await online_job(till, one)
    async with till.world.services.read() as conn:
        page = await earnings.page(conn, one, Wanted(), "Asia/Kolkata")
    named = next(e.id for e in page.rows if e.booking_id == first)
    payout = await create(till, one, earning_ids=[named, named], method="upi")
    assert payout.earning_ids == [named] and payout.total_minor == 123984
    with pytest.raises(EarningsTaken):
        await create(till, one, earning_ids=[named])
    with pytest.raises(Invalid):
        await create(till, two, earning_ids=[named])
    with pytest.raises(NothingToPay):
        await create(till, two)
    with pytest.raises(Invalid):
        await create(till, one, method="cheque")
    await till.check()


async def test_parallel_payouts_take_each_earning_once(till: Till) -> None:
    technician = await till.world.technician()
    await online_job(till, technician)
    answers = await asyncio.gather(*(create(till, technician) for _ in range(6)), return_exceptions=True)
    made = [a for a in answers if isinstance(a, Payout)]
    assert len(made) == 1 and all(isinstance(a, NothingToPay) for a in answers if a is not made[0])
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
