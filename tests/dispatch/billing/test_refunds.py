"""Refunds: never more than was captured, never twice, and undone exactly when they fail."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from dispatch.billing import refunds, wallet
from dispatch.billing.refunds import NotPaid, OverRefund
from dispatch.engine import tracking_links
from dispatch.errors import Invalid, Missing
from dispatch.ports.gateway import GatewayRefund
from dispatch.reports.formats import amount_text
from storage.bookings import Booking
from storage.refunds import Refund
from tests.dispatch.billing.till import GRAND, Till


async def ask(till: Till, booking: Booking, minor: int, **how: bool) -> list[Refund]:
    async with till.world.services.transaction() as tx:
        return await refunds.request_for_booking(
            tx, booking.id, minor, reason="Service not provided", requested_by="admin:1", **how
        )


async def test_ten_parallel_refunds_of_300_on_1000(till: Till) -> None:
    booking = await till.paid(total_minor=100000, tax_minor=0)
    answers = await asyncio.gather(*(ask(till, booking, 30000) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(a, list) for a in answers) == 3
    assert sum(isinstance(a, OverRefund) for a in answers) == 7
    await till.drain()
    payment = await till.payment(booking)
    assert (payment.refunded_minor, payment.status) == (90000, "partially_refunded")
    assert (await till.gw.state())["refunded"] == 90000
    await till.check()


async def test_the_constraint_itself_decides(till: Till) -> None:
    booking = await till.paid()
    payment = await till.payment(booking)
    with pytest.raises(Exception, match="payments_never_over_refunded"):
        await till.world.execute("UPDATE payments SET refunded_minor = $2 WHERE id = $1", payment.id, GRAND + 1)
    with pytest.raises(Exception, match="does not go back"):
        await till.world.execute("UPDATE payments SET status = 'failed', captured_minor = 0 WHERE id = $1", payment.id)


async def test_a_full_refund_after_the_job(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    async with till.world.services.transaction() as tx:
        link = await tracking_links.make(tx, booking.account_id, booking.id)
    booking = await till.finish(booking, technician)
    (refund,) = await ask(till, booking, GRAND)
    assert (refund.status, refund.to_wallet, refund.prepaid_minor) == ("processing", False, 0)
    await till.drain()
    shown = await till.world.booking(booking.id)
    assert (shown.status, shown.payment_status) == ("refunded", "refunded")
    assert (await till.payment(booking)).status == "refunded"
    assert (await till.sums())["refunds"] == -GRAND
    assert (await till.world.facts(booking.id))[-2:] == ["payment.refunded", "booking.refunded"]
    # Whoever follows the visit sees that it took place.
    assert (await tracking_links.follow(till.world.services, link.token)).status == "completed"
    await till.check()


async def test_to_the_wallet_it_is_settled_at_once(till: Till) -> None:
    booking = await till.paid()
    (refund,) = await ask(till, booking, 50000, to_wallet=True)
    assert refund.status == "processed"
    async with till.world.services.read() as conn:
        assert await wallet.balance(conn, booking.account_id, "INR") == 50000
        assert await refunds.refundable(conn, booking.id) == GRAND - 50000
    assert await till.world.value("SELECT count(*) FROM payment_intents WHERE kind = 'refund'") == 0
    await till.check()


async def test_cash_goes_back_to_the_wallet(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.world.book()
    with pytest.raises(NotPaid):
        await ask(till, booking, 100)
    await till.finish(booking, technician)
    (refund,) = await ask(till, booking, 10000)
    assert refund.to_wallet and refund.status == "processed"
    await till.check()


@pytest.mark.parametrize("minor", [0, -1])
async def test_an_amount_is_positive(till: Till, minor: int) -> None:
    booking = await till.paid()
    with pytest.raises(Invalid):
        await ask(till, booking, minor)
    with pytest.raises(OverRefund, match=f"^At most {amount_text(GRAND, 'INR')} can be refunded"):
        await ask(till, booking, GRAND + 1)
    async with till.world.services.transaction() as tx:
        with pytest.raises(Missing):
            await refunds.request_for_booking(tx, uuid4(), 1, reason="x", requested_by="x")


@pytest.mark.parametrize("till", [1.0], indirect=True)
@pytest.mark.parametrize("fault", ["hang", "close", "garbage", "wrong_shape", "error_500", "throttle", "oversized"])
@pytest.mark.parametrize("webhooks", [True, False])
async def test_a_lost_answer_never_refunds_twice(till: Till, fault: str, webhooks: bool) -> None:
    booking = await till.paid()
    await till.drain()
    if not webhooks:
        await till.gw.control(webhooks={"hold": True})
    await till.gw.control(api=[{"fault": fault, "next": 2, "match": "POST /v1/payments/*/refund", "seconds": 2}])
    await ask(till, booking, 30000)
    await till.drain()
    async with till.world.services.read() as conn:
        (refund,) = await refunds.of_booking(conn, booking.id)
    assert (refund.status, refund.amount_minor) == ("processed", 30000)
    assert (await till.gw.state())["refunded"] == 30000
    await till.check()


async def test_a_pending_refund_is_finished_by_its_webhook(till: Till) -> None:
    await till.gw.control(refunds="pending", settle_s=3600)
    booking = await till.paid()
    (refund,) = await ask(till, booking, GRAND)
    await till.drain()
    assert (await till.payment(booking)).status == "success"
    assert (await till.sums())["refund_clearing"] == GRAND
    await till.gw.control(settle=True)
    await till.drain()
    assert (await till.payment(booking)).status == "refunded"
    await till.check()


async def test_a_refund_of_which_nobody_tells_is_asked_about(till: Till) -> None:
    await till.gw.control(refunds="pending", settle_s=3600)
    booking = await till.paid()
    await ask(till, booking, GRAND)
    await till.drain()
    await till.gw.control(webhooks={"drop": {"probability": 1.0}}, settle=True)
    await till.world.execute("UPDATE refunds SET poll_at = clock_timestamp()")
    await till.drain()
    assert (await till.payment(booking)).status == "refunded"
    await till.check()


async def test_a_failed_refund_is_undone_and_can_be_asked_again(till: Till) -> None:
    booking = await till.paid()
    before = await till.sums()
    await till.gw.control(refunds="failed", settle_s=0)
    await ask(till, booking, GRAND)
    await till.gw.control(settle=True)
    await till.drain()
    async with till.world.services.read() as conn:
        (refund,) = await refunds.of_booking(conn, booking.id)
    assert refund.status == "failed" and refund.failure_reason
    assert await till.sums() == before and (await till.payment(booking)).refunded_minor == 0
    assert await till.world.value("SELECT count(*) FROM alerts WHERE kind = 'refund_failed'") == 1
    await till.gw.control(refunds="processed")
    await ask(till, booking, GRAND)
    await till.drain()
    assert (await till.payment(booking)).status == "refunded"
    # What failed has been made up for: nobody has to look any more.
    left = await till.world.fetch("SELECT kind FROM alerts WHERE resolved_at IS NULL")
    assert "refund_failed" not in {r["kind"] for r in left}
    await till.check()


async def test_two_failed_refunds_are_two_alerts_and_each_is_settled_by_its_own(till: Till) -> None:
    booking = await till.paid()
    await till.gw.control(refunds="failed", settle_s=0)
    for _ in range(2):
        await ask(till, booking, 1000)
        await till.gw.control(settle=True)
        await till.drain()
    still_open = "SELECT count(*) FROM alerts WHERE kind = 'refund_failed' AND resolved_at IS NULL"
    assert await till.world.value(still_open) == 2
    await till.gw.control(refunds="processed")
    for left in (1, 0):
        await ask(till, booking, 1000)
        await till.drain()
        assert await till.world.value(still_open) == left
    await till.check()


# ---------------------------------------------------------------- failures after the end


async def fails(till: Till, booking: Booking, minor: int = GRAND) -> None:
    """A refund that the gateway accepts and cannot carry out; what is asked next works again."""
    await till.gw.control(refunds="failed", settle_s=3600)
    await ask(till, booking, minor)
    await till.drain()


async def settles(till: Till) -> None:
    await till.gw.control(settle=True)
    await till.drain()
    await till.gw.control(refunds="processed")


async def test_a_refund_that_fails_after_the_job_gives_the_loss_back(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    await fails(till, booking, 50000)
    await till.finish(booking, technician)
    assert (await till.sums())["refunds"] == -50000
    await till.check()
    await settles(till)
    sums = await till.sums()
    assert "refunds" not in sums and "prepaid" not in sums and "refund_clearing" not in sums
    await till.check()
    await ask(till, booking, 50000)
    await till.drain()
    assert (await till.sums())["refunds"] == -50000 and (await till.gw.state())["refunded"] == 50000
    await till.check()


async def test_a_refund_that_fails_after_the_cancellation_is_owed_until_it_is_sent(till: Till) -> None:
    booking = await till.paid()
    await till.gw.control(refunds="failed", settle_s=3600)
    await till.cancel(booking)
    await till.drain()
    for _ in range(2):
        await settles(till)
        sums = await till.sums()
        assert sums == {"gateway_clearing": -GRAND, "refund_owed": GRAND}
        await till.check()
        await fails(till, booking)
    await settles(till)
    await ask(till, booking, GRAND)
    await till.drain()
    assert await till.sums() == {} and (await till.world.booking(booking.id)).status == "refunded"
    await till.check()


async def test_a_refund_that_fails_before_the_job_is_held_again(till: Till) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    await fails(till, booking, 50000)
    await settles(till)
    assert (await till.sums())["prepaid"] == GRAND
    await till.finish(booking, technician)
    assert "refunds" not in await till.sums()
    await till.check()


# ---------------------------------------------------------------- what the gateway did by itself


async def told(till: Till, booking: Booking, refund_id: str, status: str) -> Refund | None:
    payment = await till.payment(booking)
    assert payment.gateway_payment_id is not None
    word = GatewayRefund(
        refund_id, payment.gateway_payment_id, GRAND, "INR", status, None, datetime.now(UTC), {}
    )
    async with till.world.services.transaction() as tx:
        return await refunds.heard(tx, payment, word)


async def test_one_that_was_made_at_the_gateway_is_asked_about_too(till: Till) -> None:
    booking = await till.paid()
    payment = await till.payment(booking)
    await till.gw.control(refunds="pending", settle_s=3600, webhooks={"drop": {"probability": 1.0}})
    assert payment.gateway_payment_id is not None
    made = await till.gateway.refund(payment.gateway_payment_id, GRAND, f"by-hand-{booking.id.hex}", {})
    assert (adopted := await told(till, booking, made.id, "pending")) and adopted.status == "processing"
    await till.gw.control(settle=True)
    await till.later(minutes=3)
    await till.drain()
    assert (await till.payment(booking)).status == "refunded"
    await till.check()


@pytest.mark.parametrize("is_done", [False, True])
async def test_one_that_came_back_from_the_bank_is_owed_again(till: Till, is_done: bool) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    if is_done:
        await till.finish(booking, technician)
    else:
        await till.cancel(booking)
    before = await till.sums()
    if is_done:
        await ask(till, booking, GRAND)
    await till.drain()
    async with till.world.services.read() as conn:
        (refund,) = await refunds.of_booking(conn, booking.id)
    assert refund.status == "processed" and refund.gateway_refund_id is not None
    for _ in range(2):
        assert (back := await told(till, booking, refund.gateway_refund_id, "failed")) and back.status == "failed"
    assert await till.sums() == (before if is_done else {"gateway_clearing": -GRAND, "refund_owed": GRAND})
    assert await till.world.value("SELECT count(*) FROM alerts WHERE kind = 'refund_failed'") == 1
    await till.check()
    # Nothing forbids to send it once more, another way.
    await ask(till, booking, GRAND, to_wallet=True)
    assert (await till.payment(booking)).status == "refunded"
    await till.check()
