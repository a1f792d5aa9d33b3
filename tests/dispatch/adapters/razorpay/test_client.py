"""Every call of the Razorpay client, and every way in which it can fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from dispatch.adapters.razorpay import client as adapter
from dispatch.adapters.razorpay.client import RazorpayGateway
from dispatch.local_gateway.server import LocalGateway
from dispatch.ports.gateway import (
    BankAccount,
    Gateway,
    GatewayError,
    GatewayOrder,
    GatewayRefused,
    GatewayRetryable,
    GatewayUnknown,
)


def as_gateway(client: RazorpayGateway) -> Gateway:
    return client


async def an_order(client: RazorpayGateway, amount: int = 100_000, receipt: str = "booking-1") -> GatewayOrder:
    return await client.create_order(amount, "INR", receipt, {"booking": "b1"})


async def a_payment(client: RazorpayGateway, gw: LocalGateway, amount: int = 100_000) -> str:
    order = await an_order(client, amount)
    return str((await gw.pay(order.id))["razorpay_payment_id"])


# The calls


async def test_orders(client: RazorpayGateway) -> None:
    order = await as_gateway(client).create_order(177_120, "INR", "booking-1", {"booking": "b1"})
    assert (order.amount_minor, order.currency, order.receipt, order.status) == (
        177_120,
        "INR",
        "booking-1",
        "created",
    )
    assert order.notes == {"booking": "b1"}
    assert order.created_at.tzinfo is not None
    assert await client.fetch_order(order.id) == order
    assert await client.find_order_by_receipt("booking-1") == order
    assert await client.find_order_by_receipt("booking-2") is None
    assert await client.fetch_order_payments(order.id) == []


async def test_of_two_orders_with_a_receipt_the_paid_one_is_found(client: RazorpayGateway, gw: LocalGateway) -> None:
    first, second = await an_order(client), await an_order(client)
    assert (await client.find_order_by_receipt("booking-1")) in (first, second)
    await gw.pay(second.id)
    found = await client.find_order_by_receipt("booking-1")
    assert found is not None
    assert (found.id, found.status) == (second.id, "paid")


async def test_payments(client: RazorpayGateway, gw: LocalGateway) -> None:
    order = await an_order(client)
    failed = await gw.pay(order.id, "failed")
    paid = await gw.pay(order.id)
    payment = await client.fetch_payment(paid["razorpay_payment_id"])
    assert (payment.order_id, payment.status, payment.captured, payment.method) == (
        order.id,
        "captured",
        True,
        "upi",
    )
    assert (payment.amount_minor, payment.fee_minor, payment.amount_refunded_minor) == (100_000, 2_000, 0)
    listed = await client.fetch_order_payments(order.id)
    assert {p.id for p in listed} == {failed["razorpay_payment_id"], payment.id}
    assert {p.error_code for p in listed} == {None, "BAD_REQUEST_ERROR"}


async def test_capture(client: RazorpayGateway, gw: LocalGateway) -> None:
    order = await an_order(client)
    payment_id = (await gw.pay(order.id, "authorized"))["razorpay_payment_id"]
    with pytest.raises(GatewayRefused, match="equal to the amount authorized"):
        await client.capture(payment_id, 100, "INR")
    assert (await client.capture(payment_id, 100_000, "INR")).status == "captured"
    with pytest.raises(GatewayRefused, match="already been captured"):
        await client.capture(payment_id, 100_000, "INR")


async def test_the_arguments_of_one_capture_do_not_leak_into_another(client: RazorpayGateway, gw: LocalGateway) -> None:
    ids = []
    for n in range(6):
        order = await an_order(client, 10_000 + n, f"r{n}")
        ids.append((await gw.pay(order.id, "authorized"))["razorpay_payment_id"])
    captured = await asyncio.gather(*(client.capture(p, 10_000 + n, "INR") for n, p in enumerate(ids)))
    assert [p.amount_minor for p in captured] == [10_000 + n for n in range(6)]


async def test_refunds(client: RazorpayGateway, gw: LocalGateway) -> None:
    payment_id = await a_payment(client, gw)
    first = await client.refund(payment_id, 30_000, "refund-key-1", {"why": "late"})
    assert (first.payment_id, first.amount_minor, first.status, first.notes) == (
        payment_id,
        30_000,
        "processed",
        {"why": "late"},
    )
    assert await client.refund(payment_id, 30_000, "refund-key-1", {"why": "late"}) == first
    with pytest.raises(GatewayRefused, match="Different request"):
        await client.refund(payment_id, 40_000, "refund-key-1")
    with pytest.raises(GatewayRefused, match="greater"):
        await client.refund(payment_id, 70_001, "refund-key-2")
    assert await client.fetch_refund(first.id) == first
    assert await client.list_refunds_of(payment_id) == [first]
    assert (await client.fetch_payment(payment_id)).amount_refunded_minor == 30_000


async def test_ten_refunds_at_once_of_which_three_fit(client: RazorpayGateway, gw: LocalGateway) -> None:
    payment_id = await a_payment(client, gw)
    results = await asyncio.gather(
        *(client.refund(payment_id, 30_000, f"refund-key-{n}") for n in range(10)), return_exceptions=True
    )
    assert sum(isinstance(r, GatewayRefused) for r in results) == 7
    assert (await gw.state())["refunded"] == 90_000


async def test_all_of_a_time_is_paged_through(
    client: RazorpayGateway, gw: LocalGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PAGE_SIZE", 3)
    payments = [await a_payment(client, gw) for _ in range(7)]
    refunds = [(await client.refund(p, 500, f"key-of-{p}")).id for p in payments]
    now = int(time.time())
    assert {p.id async for p in client.payments_between(now - 3_600, now + 3_600)} == set(payments)
    assert {r.id async for r in client.refunds_between(now - 3_600, now + 3_600)} == set(refunds)
    assert [p async for p in client.payments_between(now - 7_200, now - 3_600)] == []


async def test_payment_links(client: RazorpayGateway, gw: LocalGateway) -> None:
    link = await client.create_payment_link(50_000, "INR", "sub-1", description="May", notes={"s": "1"})
    assert (link.status, link.amount_minor, link.payment_ids) == ("created", 50_000, ())
    assert link.short_url.startswith(gw.url)
    assert await client.find_payment_link("sub-1") == link
    assert await client.find_payment_link("sub-2") is None
    assert link.order_id is not None
    paid = await gw.pay(link.order_id)
    after = await client.fetch_payment_link(link.id)
    assert (after.status, after.payment_ids) == ("paid", (paid["razorpay_payment_id"],))
    soon = int(time.time()) + 3_600
    other = await client.create_payment_link(50_000, "INR", "sub-2", expire_by_s=soon, methods=["netbanking"])
    async with aiohttp.ClientSession() as person, person.get(other.short_url) as page:
        text = await page.text()
    assert 'value="netbanking"' in text and 'value="card"' not in text
    assert (await client.cancel_payment_link(other.id)).status == "cancelled"


async def test_payouts(client: RazorpayGateway, gw: LocalGateway) -> None:
    contact = await client.create_contact("Payee", "t-1")
    bank = BankAccount("Payee", "HDFC0000053", "765432123456789")
    assert "7654" not in repr(bank)
    account = await client.create_fund_account(contact, bank_account=bank)
    assert account == await client.create_fund_account(contact, bank_account=bank)
    assert account != await client.create_fund_account(contact, vpa="payee@bank")

    async def pay_out(amount: int = 50_000) -> Any:
        return await client.create_payout(account, amount, "INR", idempotency_key="payout-1", reference_id="PO-1")

    payout = await pay_out()
    assert (payout.status, payout.amount_minor, payout.reference_id) == ("processing", 50_000, "PO-1")
    assert await pay_out() == payout
    with pytest.raises(GatewayRefused, match="Different"):
        await pay_out(60_000)
    await gw.quiet()
    assert (await client.fetch_payout(payout.id)).status == "processed"


async def test_a_returned_payout_says_why(client: RazorpayGateway, gw: LocalGateway) -> None:
    await gw.control(payouts="reversed")
    account = await client.create_fund_account(await client.create_contact("Payee", "t-1"), vpa="a@b")
    payout = await client.create_payout(account, 500, "INR", idempotency_key="payout-1", mode="UPI")
    await gw.quiet()
    after = await client.fetch_payout(payout.id)
    assert (after.status, after.failure_reason) == (
        "reversed",
        "The beneficiary bank did not accept the transfer.",
    )


async def test_the_checkouts_signature(client: RazorpayGateway, gw: LocalGateway) -> None:
    order, other = await an_order(client), await an_order(client, 500, "cheap")
    paid = await gw.pay(order.id)
    payment_id, signature = paid["razorpay_payment_id"], paid["razorpay_signature"]
    assert client.verify_checkout_signature(order.id, payment_id, signature)
    assert not client.verify_checkout_signature(other.id, payment_id, signature)
    assert not client.verify_checkout_signature(order.id, payment_id, signature.upper())
    assert not client.verify_checkout_signature(order.id, payment_id, "é" * 64)


# How it fails


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"fault": "error_500"}, GatewayUnknown),
        ({"fault": "error_500", "effect": "after"}, GatewayUnknown),
        ({"fault": "html_502"}, GatewayUnknown),
        ({"fault": "html_502", "effect": "after"}, GatewayUnknown),
        ({"fault": "garbage"}, GatewayUnknown),
        ({"fault": "wrong_shape"}, GatewayUnknown),
        ({"fault": "oversized"}, GatewayUnknown),
        ({"fault": "close"}, GatewayUnknown),
        ({"fault": "close", "effect": "before"}, GatewayUnknown),
        ({"fault": "throttle"}, GatewayRetryable),
    ],
)
async def test_a_refund_in_trouble_is_settled_by_its_key(
    client: RazorpayGateway,
    gw: LocalGateway,
    capfd: pytest.CaptureFixture[str],
    fault: dict[str, Any],
    error: type[GatewayError],
) -> None:
    payment_id = await a_payment(client, gw)
    await gw.control(api=[{"match": "POST */refund", **fault}])
    with pytest.raises(error) as caught:
        await client.refund(payment_id, 500, "refund-key-1")
    assert type(caught.value) is error
    assert capfd.readouterr().out == ""
    # Whether it had its effect or not: the same key makes it exactly one.
    refund = await client.refund(payment_id, 500, "refund-key-1")
    assert await client.list_refunds_of(payment_id) == [refund]


async def test_an_order_whose_reply_was_lost_is_found_by_its_receipt(client: RazorpayGateway, gw: LocalGateway) -> None:
    await gw.control(api=[{"fault": "close", "match": "POST /v1/orders"}])
    with pytest.raises(GatewayUnknown):
        await an_order(client)
    found = await client.find_order_by_receipt("booking-1")
    assert found is not None
    assert len((await gw.state())["orders"]) == 1


async def test_a_key_in_flight_is_unknown(client: RazorpayGateway, gw: LocalGateway) -> None:
    payment_id = await a_payment(client, gw)
    await gw.control(api=[{"fault": "slow", "effect": "before", "seconds": 0.5, "match": "POST */refund"}])
    first = asyncio.create_task(client.refund(payment_id, 500, "refund-key-1"))
    while not (await gw.state())["faults"]:
        pass  # each look is a round trip of its own
    with pytest.raises(GatewayUnknown) as caught:
        await client.refund(payment_id, 500, "refund-key-1")
    assert caught.value.status == 409
    assert (await first).amount_minor == 500


async def test_ids_that_are_none_never_leave(client: RazorpayGateway, gw: LocalGateway) -> None:
    calls: list[Callable[[str], Awaitable[Any]]] = [
        client.fetch_order,
        client.fetch_order_payments,
        client.fetch_payment,
        client.fetch_refund,
        client.list_refunds_of,
        client.fetch_payment_link,
        client.fetch_payout,
    ]
    for call in calls:
        for bad in ("", "x", "pay_../../orders", "order_1?x=1", "pay_" + "A" * 41, "order_123456\n"):
            with pytest.raises(GatewayRefused):
                await call(bad)
    assert (await gw.state())["calls"] == {}


@pytest.mark.parametrize("amount", [0, -1, 1.5, float("nan"), True, "100", None, 10**18])
async def test_amounts_are_positive_whole_numbers(client: RazorpayGateway, amount: Any) -> None:
    with pytest.raises(ValueError, match="whole number"):
        await client.create_order(amount, "INR", "r")
    with pytest.raises(ValueError, match="whole number"):
        await client.refund("pay_00000000000000", amount, "refund-key-1")


@pytest.mark.parametrize("key", ["", "short", "with space in it", "x" * 256, "schlüssel-123"])
async def test_keys_have_a_shape(client: RazorpayGateway, key: str) -> None:
    with pytest.raises(ValueError, match="idempotency key"):
        await client.refund("pay_00000000000000", 100, key)


async def test_no_payouts_without_an_account(hasty: RazorpayGateway) -> None:
    with pytest.raises(GatewayRefused):
        await hasty.create_payout("fa_00000000000000", 100, "INR", idempotency_key="payout-1")
