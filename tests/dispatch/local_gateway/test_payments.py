"""Orders, payments, captures and refunds over HTTP, and what the gateway refuses."""

from __future__ import annotations

import re

import aiohttp

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import an_order, get, post, refused


async def test_an_order_has_razorpays_shape(http: aiohttp.ClientSession) -> None:
    order = await an_order(http, 177_120, notes={"booking": "b1"})
    assert re.fullmatch(r"order_[A-Za-z0-9]{14}", order["id"])
    assert (order["entity"], order["amount"], order["amount_due"], order["status"]) == (
        "order",
        177_120,
        177_120,
        "created",
    )
    assert order["notes"] == {"booking": "b1"}
    assert not [name for name in order if name.startswith("_")]
    assert await get(http, f"/v1/orders/{order['id']}") == order


async def test_orders_are_found_by_receipt(http: aiohttp.ClientSession) -> None:
    mine = await an_order(http, receipt="mine")
    await an_order(http, receipt="other")
    found = await get(http, "/v1/orders", receipt="mine")
    assert [o["id"] for o in found["items"]] == [mine["id"]]
    assert (await get(http, "/v1/orders", receipt="nobody"))["count"] == 0


async def test_paying_captures_and_pays_the_order(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    paid = await gw.pay(order["id"], method="card")
    assert paid["status"] == "captured"
    payment = await get(http, f"/v1/payments/{paid['razorpay_payment_id']}")
    assert (payment["status"], payment["captured"], payment["amount"], payment["method"]) == (
        "captured",
        True,
        100_000,
        "card",
    )
    assert payment["fee"] == 2_000
    after = await get(http, f"/v1/orders/{order['id']}")
    assert (after["status"], after["amount_paid"], after["amount_due"], after["attempts"]) == (
        "paid",
        100_000,
        0,
        1,
    )
    listed = await get(http, f"/v1/orders/{order['id']}/payments")
    assert listed["items"] == [payment]


async def test_a_failed_try_leaves_the_order_open(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    failed = await gw.pay(order["id"], "failed")
    assert failed["status"] == "failed"
    assert "razorpay_signature" not in failed
    assert failed["error"]["metadata"]["order_id"] == order["id"]
    assert (await get(http, f"/v1/orders/{order['id']}"))["status"] == "attempted"
    assert (await gw.pay(order["id"]))["status"] == "captured"


async def test_by_hand_a_payment_is_captured_once(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http, payment_capture=0)
    paid = await gw.pay(order["id"])
    path = f"/v1/payments/{paid['razorpay_payment_id']}/capture"
    assert paid["status"] == "authorized"
    assert (await refused(http, path, {"amount": 99_900, "currency": "INR"}))[1]["field"] == "amount"
    assert (await post(http, path, {"amount": 100_000, "currency": "INR"}))["status"] == "captured"
    _, again = await refused(http, path, {"amount": 100_000, "currency": "INR"})
    assert again["description"] == "This payment has already been captured"
    assert (await gw.state())["payments"][paid["razorpay_payment_id"]]["captures"] == 1


async def test_a_failed_payment_cannot_be_captured(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    failed = await gw.pay(order["id"], "failed")
    path = f"/v1/payments/{failed['razorpay_payment_id']}/capture"
    assert (await refused(http, path, {"amount": 100_000, "currency": "INR"}))[0] == 400


async def test_the_second_payment_of_an_order_goes_back(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    await gw.pay(order["id"])
    second = await gw.pay(order["id"])
    assert second["status"] == "refunded"
    state = (await gw.state())["payments"][second["razorpay_payment_id"]]
    assert (state["captures"], state["amount_refunded"], len(state["refunds"])) == (0, 100_000, 1)


async def test_late_authorisation_on_demand(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    late = await gw.pay(order["id"], "authorized_late")
    assert late["status"] == "failed"
    await gw.quiet()
    assert (await get(http, f"/v1/payments/{late['razorpay_payment_id']}"))["status"] == "failed"
    assert (await gw.control(settle=late["razorpay_payment_id"]))["settle"] == 1
    assert (await get(http, f"/v1/payments/{late['razorpay_payment_id']}"))["status"] == "captured"
    assert (await get(http, f"/v1/orders/{order['id']}"))["status"] == "paid"


async def test_late_authorisation_comes_by_itself(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    await gw.pay(order["id"], "authorized_late", after_s=0)
    await gw.quiet()
    assert (await get(http, f"/v1/orders/{order['id']}"))["status"] == "paid"


async def test_late_on_a_paid_order_goes_back(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    late = await gw.pay(order["id"], "authorized_late")
    await gw.pay(order["id"])
    await gw.control(settle=True)
    assert (await get(http, f"/v1/payments/{late['razorpay_payment_id']}"))["status"] == "refunded"
