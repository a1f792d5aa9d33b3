"""Paying online: the order once, the browser never believed alone, one transition, dead bookings, surplus, wallet."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import uuid4

import pytest

from dispatch.adapters.razorpay.wire import checkout_signature
from dispatch.billing import charges, payments, refunds, wallet
from dispatch.billing.payments import InvalidSignature, OrderPending
from dispatch.billing.wallet import WalletTooSmall, part_of
from dispatch.errors import Missing
from dispatch.ports.gateway import GatewayUnknown, PaymentsNotConfigured
from storage import facts as fact_rows
from storage.database.listing import Wanted
from tests.dispatch.billing.till import GRAND, Till
from tests.world import World


async def test_an_online_booking_is_ordered_paid_and_offered(till: Till) -> None:
    technician = await till.world.technician()
    booking, block = await till.online()
    assert (block["amount"], block["currency"], block["key"]) == (GRAND, "INR", till.gw.key_id)
    assert block["description"] == f"Booking {booking.number}" and block["prefill"]["contact"] == "+911234567890"
    assert block["notes"] == {"booking_id": str(booking.id), "booking_number": booking.number}
    payment = await till.payment(booking)
    assert (payment.status, payment.gateway_order_id, str(payment.id)) == ("pending", block["order_id"], block["id"])
    assert await till.world.open_offer(booking.id) is None
    done = await till.verify(booking, await till.gw.pay(block["order_id"]))
    assert (done.payment_status, done.booking_status) == ("success", "partner_assigned")
    assert (await till.world.open_offer(booking.id))["technician_id"] == technician
    assert (await till.world.booking(booking.id)).payment_status == "paid"
    assert await till.sums() == {"gateway_clearing": -GRAND, "prepaid": GRAND}
    finished = await till.finish(await till.world.booking(booking.id), technician)
    assert finished.status == "completed"
    assert await till.sums() == {
        "gateway_clearing": -GRAND, "payable": 123984, "tax_payable": 33120, "platform_revenue": 20016,
        "promo_expense": -16000, "promo_funding": 16000,
    }  # fmt: skip
    await till.drain()
    await till.check()


async def test_starting_again_gives_the_same_order(till: Till) -> None:
    booking, block = await till.online()
    blocks = await asyncio.gather(*(payments.start(till.world.services, booking) for _ in range(4)))
    assert [b and b["order_id"] for b in blocks] == [block["order_id"]] * 4
    assert len((await till.gw.state())["orders"]) == 1


async def test_parallel_starts_make_one_order(till: Till) -> None:
    booking = await till.world.book(dispatch=False, payment_method="online", wait_for_payment=True)
    answers = await asyncio.gather(
        *(payments.start(till.world.services, booking) for _ in range(5)), return_exceptions=True
    )
    orders = {a["order_id"] for a in answers if isinstance(a, dict)}
    assert len(orders) == 1 and all(isinstance(a, dict | OrderPending) for a in answers)
    assert len((await till.gw.state())["orders"]) == 1


@pytest.mark.parametrize("till", [1.0], indirect=True)
@pytest.mark.parametrize("fault", ["hang", "close", "garbage", "wrong_shape", "error_500", "throttle", "html_502"])
async def test_an_order_whose_answer_is_lost_is_found_by_its_receipt(till: Till, fault: str) -> None:
    await till.gw.control(api=[{"fault": fault, "next": 2, "match": "POST /v1/orders", "seconds": 2}])
    booking = await till.world.book(dispatch=False, payment_method="online", wait_for_payment=True)
    with suppress(OrderPending):
        # A second try is made while the customer waits, but not before the gateway allows it.
        await payments.start(till.world.services, booking)
    await till.drain()
    block = await payments.start(till.world.services, booking)
    assert block is not None and block["order_id"] == (await till.payment(booking)).gateway_order_id
    assert len((await till.gw.state())["orders"]) == 1


async def test_forged_words_are_not_believed(till: Till) -> None:
    cheap, cheap_block = await till.online(total_minor=1000, tax_minor=0)
    dear, dear_block = await till.online(cheap.account_id)
    reply = await till.gw.pay(cheap_block["order_id"])
    account, services = cheap.account_id, till.world.services
    pay_id, order_id = reply["razorpay_payment_id"], dear_block["order_id"]
    for order, payment, signature in (
        (order_id, pay_id, reply["razorpay_signature"]),
        (order_id, pay_id, "0" * 64),
        (order_id, pay_id, "é"),
        (order_id, "pay_" + "x" * 14, reply["razorpay_signature"]),
        (cheap_block["order_id"], pay_id, checkout_signature(cheap_block["order_id"], pay_id, "guess")),
    ):
        with pytest.raises(InvalidSignature):
            await payments.verify(services, account, order_id=order, payment_id=payment, signature=signature)
    with pytest.raises(Missing):
        await payments.verify(
            services, uuid4(), order_id=cheap_block["order_id"], payment_id=pay_id,
            signature=reply["razorpay_signature"],
        )  # fmt: skip
    with pytest.raises(Missing):
        await payments.verify(services, account, order_id="order_x", payment_id=pay_id, signature="x")
    assert (await till.payment(dear)).status == "pending"
    assert await till.sums() == {}


async def test_status_is_found_by_either_id_and_by_its_owner_only(till: Till) -> None:
    booking, block = await till.online()
    for reference in (block["id"], block["order_id"]):
        assert (await payments.status(till.world.services, booking.account_id, reference)).booking_id == booking.id
        with pytest.raises(Missing):
            await payments.status(till.world.services, uuid4(), reference)
    with pytest.raises(Missing):
        await payments.status(till.world.services, booking.account_id, "nonsense")


async def test_without_a_gateway_nothing_is_pretended(world: World) -> None:
    await world.technician()
    booking = await world.book(dispatch=False, payment_method="online", wait_for_payment=True)
    with pytest.raises(PaymentsNotConfigured):
        await payments.start(world.services, booking)
    with pytest.raises(PaymentsNotConfigured):
        await payments.verify(world.services, booking.account_id, order_id="o", payment_id="p", signature="s")
    with pytest.raises(PaymentsNotConfigured):
        await payments.status(world.services, booking.account_id, "o")


async def test_verify_while_the_gateway_is_silent_changes_nothing(till: Till) -> None:
    booking, block = await till.online()
    await till.gw.control(webhooks={"hold": True})
    reply = await till.gw.pay(block["order_id"])
    await till.gw.control(api=[{"fault": "close", "next": 1}])
    with pytest.raises(GatewayUnknown):
        await till.verify(booking, reply)
    assert (await till.payment(booking)).status == "pending"
    assert (await till.verify(booking, reply)).payment_status == "success"


async def test_an_order_of_which_nobody_tells_is_asked_about(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    await deaf_till.gw.pay(block["order_id"])
    await deaf_till.world.execute("UPDATE payments SET poll_at = clock_timestamp()")
    await deaf_till.worker.run_due()
    assert (await deaf_till.payment(booking)).status == "success"
    assert (await deaf_till.world.booking(booking.id)).payment_status == "paid"


# ---------------------------------------------------------------- the wallet and old fees


@pytest.mark.parametrize(
    ("held", "due", "is_online", "part"),
    [(0, 500, True, 0), (500, 500, True, 500), (499, 500, True, 400), (450, 500, False, 450), (900, 500, True, 500),
     (99, 99, True, 99), (50, 99, True, 0)],
)  # fmt: skip
def test_a_wallet_leaves_nothing_or_enough_to_order(held: int, due: int, is_online: bool, part: int) -> None:
    assert part_of(held, due, is_online=is_online) == part


async def fill(till: Till, minor: int) -> object:
    """A customer with money in the wallet: the refund of a cash job."""
    technician = await till.world.technician()
    booking = await till.finish(await till.world.book(), technician)
    async with till.world.services.transaction() as tx:
        await refunds.request_for_booking(tx, booking.id, minor, reason="sorry", requested_by="staff-1")
    return booking.account_id


async def test_a_wallet_pays_a_part_or_all(till: Till) -> None:
    account = await fill(till, 77120)
    services = till.world.services
    booking = await till.world.book(account, dispatch=False, hours=4, payment_method="online", wait_for_payment=True)  # type: ignore[arg-type]
    block = await payments.start(services, booking, use_wallet=True)
    assert block is not None and block["amount"] == GRAND - 77120
    async with services.read() as conn:
        assert await wallet.balance(conn, booking.account_id, "INR") == 0
        entries = await wallet.entries(conn, booking.account_id, Wanted(limit=9))
    assert entries.total == 2 and [e.amount_minor for e in entries.rows] == [-77120, 77120]
    await till.verify(booking, await till.gw.pay(block["order_id"]))
    assert (await till.sums())["prepaid"] == GRAND
    cancelled = await till.cancel(await till.world.booking(booking.id), refund_minor=GRAND)
    await till.drain()
    assert (await till.world.booking(cancelled.id)).payment_status == "refunded"
    async with services.read() as conn:
        assert await wallet.balance(conn, booking.account_id, "INR") == 77120
    await till.check()


async def test_a_wallet_that_covers_all_pays_at_once(till: Till) -> None:
    account = await fill(till, GRAND)
    booking = await till.world.book(account, dispatch=False, hours=4, payment_method="online", wait_for_payment=True)  # type: ignore[arg-type]
    assert await payments.start(till.world.services, booking, use_wallet=True) is None
    paid = await till.world.booking(booking.id)
    assert (paid.payment_status, paid.status) == ("paid", "partner_assigned")
    assert (await till.gw.state())["orders"] == {}
    await till.check()


async def test_a_wallet_shrinks_what_is_collected_in_cash(till: Till) -> None:
    account = await fill(till, 50000)
    booking = await till.world.book(account, hours=4)  # type: ignore[arg-type]
    async with till.world.services.transaction() as tx:
        left = await charges.open_payment(tx, booking, use_wallet=True)
    assert left is not None and left.amount_minor == GRAND - 50000
    async with till.world.services.transaction() as tx:
        with pytest.raises(WalletTooSmall):
            await wallet.spend(tx, booking, 1, 0)
    await till.check()


async def test_an_unpaid_release_gives_the_wallet_its_part_back(till: Till) -> None:
    account = await fill(till, 50000)
    booking = await till.world.book(account, dispatch=False, hours=4, payment_method="online", wait_for_payment=True)  # type: ignore[arg-type]
    await payments.start(till.world.services, booking, use_wallet=True)
    await till.world.advance(minutes=31)
    await till.world.sweep()
    async with till.world.services.read() as conn:
        assert await wallet.balance(conn, booking.account_id, "INR") == 50000
        timeline = await fact_rows.timeline(conn, booking_id=booking.id)
    assert (await till.world.booking(booking.id)).refund_minor == 50000
    (ended,) = [fact for fact in timeline if fact.type == "booking.cancelled"]
    assert ended.data["refund_minor"] == 50000
    await till.check()


# ---------------------------------------------------------------- a capture that is wanted again
