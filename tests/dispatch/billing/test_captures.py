"""Money that came in: taken once, for the right booking, sent back where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dispatch.adapters.razorpay.wire import checkout_signature
from dispatch.billing import captures, charges, payments, refunds
from dispatch.billing.payments import InvalidSignature, OrderClosed, PaymentFailed
from dispatch.parties import customers
from dispatch.ports.gateway import GatewayPayment
from tests.dispatch.billing.till import GRAND, Till


async def test_a_signed_payment_of_another_order_is_quarantined(till: Till) -> None:
    cheap, cheap_block = await till.online(total_minor=1000, tax_minor=0)
    dear, dear_block = await till.online(cheap.account_id)
    reply = await till.gw.pay(cheap_block["order_id"])
    signature = checkout_signature(dear_block["order_id"], reply["razorpay_payment_id"], till.gw.key_secret)
    with pytest.raises(InvalidSignature):
        await payments.verify(
            till.world.services, dear.account_id, order_id=dear_block["order_id"],
            payment_id=reply["razorpay_payment_id"], signature=signature,
        )  # fmt: skip
    held = await till.payment(dear)
    assert held.review_reason is not None and held.status == "pending"
    assert await till.world.value("SELECT count(*) FROM alerts WHERE kind = 'payment_review'") == 1
    assert (await till.world.booking(dear.id)).payment_status == "pending"
    # Its own payment comes: nothing is left to look at.
    await till.verify(dear, await till.gw.pay(dear_block["order_id"]))
    assert (await till.payment(dear)).status == "success"
    still_open = "SELECT count(*) FROM alerts WHERE kind = 'payment_review' AND resolved_at IS NULL"
    assert await till.world.value(still_open) == 0


async def test_a_failed_try_waits_for_another(till: Till) -> None:
    booking, block = await till.online()
    with pytest.raises(PaymentFailed):
        failed = await till.gw.pay(block["order_id"], "failed")
        signature = checkout_signature(block["order_id"], failed["razorpay_payment_id"], till.gw.key_secret)
        await till.verify(booking, {**failed, "razorpay_order_id": block["order_id"], "razorpay_signature": signature})
    assert (await till.payment(booking)).status == "failed"
    assert (await till.world.booking(booking.id)).payment_status == "failed"
    done = await till.verify(booking, await till.gw.pay(block["order_id"]))
    assert done.payment_status == "success"
    await till.drain()
    payment = await till.payment(booking)
    assert (payment.status, payment.failure_reason) == ("success", None)
    await till.check()


async def test_money_on_a_dead_booking_goes_back_by_itself(till: Till) -> None:
    booking, block = await till.online()
    await till.world.advance(minutes=31)
    await till.world.sweep()
    assert (await till.world.booking(booking.id)).status == "cancelled"
    with pytest.raises(OrderClosed):
        await payments.start(till.world.services, booking)
    assert (await till.verify(booking, await till.gw.pay(block["order_id"]))).payment_status == "refunded"
    await till.drain()
    payment = await till.payment(booking)
    assert (payment.status, payment.refunded_minor) == ("refunded", GRAND)
    assert (await till.world.booking(booking.id)).status == "refunded"
    assert await till.sums() == {}
    await till.check()


async def test_a_second_payment_of_an_order_is_kept_apart_and_sent_back(till: Till) -> None:
    booking, block = await till.online()
    reply = await till.gw.pay(block["order_id"])
    await till.verify(booking, reply)
    told = await till.gateway.fetch_payment(reply["razorpay_payment_id"])
    second = replace(told, id="pay_SecondOfOneOrder")
    for expected in (captures.Outcome.SURPLUS, captures.Outcome.KNOWN):
        async with till.world.services.transaction() as tx:
            assert await captures.captured(tx, await till.payment(booking), second) is expected
    assert await till.sums() == {
        "gateway_clearing": -2 * GRAND, "prepaid": GRAND, "refund_clearing": GRAND,
    }  # fmt: skip
    surplus = await till.world.fetch(
        "SELECT amount_minor, refunded_minor, surplus_of FROM payments WHERE surplus_of IS NOT NULL"
    )
    assert [(r["amount_minor"], r["refunded_minor"]) for r in surplus] == [(GRAND, GRAND)]
    await till.check()
    # This gateway knows of no second payment: its refusal frees the money and calls a person.
    await till.drain()
    assert (await till.sums())["surplus"] == GRAND
    assert await till.world.value("SELECT count(*) FROM alerts WHERE kind = 'refund_failed'") == 1
    await till.check()


async def test_the_second_payment_of_an_order_is_told_as_given_back(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking, block = await till.online()
    first = await till.gw.pay(block["order_id"])
    assert (await till.verify(booking, first)).payment_status == "success"
    second = replace(await till.gateway.fetch_payment(first["razorpay_payment_id"]), id="pay_SecondOfOneOrder")

    async def fetch(payment_id: str) -> GatewayPayment:
        assert payment_id == second.id
        return second

    monkeypatch.setattr(till.gateway, "fetch_payment", fetch)
    signature = checkout_signature(block["order_id"], second.id, till.gw.key_secret)
    reply = {**first, "razorpay_payment_id": second.id, "razorpay_signature": signature}
    for _ in range(2):
        assert (await till.verify(booking, reply)).payment_status == "refunded"
    assert (await till.verify(booking, first)).payment_status == "success"
    async with till.world.services.transaction() as tx:
        (refund,) = await refunds.of_booking(tx.conn, booking.id)
        await refunds.settle(tx, refund.id)
    assert (await till.world.facts(booking.id))[-1] == "payment.refunded"
    assert (await till.world.booking(booking.id)).payment_status == "paid"
    await till.check()


async def test_money_for_an_order_that_was_given_up_goes_back_and_its_payer_is_told(till: Till) -> None:
    booking, block = await till.online()
    services = till.world.services
    async with services.transaction() as tx:
        await charges.switch_to_cash(tx, booking.id, booking.account_id)
    reply = await till.gw.pay(block["order_id"])
    assert (await till.verify(booking, reply)).payment_status == "refunded"
    await till.drain()
    after = await till.world.booking(booking.id)
    assert (after.payment_method, after.payment_status, after.to_collect_minor) == ("cash", "pending", GRAND)
    assert (await till.world.facts(booking.id))[-1] == "payment.refunded"
    async with services.read() as conn:
        told = await customers.latest_notifications(conn, booking.account_id, 10)
    (notice,) = [n for n in told if n.type == "payment_refunded"]
    assert notice.message == f"INR 1,771.20 for your booking {booking.number} is on its way back to you"
    assert (await till.gw.state())["refunded"] == GRAND
    await till.check()


async def test_a_late_second_payment_is_given_back_by_the_gateway(till: Till) -> None:
    booking, block = await till.online()
    await till.gw.pay(block["order_id"], "authorized_late", after_s=0)
    await till.verify(booking, await till.gw.pay(block["order_id"]))
    await till.gw.control(settle=True)
    await till.drain()
    assert await till.sums() == {"gateway_clearing": -GRAND, "prepaid": GRAND}
    assert await till.world.value("SELECT count(*) FROM gateway_events WHERE needs_review") == 0
    await till.check()


async def test_an_authorised_payment_is_captured_by_us(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    reply = await deaf_till.gw.pay(block["order_id"], "authorized")
    done = await deaf_till.verify(booking, {**reply, "razorpay_order_id": block["order_id"]})
    assert done.payment_status == "success"
    await deaf_till.check()


async def test_a_capture_is_wanted_sooner_and_then_of_another_payment(deaf_till: Till) -> None:
    """The patient capture of the webhook becomes the urgent one of the browser; a second try gets its own."""
    booking, block = await deaf_till.online()
    payment = await deaf_till.payment(booking)
    services = deaf_till.world.services

    def held(payment_id: str) -> GatewayPayment:
        return GatewayPayment(
            payment_id, block["order_id"], payment.amount_minor, "INR", "authorized", "upi", False, 0, None, None, None,
            None, deaf_till.world.now,
        )  # fmt: skip

    async def intent() -> Any:
        rows = await deaf_till.world.fetch(
            "SELECT gateway_ref, state, attempts, next_try_at <= clock_timestamp() AS is_due FROM payment_intents "
            "WHERE kind = 'capture'"
        )
        assert len(rows) == 1
        return tuple(rows[0])

    for delay_s, is_due in ((600.0, False), (0.0, True), (600.0, True)):
        async with services.transaction() as tx:
            await captures.authorised(tx, payment, held("pay_first"), delay_s=delay_s)
        assert await intent() == ("pay_first", "pending", 0, is_due)
    await deaf_till.world.execute(
        "UPDATE payment_intents SET state = 'failed', attempts = 2, next_try_at = NULL WHERE kind = 'capture'"
    )
    async with services.transaction() as tx:
        await captures.authorised(tx, payment, held("pay_first"), delay_s=0.0)
    assert (await intent())[1] == "failed"
    # What only waits for a person is tried again at once when its customer asks again.
    await deaf_till.world.execute("UPDATE payment_intents SET state = 'manual_review' WHERE kind = 'capture'")
    async with services.transaction() as tx:
        await captures.authorised(tx, payment, held("pay_first"), delay_s=0.0)
    assert (await intent())[1:] == ("pending", 2, True)
    await deaf_till.world.execute(
        "UPDATE payment_intents SET state = 'failed', attempts = 2, next_try_at = NULL WHERE kind = 'capture'"
    )
    async with services.transaction() as tx:
        await captures.authorised(tx, payment, held("pay_second"), delay_s=0.0)
    assert await intent() == ("pay_second", "pending", 0, True)


@pytest.mark.parametrize("kind", captures.REVIEWS)
async def test_whatever_was_wrong_before_the_money_came_is_settled_by_it(till: Till, kind: str) -> None:
    """Nothing of it is left to be tried again, so nobody could end it but by hand."""
    booking, block = await till.online()
    async with till.world.services.transaction() as tx:
        await captures.alert(tx, kind, await till.payment(booking), "Look at this.")
    await till.verify(booking, await till.gw.pay(block["order_id"]))
    assert kind not in await till.alerts()


def test_all_that_an_intent_of_a_payment_can_be_held_by_is_among_it() -> None:
    assert {f"{kind}_review" for kind in ("order", "capture", "link")} <= set(captures.REVIEWS)
