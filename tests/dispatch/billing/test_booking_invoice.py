"""An invoice says what the booking says: lines, sums, and who it is for."""

from __future__ import annotations

import pytest

from dispatch.billing import booking_invoice
from storage import staff_bookings
from tests.dispatch.billing.till import Till


async def test_the_sums_are_the_bookings_own(till: Till) -> None:
    who = await till.world.technician(km_north=0.1)
    booking = await till.paid()
    async with till.world.services.read() as conn:
        row = await staff_bookings.get(conn, booking_id=booking.id)
    assert row is not None
    with pytest.raises(booking_invoice.NotBilled):
        await booking_invoice.pdf(till.world.services, row)
    await till.world.accept(booking.id, who)
    async with till.world.services.read() as conn:
        row = await staff_bookings.get(conn, booking_id=booking.id)
    assert row is not None
    invoice = booking_invoice.invoice_of(row, "Minuteserv")
    shown = [(line.quantity, line.price, line.amount) for line in invoice.lines]
    assert shown == [("1", "2,000.00 INR", "2,000.00 INR")]
    assert list(invoice.sums) == [
        ("Subtotal", "2,000.00 INR"), ("Savings", "-400.00 INR"), ("Discount", "-160.00 INR"), ("Tax", "331.20 INR"),
        ("Total", "1,771.20 INR"),
    ]  # fmt: skip
    assert invoice.number == booking.number and "A customer" in invoice.buyer
    assert (await booking_invoice.pdf(till.world.services, row)).startswith(b"%PDF-")
    # What goes back is said below, and what was billed stays.
    back = booking_invoice.invoice_of(row, "Minuteserv", 30000)
    assert back.sums == invoice.sums and back.notes == [*invoice.notes, "Given back: 300.00 INR."]


async def test_a_cancelled_booking_is_billed_to_nobody_also_when_all_of_it_is_back(till: Till) -> None:
    booking = await till.paid()
    await till.cancel(booking)
    await till.drain()
    async with till.world.services.read() as conn:
        row = await staff_bookings.get(conn, booking_id=booking.id)
    assert row is not None and row.status == "refunded"
    with pytest.raises(booking_invoice.NotBilled):
        await booking_invoice.pdf(till.world.services, row)
