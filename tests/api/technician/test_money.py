"""What a technician has earned and is paid."""

from __future__ import annotations

from dispatch.billing import payouts
from tests.api.shop import Shop
from tests.dispatch.billing.till import GRAND


async def test_earnings_and_payouts_of_a_technician(shop: Shop) -> None:
    till = shop.till
    technician_id = await till.world.technician()
    booking = await till.finish(await till.world.book(), technician_id)
    technician = await shop.visitor("technician", technician_id)
    data = await technician.get("/partner/earnings")
    assert (data["total_earnings"], data["pending"], data["paid"]) == (1239.84, 1239.84, 0)
    assert (data["cash_in_hand"], data["payable"]) == (GRAND / 100, -531.36)
    (earning,) = data["earnings"]
    assert (earning["booking_number"], earning["partner_earning"], earning["status"]) == (
        booking.number,
        1239.84,
        "pending",
    )
    assert (earning["commission_percentage"], earning["platform_commission"]) == (70.0, 531.36)
    assert (await technician.get("/partner/earnings?status=paid"))["earnings"] == []
    assert (await technician.get("/partner/earnings?date_from=2026-01-06"))["total_earnings"] == 0
    assert (await technician.call("GET", "/partner/earnings?status=lost"))[0] == 422
    assert (await technician.call("GET", "/partner/earnings?date_from=2026-01-06&date_to=2026-01-05"))[0] == 422
    assert (await technician.get("/partner/payouts"))["payouts"] == []


async def test_the_earnings_of_today(shop: Shop) -> None:
    till = shop.till
    technician_id = await till.world.technician()
    booking = await till.finish(await till.world.book(), technician_id)
    technician = await shop.visitor("technician", technician_id)
    today = await technician.get("/partner/earnings/today")
    (earning,) = today["earnings"]
    assert (earning["booking_number"], today["total_earnings"]) == (booking.number, 1239.84)
    await till.world.advance(days=1)
    today = await technician.get("/partner/earnings/today")
    assert (today["earnings"], today["total_earnings"], today["payable"]) == ([], 0, -531.36)


async def test_a_completion_that_is_repeated_says_how_its_earning_stands(shop: Shop) -> None:
    till = shop.till
    technician_id = await till.world.technician()
    booking = await till.finish(await till.paid(), technician_id)
    technician = await shop.visitor("technician", technician_id)
    _, body, _ = await technician.call("POST", f"/partner/bookings/{booking.id}/complete")
    assert body["data"]["earning"] == {"amount": 1239.84, "status": "pending"}
    async with till.world.services.transaction() as tx:
        payout = await payouts.create(tx, technician_id, method="bank_transfer", requested_by="staff-1")
        await payouts.process(tx, payout.id, bank_transaction_id="UTR1")
    _, body, _ = await technician.call("POST", f"/partner/bookings/{booking.id}/complete")
    assert body["data"]["earning"] == {"amount": 1239.84, "status": "paid"}
