"""Paying over HTTP: the contract's answers, its refusals, and what a technician sees of the money."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from dispatch.billing import charges, payments, refunds
from tests.api.customer.conftest import House, Visitor
from tests.api.shop import Shop
from tests.api.support import announce
from tests.dispatch.billing.till import GRAND
from tests.world import KOLKATA


def triple(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: reply[name] for name in ("razorpay_order_id", "razorpay_payment_id", "razorpay_signature")}


async def test_verify_status_and_webhook(shop: Shop) -> None:
    till = shop.till
    booking, block = await till.online()
    customer, other = await shop.visitor("customer", booking.account_id), None
    other = await shop.visitor("customer", await till.world.customer())
    sent = triple(await till.gw.pay(block["order_id"]))
    assert (await other.call("POST", "/payments/verify", sent))[0] == 404
    for _ in range(2):
        status, body, _ = await customer.call("POST", "/payments/verify", sent)
        assert status == 200 and body["data"] == {
            "booking_id": str(booking.id), "booking_number": booking.number, "payment_status": "success",
            "booking_status": "partner_assigned",
        }  # fmt: skip
    for reference in (block["id"], block["order_id"]):
        data = await customer.get(f"/payments/{reference}/status")
        assert (data["payment_id"], data["status"], data["amount"]) == (block["id"], "success", 1771.2)
        assert data["payment_method"] == "upi" and data["razorpay_payment_id"] == sent["razorpay_payment_id"]
        assert (await other.call("GET", f"/payments/{reference}/status"))[0] == 404
    await till.drain()
    assert await till.world.value("SELECT count(*) FROM gateway_events WHERE is_processed") >= 3
    assert till.gw.api.sender.quiet()
    await till.check()


async def test_a_forged_verify_is_a_400_and_five_an_hour_are_enough(shop: Shop) -> None:
    booking, block = await shop.till.online()
    customer = await shop.visitor("customer", booking.account_id)
    for n in range(5):
        status, body, _ = await customer.call(
            "POST", "/payments/verify",
            {"razorpay_order_id": block["order_id"], "razorpay_payment_id": f"pay_Abcdefgh12345{n}",
             "razorpay_signature": "0" * 64},
        )  # fmt: skip
        assert (status, body["error"]["code"]) == (400, "INVALID_SIGNATURE")
    sent = triple(await shop.till.gw.pay(block["order_id"]))
    assert (await customer.call("POST", "/payments/verify", sent))[0] == 429
    assert (await customer.get(f"/payments/{block['id']}/status"))["status"] == "pending"


@pytest.mark.parametrize(
    ("raw", "headers", "expected"),
    [
        (b"{}", {}, 400),
        (b"{}", {"X-Razorpay-Signature": "0" * 64}, 400),
        (b"x" * 70_000, {"X-Razorpay-Signature": "0" * 64}, 413),
    ],
)
async def test_a_webhook_of_somebody_else(shop: Shop, raw: bytes, headers: dict[str, str], expected: int) -> None:
    status, _, _ = await Visitor(shop.client).call("POST", "/payments/webhook", raw=raw, headers=headers)
    assert status == expected


async def test_a_webhook_that_is_not_signed_is_not_read(shop: Shop) -> None:
    answer = await announce(shop.client.server, "POST", "/v1/payments/webhook", {"X-Razorpay-Event-Id": "evt_1"})
    assert answer == (400, "INVALID_SIGNATURE")


async def test_card_data_is_refused(shop: Shop) -> None:
    booking, block = await shop.till.online()
    customer = await shop.visitor("customer", booking.account_id)
    sent = {**triple({**await shop.till.gw.pay(block["order_id"])}), "card_number": "4111111111111111", "cvv": "123"}
    status, body, _ = await customer.call("POST", "/payments/verify", sent)
    assert status == 422 and "4111" not in str(body)


async def test_without_a_gateway_it_says_so(house: House) -> None:
    customer = await house.customer()
    sent = {"razorpay_order_id": "order_x", "razorpay_payment_id": "pay_x", "razorpay_signature": "x"}
    for method, path, body in (
        ("POST", "/payments/verify", sent), ("GET", f"/payments/{uuid4()}/status", None),
        ("POST", "/payments/webhook", {}),
    ):  # fmt: skip
        status, answer, _ = await customer.call(method, path, body)
        assert (status, answer["error"]["code"]) == (503, "PAYMENTS_NOT_CONFIGURED")


async def test_the_wallet_is_listed(shop: Shop) -> None:
    till = shop.till
    booking = await till.paid()
    async with till.world.services.transaction() as tx:
        await refunds.request_for_booking(tx, booking.id, 50000, reason="sorry", requested_by="staff", to_wallet=True)
    second = await till.world.book(booking.account_id, hours=4)
    async with till.world.services.transaction() as tx:
        await charges.open_payment(tx, second, use_wallet=True)
    customer = await shop.visitor("customer", booking.account_id)
    data = await customer.get("/wallet")
    assert (data["balance"], data["currency"]) == (0, "INR")
    assert [(e["type"], e["category"], e["amount"], e["booking_number"]) for e in data["entries"]] == [
        ("debit", "wallet_spent", 500.0, second.number), ("credit", "refund", 500.0, booking.number),
    ]  # fmt: skip
    assert data["pagination"] == {
        "page": 1, "limit": 10, "total": 2, "total_pages": 1, "total_is_exact": True, "cursor": None,
    }  # fmt: skip
    assert (await customer.get("/wallet?limit=1&page=2"))["entries"][0]["type"] == "credit"


# ---------------------------------------------------------------- only final answers are kept


async def test_a_capture_that_fails_now_is_pending_and_not_for_ever(shop: Shop) -> None:
    till = shop.till
    booking, block = await till.online()
    customer = await shop.visitor("customer", booking.account_id)
    await till.gw.control(webhooks={"drop": {"probability": 1.0}})
    sent = triple(await till.gw.pay(block["order_id"], "authorized") | {"razorpay_order_id": block["order_id"]})
    await till.away(match="* /v1/payments/*/capture")
    for key in ({}, {"X-Idempotency-Key": uuid4().hex}):
        for _ in range(2):
            status, body, headers = await customer.call("POST", "/payments/verify", sent, headers=key)
            assert (status, body["data"]["payment_status"]) == (200, "pending")
            assert "Idempotent-Replayed" not in headers
    await till.back()
    status, body, _ = await customer.call("POST", "/payments/verify", sent)
    assert (status, body["data"]["payment_status"], body["data"]["booking_status"]) == (
        200, "success", "partner_assigned",
    )  # fmt: skip
    _, _, headers = await customer.call("POST", "/payments/verify", sent)
    assert headers["Idempotent-Replayed"] == "true"


# ---------------------------------------------------------------- a fresh page


async def test_an_unpaid_booking_can_be_paid_from_a_fresh_page(shop: Shop) -> None:
    till = shop.till
    booking, block = await till.online()
    customer = await shop.visitor("customer", booking.account_id)
    payment = (await customer.get(f"/bookings/{booking.id}"))["payment"]
    assert {name: payment[name] for name in block} == block and payment["expires_at"]
    status, body, _ = await customer.call("POST", "/payments/create-order", {"booking_id": str(booking.id)})
    assert (status, body["data"]) == (200, block)
    other = await shop.visitor("customer", await till.world.customer())
    assert (await other.call("POST", "/payments/create-order", {"booking_id": str(booking.id)}))[0] == 404
    await till.verify(booking, await till.gw.pay(block["order_id"]))
    paid = (await customer.get(f"/bookings/{booking.id}"))["payment"]
    assert paid["status"] == "success" and "key" not in paid and "amount" not in paid
    status, body, _ = await customer.call("POST", "/payments/create-order", {"booking_id": str(booking.id)})
    assert (status, body["error"]["code"]) == (409, "NOTHING_TO_PAY")


async def test_an_unpaid_booking_can_be_paid_at_the_door_instead(shop: Shop) -> None:
    till = shop.till
    technician = await till.world.technician()
    booking, block = await till.online()
    customer = await shop.visitor("customer", booking.account_id)
    other = await shop.visitor("customer", await till.world.customer())
    path, cash = f"/bookings/{booking.id}/payment-method", {"payment_method": "cash"}
    assert (await other.call("PATCH", path, cash))[0] == 404
    assert (await customer.call("PATCH", path, {"payment_method": "online"}))[0] == 422
    for _ in range(2):
        status, body, _ = await customer.call("PATCH", path, cash)
        data = body["data"]
        assert (status, data["payment_method"], data["status"]) == (200, "cash", "partner_assigned")
        assert (data["amount_to_collect"], "key" in data["payment"]) == (GRAND / 100, False)
    # The old page was still open somewhere: what is paid there goes back by itself.
    await till.gw.pay(block["order_id"])
    await till.drain()
    assert (await till.gw.state())["refunded"] == GRAND
    done = await till.finish(await till.world.booking(booking.id), technician)
    assert done.payment_status == "paid" and (await till.sums())["cash_in_hand"] == -GRAND
    await till.check()
    status, body, _ = await customer.call("POST", "/payments/create-order", {"booking_id": str(booking.id)})
    assert (status, body["error"]["code"]) == (409, "NOTHING_TO_PAY")
    paid = await till.paid(booking.account_id, hours=6)
    status, body, _ = await customer.call("PATCH", f"/bookings/{paid.id}/payment-method", cash)
    assert (status, body["error"]["code"]) == (409, "CANNOT_SWITCH")


async def test_what_cancelling_costs_is_said_before(shop: Shop) -> None:
    till = shop.till
    technician = await till.world.technician()
    booking = await till.paid()
    customer = await shop.visitor("customer", booking.account_id)

    async def quote() -> Any:
        return (await customer.get(f"/bookings/{booking.id}"))["cancellation_quote"]

    await till.world.advance(minutes=10)
    assert ((await quote())["fee"], (await quote())["refund_amount"]) == (0, GRAND / 100)
    await till.world.accept(booking.id, technician)
    said = await quote()
    assert (said["fee"], said["refund_amount"]) == (177.12, 1594.08) and said["free_until"]
    _, body, _ = await customer.call("POST", f"/bookings/{booking.id}/cancel", {})
    assert (body["data"]["cancellation_fee"], body["data"]["refund_amount"]) == (177.12, 1594.08)
    assert body["data"]["refund_status"] == "processing"
    assert await quote() is None


async def test_what_is_back_in_the_wallet_is_not_said_to_be_on_its_way(shop: Shop) -> None:
    till = shop.till
    booking = await till.world.book(await till.rich(GRAND), use_wallet=True)
    customer = await shop.visitor("customer", booking.account_id)
    _, body, _ = await customer.call("POST", f"/bookings/{booking.id}/cancel", {})
    assert (body["data"]["status"], body["data"]["refund_status"]) == ("refunded", "completed")
    assert (await customer.get("/wallet"))["balance"] == GRAND / 100


# ---------------------------------------------------------------- a confirm while the gateway is away


async def cart(shop: Shop, customer: Any) -> dict[str, Any]:
    """What a confirm needs: an address in the zone and a fresh preview."""
    _, body, _ = await customer.call(
        "POST", "/users/addresses",
        {"name": "Home", "address_line1": "1 Test Street", "city": "Kolkata", "state": "West Bengal",
         "pincode": "700001", "lat": KOLKATA[0], "lng": KOLKATA[1]},
    )  # fmt: skip
    address_id, service_id = body["data"]["id"], str(shop.till.world.service_ids["Facial"])
    _, body, _ = await customer.call(
        "POST", "/checkout/prepare", {"service_ids": [service_id], "address_id": address_id}
    )
    preview = body["data"]
    return {
        "preview_id": preview["preview_id"], "payment_method": "online", "address_id": address_id,
        "booking_date": preview["booking_date"], "booking_time": preview["available_time_slots"][-1],
        "customer_name": "A customer", "customer_phone": "+911234567890", "cancellation_policy_accepted": True,
    }  # fmt: skip


@pytest.mark.parametrize("has_effect", [False, True])
@pytest.mark.parametrize("key", [None, "a-key-of-the-customer"])
async def test_a_confirm_that_met_an_outage_is_repeated(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, has_effect: bool, key: str | None
) -> None:
    monkeypatch.setattr(payments, "WAIT_FOR_ORDER_S", 0.2)
    customer = await shop.visitor("customer", await shop.till.world.customer())
    wish = await cart(shop, customer)
    headers = {"X-Idempotency-Key": key} if key else {}
    await shop.till.away(has_effect=has_effect)
    for _ in range(3):
        status, body, answered = await customer.call("POST", "/checkout/confirm", wish, headers=headers)
        assert (status, body["error"]["code"]) == (503, "ORDER_PENDING") and answered["Retry-After"]
    await shop.till.back()
    status, body, _ = await customer.call("POST", "/checkout/confirm", wish, headers=headers)
    assert status == 201
    # One booking, one order, however often it was asked.
    assert list((await shop.till.gw.state())["orders"]) == [body["data"]["payment"]["order_id"]]
    assert await shop.till.world.value("SELECT count(*) FROM bookings") == 1


async def test_a_confirm_that_the_gateway_refuses_is_told_so_and_frees_the_time(shop: Shop) -> None:
    till = shop.till
    customer = await shop.visitor("customer", await till.world.customer())
    await till.world.execute("UPDATE service_prices SET price_minor = 50, list_price_minor = 50")
    wish = await cart(shop, customer)
    for key in (uuid4().hex, None):
        headers = {"X-Idempotency-Key": key} if key else {}
        for _ in range(2):
            status, body, _ = await customer.call("POST", "/checkout/confirm", wish, headers=headers)
            assert (status, body["error"]["code"]) == (409, "ORDER_REFUSED")
    assert await till.world.value("SELECT count(*) FROM slots WHERE booking_id IS NOT NULL") == 0
    assert await till.world.value("SELECT status FROM bookings") == "cancelled"
