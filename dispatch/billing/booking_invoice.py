"""What a booking's customer is billed: its lines as they were booked, and what was paid."""

from __future__ import annotations

import asyncio

from dispatch.errors import Conflict
from dispatch.localtime import twelve_hour
from dispatch.reports.invoice_pdf import Invoice, InvoiceLine, draw
from dispatch.services import Services
from storage import payments as payment_rows
from storage.staff_bookings import StaffBooking

#: Before this there is nothing to bill: the price may still change hands, or go away.
BILLED = ("confirmed", "in_progress", "completed", "refunded")


class NotBilled(Conflict):
    """There is no invoice for this booking: it has no technician yet, or it was cancelled."""

    code = "no_invoice"


async def pdf(services: Services, booking: StaffBooking) -> bytes:
    """The invoice as a file. Raises NotBilled."""
    # One that was cancelled is refunded, too, once all of it is back.
    if booking.status not in BILLED or booking.cancelled_at is not None:
        raise NotBilled
    async with services.read() as conn:
        paid = await payment_rows.of_booking(conn, booking_id=booking.id)
    back_minor = sum(p.refunded_minor for p in paid if p.surplus_of is None)
    return await asyncio.to_thread(draw, invoice_of(booking, services.settings.brand, back_minor))


def invoice_of(b: StaffBooking, seller: str, back_minor: int = 0) -> Invoice:
    """Lines at list price, then what was taken off and what was added: the sums are the booking's own. What went
    back of it since stands below them.
    """

    def money(minor: int) -> str:
        return f"{minor // 100:,}.{minor % 100:02d} {b.currency}"

    sums = [
        ("Subtotal", b.subtotal_minor), ("Savings", -b.savings_minor), ("Discount", -b.discount_minor),
        ("Tax", b.tax_minor),
    ]  # fmt: skip
    place = [b.address.get(k) for k in ("address_line1", "address_line2", "city", "pincode")]
    name = b.contact.get("name") or b.account_name or "Customer"
    return Invoice(
        number=b.number, issued_on=b.local_date, seller=[seller],
        buyer=[str(name), ", ".join(str(part) for part in place if part)],
        about=[f"Visit on {b.local_date:%d %B %Y} at {twelve_hour(b.local_time)}"],
        lines=[
            InvoiceLine(
                f"{i['name']} ({i['duration_minutes']} min)", str(i["quantity"]), money(i["list_price_minor"]),
                money(i["list_price_minor"] * i["quantity"]),
            )
            for i in b.items
        ],
        sums=[
            *((words, f"-{money(-minor)}" if minor < 0 else money(minor)) for words, minor in sums if minor),
            ("Total", money(b.grand_total_minor)),
        ],
        notes=[
            f"Payment: {b.payment_method}, {b.payment_status.replace('_', ' ')}.",
            *([f"Given back: {money(back_minor)}."] if back_minor else []),
        ],
    )  # fmt: skip
