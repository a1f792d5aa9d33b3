"""Refunds at the gateway: never more than was paid, once a key, settled or failed."""

from __future__ import annotations

import asyncio

import aiohttp

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import an_order, get, post, refused


async def test_refunds_never_exceed_the_payment(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    payment_id = (await gw.pay(order["id"]))["razorpay_payment_id"]
    path = f"/v1/payments/{payment_id}/refund"

    async def one(n: int) -> int:
        key = {"X-Refund-Idempotency": f"refund-number-{n}"}
        async with http.post(path, json={"amount": 30_000}, headers=key) as reply:
            return reply.status

    statuses = await asyncio.gather(*(one(n) for n in range(10)))
    assert sorted(statuses) == [200] * 3 + [400] * 7
    payment = await get(http, f"/v1/payments/{payment_id}")
    assert (payment["amount_refunded"], payment["refund_status"], payment["status"]) == (
        90_000,
        "partial",
        "captured",
    )
    rest = await post(http, path)
    assert rest["amount"] == 10_000
    _, error = await refused(http, path)
    assert error["description"] == "The payment has been fully refunded already"
    assert (await get(http, f"/v1/payments/{payment_id}/refunds"))["count"] == 4


async def test_a_refund_key_takes_effect_once(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    payment_id = (await gw.pay(order["id"]))["razorpay_payment_id"]
    path, key = f"/v1/payments/{payment_id}/refund", {"X_Refund_Idempotency": "0123456789"}
    first = await post(http, path, {"amount": 500}, **key)
    assert await post(http, path, {"amount": 500}, **key) == first
    _, error = await refused(http, path, {"amount": 600}, **key)
    assert "Different request" in error["description"]
    assert (await refused(http, path, {"amount": 500}, X_Refund_Idempotency="short"))[0] == 400
    assert (await refused(http, path, {"amount": 500}, X_Refund_Idempotency="with space!"))[0] == 400
    assert (await gw.state())["refunded"] == 500


async def test_a_key_in_flight_is_a_conflict(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    payment_id = (await gw.pay(order["id"]))["razorpay_payment_id"]
    path, key = f"/v1/payments/{payment_id}/refund", {"X_Refund_Idempotency": "0123456789"}
    await gw.control(api=[{"fault": "slow", "effect": "before", "seconds": 0.5}])
    first = asyncio.create_task(post(http, path, {"amount": 500}, **key))
    while not (await gw.state())["faults"]:
        pass  # each look is a round trip of its own
    status, error = await refused(http, path, {"amount": 500}, **key)
    assert (status, "in progress" in error["description"]) == (409, True)
    assert (await first)["amount"] == 500


async def test_pending_refunds_settle_or_fail(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    payment_id = (await gw.pay(order["id"]))["razorpay_payment_id"]
    await gw.control(refunds="pending", settle_s=-1)
    good = await post(http, f"/v1/payments/{payment_id}/refund", {"amount": 500})
    await gw.control(refunds="failed")
    bad = await post(http, f"/v1/payments/{payment_id}/refund", {"amount": 700})
    assert (good["status"], bad["status"]) == ("pending", "pending")
    assert (await gw.state())["refunded"] == 1_200
    await gw.control(settle=True)
    assert (await get(http, f"/v1/refunds/{good['id']}"))["status"] == "processed"
    assert (await get(http, f"/v1/refunds/{bad['id']}"))["status"] == "failed"
    assert (await gw.state())["refunded"] == 500
