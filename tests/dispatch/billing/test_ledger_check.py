"""The proof of the ledger finds what is planted: every question is answered wrongly once."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.billing import ledger, ledger_check, payouts, refunds
from tests.dispatch.billing.till import GRAND, Till


async def found(till: Till) -> dict[str, tuple[int, int | None]]:
    async with till.world.services.read() as conn:
        return {f.question: (f.found_minor, f.expected_minor) for f in await ledger_check.check(conn)}


async def post(till: Till, booking_id: Any, *lines: tuple[str, int]) -> None:
    """A journal that balances and says something that never happened."""
    async with till.world.services.transaction() as tx:
        made = [ledger.Line(ledger.platform(kind, "INR"), minor) for kind, minor in lines]
        await ledger.post(tx, "planted", str(booking_id), made, booking_id=booking_id)


async def test_every_question_has_its_words(till: Till) -> None:
    await till.world.technician()
    async with till.world.services.read() as conn:
        assert await ledger_check.check(conn) == []
        assert set(ledger_check.MEANING) == set(ledger_check.rows.QUESTIONS)


async def test_cash_from_nowhere_is_seen(till: Till) -> None:
    """What was collected is proven by what the booking costs, not only by what the technician is said to hold."""
    technician = await till.world.technician()
    booking = await till.finish(await till.world.book(await till.rich(30000), use_wallet=True), technician)
    await till.check()
    more = "UPDATE payments SET amount_minor = amount_minor + 30000, captured_minor = captured_minor + 30000"
    await till.world.execute(more + " WHERE kind = 'cash'")
    assert (await found(till))["collected"] == (GRAND + 30000, GRAND)
    await till.world.execute("DELETE FROM payments WHERE kind = 'cash'")
    assert (await found(till))["collected"] == (30000, GRAND) and booking.status == "completed"


async def test_money_left_on_a_done_booking_is_seen_although_a_refund_failed(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    await till.gw.control(refunds="failed", settle_s=3600)
    async with till.world.services.transaction() as tx:
        await refunds.request_for_booking(tx, booking.id, 50000, reason="x", requested_by="staff-1")
    await till.drain()
    await till.finish(booking, technician)
    await till.gw.control(settle=True)
    await till.drain()
    await till.check()
    await post(till, booking.id, ("prepaid", 50000), ("refunds", -50000))
    wrong = await found(till)
    assert wrong["held_money"] == (50000, 0) and wrong["refund_losses"] == (-50000, 0)


async def test_a_debt_to_a_customer_that_no_refund_left_is_seen(till: Till) -> None:
    booking = await till.paid()
    await till.cancel(booking)
    await till.drain()
    await post(till, booking.id, ("refund_owed", 700), ("fee_revenue", -700))
    assert await found(till) == {"platform_accounts": (700, 0)}


@pytest.mark.parametrize("column", ["claimed_minor", "paid_minor"])
async def test_parts_of_earnings_that_no_payout_took_are_seen(till: Till, column: str) -> None:
    technician = await till.world.technician()
    await till.finish(await till.paid(), technician)
    async with till.world.services.transaction() as tx:
        payout = await payouts.create(tx, technician, method="upi", requested_by="x", amount_minor=1000)
        await payouts.process(tx, payout.id, upi_transaction_id="U1")
    await till.check()
    step = "+ 1" if column == "claimed_minor" else "- 1"
    await till.world.execute(f"UPDATE earnings SET {column} = {column} {step}")
    assert "payout_parts" in await found(till)


async def test_a_booking_that_shows_other_amounts_is_seen(till: Till) -> None:
    await till.world.technician()
    booking = await till.world.book()
    await till.check()
    await till.world.execute("UPDATE bookings SET to_collect_minor = 1 WHERE id = $1", booking.id)
    assert await found(till) == {"shown_amounts": (1, GRAND)}
