"""Every screen that names a price says what is taken at the door, and what that is made of."""

from __future__ import annotations

from typing import Any

from tests.api.shop import Shop
from tests.dispatch.billing.till import GRAND

FIELDS = ("grand_total", "wallet_amount", "outstanding_fee", "amount_to_collect", "amount_collected")


def amounts(data: dict[str, Any]) -> tuple[float, ...]:
    return tuple(data[name] for name in FIELDS)


async def test_the_wallets_part_is_not_collected_again(shop: Shop) -> None:
    till = shop.till
    technician_id = await till.world.technician()
    booking = await till.world.book(await till.rich(30000), use_wallet=True)
    customer = await shop.visitor("customer", booking.account_id)
    technician = await shop.visitor("technician", technician_id)
    expected = (GRAND / 100, 300.0, 0, 1471.2, 0)
    made = await till.world.value("SELECT data FROM party_events WHERE type = 'offer.made'")
    assert (made["grand_total_minor"], made["wallet_minor"], made["amount_to_collect_minor"]) == (GRAND, 30000, 147120)
    assert (made["payment_method"], made["outstanding_fee_minor"]) == ("cash", 0)
    path = f"/partner/bookings/{booking.id}"
    for _ in range(2):
        assert amounts(await technician.get(path)) == expected
        assert amounts((await technician.get("/partner/bookings"))["bookings"][0]) == expected
        assert amounts(await customer.get(f"/bookings/{booking.id}")) == expected
        assert amounts((await customer.get("/bookings"))["bookings"][0]) == expected
        assert amounts((await customer.get("/dashboard"))["recent_bookings"][0]) == expected
        await technician.call("POST", path + "/accept", {})
    for step in ("in_transit", "arrived", "in_progress"):
        status, body, _ = await technician.call("PATCH", path + "/status", {"status": step})
        assert status == 200 and amounts(body["data"]["booking"]) == expected
    status, body, _ = await technician.call("POST", path + "/complete", {})
    over = (GRAND / 100, 300.0, 0, 0, 1471.2)
    assert status == 200 and amounts(body["data"]["booking"]) == over
    assert amounts(await customer.get(f"/bookings/{booking.id}")) == over
    dashboard = await technician.get("/partner/dashboard")
    money = await technician.get("/partner/earnings")
    assert dashboard["stats"]["pending_payout"] == money["payable"] == round(1239.84 - 1471.2, 2)
    await till.check()


async def test_an_old_fee_is_said_before_the_price_is_agreed_and_collected(shop: Shop) -> None:
    till = shop.till
    technician_id = await till.world.technician()
    owing = await till.owing(17712)
    customer = await shop.visitor("customer", owing.account_id)
    asked = {"service_ids": [str(till.world.service_ids["Facial"])]}
    status, body, _ = await customer.call("POST", "/checkout/prepare", asked)
    data = body["data"]
    assert status == 200 and data["outstanding_fee"] == 177.12
    assert data["amount_to_collect"] == round(data["pricing"]["grand_total"] + 177.12, 2)
    booking = await till.world.book(owing.account_id, hours=4)
    # It is asked for once: the next booking is told the price alone.
    _, body, _ = await customer.call("POST", "/checkout/prepare", asked)
    assert body["data"]["outstanding_fee"] == 0
    expected = (GRAND / 100, 0, 177.12, 1948.32, 0)
    technician = await shop.visitor("technician", technician_id)
    assert amounts(await customer.get(f"/bookings/{booking.id}")) == expected
    assert amounts(await technician.get(f"/partner/bookings/{booking.id}")) == expected
    await till.finish(booking, technician_id)
    assert amounts(await technician.get(f"/partner/bookings/{booking.id}")) == (GRAND / 100, 0, 177.12, 0, 1948.32)
    assert (await till.sums())["cash_in_hand"] == -194832
    await till.check()


async def test_nothing_is_collected_for_what_is_paid_or_over(shop: Shop) -> None:
    till = shop.till
    technician_id = await till.world.technician()
    paid = await till.paid()
    customer = await shop.visitor("customer", paid.account_id)
    technician = await shop.visitor("technician", technician_id)
    assert amounts(await technician.get(f"/partner/bookings/{paid.id}")) == (GRAND / 100, 0, 0, 0, 0)
    cash = await till.world.book(paid.account_id, hours=4)
    assert amounts(await customer.get(f"/bookings/{cash.id}"))[3] == GRAND / 100
    await till.cancel(cash)
    assert amounts(await customer.get(f"/bookings/{cash.id}"))[3] == 0
