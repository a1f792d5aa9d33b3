"""What waits for a person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

import pytest

from dispatch.billing import captures, refunds, review
from dispatch.billing.review import NothingWaits
from dispatch.engine import alerts
from storage.alerts import AlertView
from tests.dispatch.billing.test_refunds import ask
from tests.dispatch.billing.till import GRAND, STAFF, Till


async def test_what_waits_for_a_person_can_be_tried_again(till: Till) -> None:
    booking = await till.paid()
    await till.away(match="* /v1/payments/*/refund*")
    await ask(till, booking, GRAND)
    await till.worker.run_due()
    await till.later(hours=25)
    await till.drain()
    async with till.world.services.read() as conn:
        (waiting,) = await review.page(conn)
        (refund,) = await refunds.of_booking(conn, booking.id)
    assert waiting.what == "refund intent" and waiting.about == str(refund.id) and waiting.error
    assert await till.world.value("SELECT count(*) FROM alerts WHERE kind = 'refund_review'") == 1
    await till.back()
    async with till.world.services.transaction() as tx:
        assert await review.try_again(tx) == 1
    await till.drain()
    assert (await till.payment(booking)).status == "refunded"
    assert (await till.gw.state())["refunded"] == GRAND
    await till.check()


async def test_staff_have_one_thing_tried_again_by_its_alert(till: Till) -> None:
    waiting = [await till.paid() for _ in range(2)]
    await till.away(match="* /v1/payments/*/refund*")
    for booking in waiting:
        await ask(till, booking, GRAND)
    await till.worker.run_due()
    await till.later(hours=25)
    await till.drain()
    await till.back()
    services = till.world.services
    mine = await till.world.value(
        "SELECT id FROM alerts WHERE kind = 'refund_review' AND booking_id = $1", waiting[0].id
    )
    async with services.transaction() as tx:
        await review.retry(tx, STAFF, mine)
    with pytest.raises(NothingWaits):
        async with services.transaction() as tx:
            await review.retry(tx, STAFF, mine)
    await till.drain()
    assert [(await till.payment(booking)).status for booking in waiting] == ["refunded", "success"]
    # It ended by itself, the other one's did not.
    assert await of_refunds(till) == ["refund_review"]
    async with services.read() as conn:
        assert (await alerts.get(conn, mine)).resolved_at is not None
    await till.check()


async def of_refunds(till: Till) -> list[str]:
    """The open alerts of refunds: that the booking still stands is another matter."""
    return [kind for kind in await till.alerts() if kind.startswith("refund_")]


@pytest.mark.parametrize(("is_back", "left"), [(True, []), (False, ["refund_failed"])])
async def test_a_refunds_late_word_leaves_nothing_to_review(till: Till, is_back: bool, left: list[str]) -> None:
    booking = await till.paid()
    await till.away(match="* /v1/payments/*/refund*")
    await ask(till, booking, GRAND)
    await till.worker.run_due()
    await till.later(hours=25)
    await till.drain()
    assert await of_refunds(till) == ["refund_review"]
    async with till.world.services.transaction() as tx:
        (refund,) = await refunds.of_booking(tx.conn, booking.id)
        await (refunds.settle(tx, refund.id) if is_back else refunds.fail(tx, refund.id, "the account is closed"))
    async with till.world.services.read() as conn:
        assert await review.page(conn) == []
    assert await of_refunds(till) == left
    await till.check()


async def retry(till: Till, alert_id: UUID) -> AlertView:
    async with till.world.services.transaction() as tx:
        return await review.retry(tx, STAFF, alert_id)


async def failed(till: Till) -> list[UUID]:
    rows = await till.world.fetch("SELECT id FROM alerts WHERE kind = 'refund_failed' AND resolved_at IS NULL")
    return [row["id"] for row in rows]


async def test_a_second_payment_whose_refund_failed_is_sent_back_by_its_alert(till: Till) -> None:
    booking, block = await till.online()
    reply = await till.gw.pay(block["order_id"])
    await till.verify(booking, reply)
    second = replace(await till.gateway.fetch_payment(reply["razorpay_payment_id"]), id="pay_SecondOfOneOrder")
    async with till.world.services.transaction() as tx:
        await captures.captured(tx, await till.payment(booking), second)
    # The gateway refuses, as it does where its own balance is too small.
    await till.drain()
    (alert_id,) = await failed(till)
    assert (await till.sums())["surplus"] == GRAND
    answers = await asyncio.gather(*(retry(till, alert_id) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(a, AlertView) for a in answers) == 1
    async with till.world.services.transaction() as tx:
        (again,) = [r for r in await refunds.of_booking(tx.conn, booking.id) if r.status == "processing"]
        assert (again.amount_minor, again.requested_by) == (GRAND, "admin:staff-1")
        await refunds.settle(tx, again.id)
    assert await till.sums() == {"gateway_clearing": -GRAND, "prepaid": GRAND}
    assert await failed(till) == []
    await till.check()


async def test_a_part_that_failed_is_sent_once_for_its_alert(till: Till) -> None:
    booking = await till.paid()
    await till.gw.control(refunds="failed", settle_s=0)
    await ask(till, booking, 10000)
    await till.gw.control(settle=True)
    await till.drain()
    (alert_id,) = await failed(till)
    await till.gw.control(refunds="pending", settle_s=3600)
    assert (await retry(till, alert_id)).resolved_at is not None
    with pytest.raises(NothingWaits):
        await retry(till, alert_id)
    assert (await till.payment(booking)).refunded_minor == 10000
    await till.gw.control(settle=True)
    await till.drain()
    assert (await till.gw.state())["refunded"] == 10000
    await till.check()


async def test_what_was_given_back_another_way_is_not_sent_again(till: Till) -> None:
    booking = await till.paid()
    await till.gw.control(refunds="failed", settle_s=0)
    await ask(till, booking, GRAND)
    await till.gw.control(settle=True)
    await till.drain()
    (alert_id,) = await failed(till)
    await till.gw.control(refunds="pending", settle_s=3600)
    await ask(till, booking, GRAND)
    with pytest.raises(refunds.OverRefund):
        await retry(till, alert_id)
    assert await failed(till) == [alert_id]
