"""Orders, payments, captures and refunds over HTTP, and what the gateway refuses."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import aiohttp
import pytest

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


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"currency": "INR"}, "amount"),
        ({"amount": 12.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "500"}, "amount"),
        ({"amount": -500}, "amount"),
        ({"amount": 99}, "amount"),
        ({"amount": 10**12}, "amount"),
        ({"amount": 500, "currency": "rupees"}, "currency"),
        ({"amount": 500, "receipt": "x" * 41}, "receipt"),
        ({"amount": 500, "notes": {str(n): "x" for n in range(16)}}, "notes"),
        ({"amount": 500, "card": {"number": "4111111111111111"}}, "card"),
    ],
)
async def test_a_wrong_order_is_refused_by_field(
    http: aiohttp.ClientSession, body: dict[str, Any], field: str
) -> None:
    status, error = await refused(http, "/v1/orders", body)
    assert (status, error["code"], error["field"]) == (400, "BAD_REQUEST_ERROR", field)
    assert (await get(http, "/v1/orders"))["count"] == 0


async def test_keys_are_checked(gw: LocalGateway) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth(gw.key_id, "wrong")}
    async with aiohttp.ClientSession(gw.url, headers=headers) as http:
        for path in ("/v1/orders", "/_control"):
            assert (await refused(http, path))[0] == 401


async def test_live_keys_are_not_taken() -> None:
    with pytest.raises(ValueError, match="for tests"):
        LocalGateway(key_id="rzp_live_abc")


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


async def test_the_second_payment_of_an_order_goes_back(
    gw: LocalGateway, http: aiohttp.ClientSession
) -> None:
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


async def test_lists_page_by_time(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    made = []
    for n in range(5):
        order = await an_order(http, receipt=f"r{n}")
        made.append((await gw.pay(order["id"]))["razorpay_payment_id"])
    newest_first = made[::-1]
    first = await get(http, "/v1/payments", count=2)
    second = await get(http, "/v1/payments", count=2, skip=2)
    assert [p["id"] for p in first["items"] + second["items"]] == newest_first[:4]
    created = first["items"][0]["created_at"]
    assert (await get(http, "/v1/payments", **{"from": created + 1_000}))["count"] == 0
    await gw.control(clock_offset_s=-86_400)
    order = await an_order(http, receipt="yesterday")
    yesterday = await gw.pay(order["id"])
    found = await get(http, "/v1/payments", to=created - 3_600)
    assert [p["id"] for p in found["items"]] == [yesterday["razorpay_payment_id"]]
    async with http.get("/v1/payments", params={"count": 101}) as reply:
        assert reply.status == 400


async def test_unknown_ids_and_addresses(http: aiohttp.ClientSession) -> None:
    for path in ("/v1/orders/order_00000000000000", "/v1/payments/pay_x", "/v1/surprise"):
        async with http.get(path) as reply:
            assert reply.status == 400
            assert (await reply.json())["error"]["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_object_is_refused(http: aiohttp.ClientSession, raw: bytes) -> None:
    async with http.post("/v1/orders", data=raw) as reply:
        assert reply.status == 400
