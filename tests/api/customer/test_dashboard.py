"""The first screen."""

from __future__ import annotations

from tests.api.customer.conftest import House, Visitor
from tests.api.customer.test_bookings import book
from tests.api.customer.test_checkout import DAY


async def test_the_first_screen(house: House, customer: Visitor) -> None:
    for at in ("08:00", "10:00", "12:00", "14:00", "16:00", "18:00"):
        await book(customer, booking_time=at, booking_date=DAY)
        await house.city.advance(seconds=1)
    data = await customer.get("/dashboard")
    assert set(data) == {"user", "addresses", "recent_bookings", "notifications"}
    assert data["user"]["name"] == "Customer 001"
    assert [a["is_default"] for a in data["addresses"]] == [True]
    assert len(data["recent_bookings"]) == 5
    assert data["recent_bookings"][0]["booking_time"] == "18:00:00"
    assert data["recent_bookings"][0]["services"] == [{"name": "Facial - Minimal", "quantity": 2}]
