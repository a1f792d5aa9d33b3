"""What a done job brings a provider, as lines of its statement; the money itself is posted with the completion."""

from __future__ import annotations

from uuid import UUID

from dispatch.billing import provider_transactions, provider_wallet
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.parties import provider_customers
from dispatch.services import Tx
from storage import providers as provider_rows
from storage.bookings import Booking


async def earned(tx: Tx, booking: Booking, provider_id: UUID, earning_minor: int, cash_minor: int) -> None:
    """The share as a credit, and what was taken at the door as a debit: it belongs to the platform."""
    if await provider_rows.get(tx.conn, id=provider_id) is None:
        return
    contact = booking.contact
    customer = await provider_customers.ensure(
        tx, provider_id, booking.account_id, source="booking", name=contact.get("name"), email=contact.get("email"),
        phone=contact.get("phone"), location=booking.address.get("city"),
    )  # fmt: skip
    credit = None
    if earning_minor > 0:
        credit = await provider_transactions.add(tx, NewTransaction(
            provider_id, "credit", "provider_payment", "settled", earning_minor, booking.currency, booking.number,
            booking.payment_method, customer, f"Booking {booking.number} done", _service(booking), booking.id,
        ))  # fmt: skip
    if cash_minor > 0:
        await provider_transactions.add(tx, NewTransaction(
            provider_id, "debit", "cash_collected", "settled", cash_minor, booking.currency, f"{booking.number}-CASH",
            "cash", customer, f"Cash of booking {booking.number}", _service(booking), booking.id,
            related_to=credit.id if credit else None,
        ))  # fmt: skip
    await provider_wallet.tell(tx, provider_id, booking.currency)


def _service(booking: Booking) -> str | None:
    return booking.categories[0] if booking.categories else None
