"""Checkout, second half: one preview becomes one booking, however often it is confirmed."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from dispatch import numbers
from dispatch.billing import checkout, promos
from dispatch.engine import bookings, free_times, offers
from dispatch.engine.bookings import NewBooking, NewItem
from dispatch.engine.free_times import Need, SlotTaken
from dispatch.errors import Invalid, Missing, Throttled
from dispatch.localtime import local
from dispatch.parties import addresses
from dispatch.parties.addresses import Located
from dispatch.ports.gateway import PaymentsNotConfigured
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import checkout as rows
from storage import quotas
from storage.bookings import Booking
from storage.checkout import Booked, PreviewRow

log = logging.getLogger(__name__)

#: The window in which a customer's bookings are counted (R43).
HOUR_S = 3600


class PreviewExpired(Missing):
    """This price is no longer on offer; prepare the checkout again."""

    code = "preview_expired"


class TooManyBookings(Throttled):
    """You have made as many bookings as one can in an hour; try again later."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom the technician asks for."""

    name: str
    phone: str
    email: str | None

    def stored(self) -> dict[str, Any]:
        return {"name": self.name, "phone": self.phone, "email": self.email}


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the customer confirms. The price is the preview's; `booking_time` is local to the address."""

    preview_id: UUID
    payment_method: str
    address_id: UUID
    booking_date: date
    booking_time: time
    contact: Contact
    use_wallet: bool = False


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The booking as the confirm is answered. `payment` is the gateway's order of an online one."""

    id: UUID
    number: str
    status: str
    grand_total_minor: int
    currency: str
    payment_method: str
    wallet_minor: int
    outstanding_fee_minor: int
    to_collect_minor: int
    collected_minor: int
    payment: dict[str, Any] | None = None


async def confirm(services: Services, account_id: UUID, wish: Confirmation) -> Confirmed:
    """Makes the booking and, for cash, searches for a technician before answering.

    One preview makes one booking: repeating a confirm gives the same answer, another confirm of a used
    preview is
    PreviewExpired. Raises PreviewExpired, Missing (address), Invalid, SlotTaken with the free times,
    PromoUsedUp,
    TooManyBookings, PaymentsNotConfigured (before anything is created).
    """
    if wish.payment_method == "online":
        _check_payments(services)
    async with services.read() as conn:
        made = await rows.booked_from(conn, preview_id=wish.preview_id, account_id=account_id)
        if made is not None:
            return await _again(services, made, wish)
        preview = await rows.live_preview(conn, preview_id=wish.preview_id, account_id=account_id)
        if preview is None:
            raise PreviewExpired()
        address = await addresses.get(conn, account_id, wish.address_id)
    located = await addresses.locate(services, address)
    _check_terms(services, preview, located)
    need = checkout.need_of(account_id, located, preview.timezone, items_of(preview))
    starts_at = free_times.check_start(services, need, wish.booking_date, wish.booking_time)
    booking = await _make(services, wish, preview, located, need, starts_at)
    if isinstance(booking, Booked):
        return await _again(services, booking, wish)
    if wish.payment_method == "cash":
        booking = await offers.dispatch_now(services, booking.id)
    return await _answer(services, booking)


def _check_payments(services: Services) -> None:
    """Raises PaymentsNotConfigured while nothing has been created yet."""
    if not services.settings.payments.is_configured:
        raise PaymentsNotConfigured()


def _check_terms(services: Services, preview: PreviewRow, located: Located) -> None:
    """Another address than the preview's is fine where the same prices and clocks hold; else Invalid."""
    currency, timezone = checkout.place_terms(services, located)
    zone_id = located.zone.id if located.zone else None
    same_zone = preview.zone_id == zone_id or preview.address_id is None
    if not same_zone or (currency, timezone) != (preview.currency, preview.timezone):
        raise Invalid(
            {"address_id": "This address is in another zone than the preview's; prepare the checkout again."}
        )


def items_of(preview: PreviewRow) -> tuple[NewItem, ...]:
    """The lines as they were priced."""
    return tuple(
        NewItem(
            UUID(i["service_id"]), i["name"], i["category"], i["tier"], i["quantity"], i["duration_minutes"],
            i["list_price_minor"], i["price_minor"],
        )
        for i in preview.items
    )  # fmt: skip


async def _make(
    services: Services,
    wish: Confirmation,
    preview: PreviewRow,
    located: Located,
    need: Need,
    starts_at: datetime,
) -> Booking | Booked:
    """The booking, or the one that somebody else made of the preview meanwhile."""
    # In a transaction of its own: the day's counter must not make checkouts wait for one another.
    async with services.transaction() as tx:
        number = await numbers.take(tx.conn, "BK", local(tx.now, preview.timezone))
    new = _new_booking(number, wish, preview, located, starts_at)
    try:
        return await services.retrying(lambda tx: _book(tx, new, preview))
    except SlotTaken:
        async with services.read() as conn:
            free = await free_times.available(conn, services, need, wish.booking_date)
        raise free_times.taken(local(f, need.timezone).time() for f in free if f != starts_at) from None


async def _book(tx: Tx, new: NewBooking, preview: PreviewRow) -> Booking | Booked:
    await rows.lock_preview(tx.conn, preview_id=preview.id, account_id=preview.account_id)
    made = await rows.booked_from(tx.conn, preview_id=preview.id, account_id=preview.account_id)
    if made is not None:
        return made
    if await rows.live_preview(tx.conn, preview_id=preview.id, account_id=preview.account_id) is None:
        raise PreviewExpired()
    await _count(tx, preview.account_id)
    booking = await bookings.open_booking(tx, new)
    if preview.promo_code_id is not None:
        # The promo's row comes last: it is the one that strangers share.
        await promos.redeem(tx, preview.promo_code_id, preview.account_id, booking.id, preview.discount_minor)
    return booking


async def _count(tx: Tx, account_id: UUID) -> None:
    """One more booking within the hour. Raises TooManyBookings; a confirm that fails or comes again does not
    count.
    """
    at_most = tx.services.settings.limits.booking_creation_per_hour
    wait_s = await quotas.take(tx.conn, f"booking_creation:{account_id}", at_most, HOUR_S)
    if wait_s:
        raise TooManyBookings(retry_after_s=wait_s)


def _new_booking(
    number: str, wish: Confirmation, preview: PreviewRow, located: Located, starts_at: datetime
) -> NewBooking:
    shown = local(starts_at, preview.timezone)
    return NewBooking(
        number=number, account_id=preview.account_id, preview_id=preview.id, address_id=located.address.id,
        address=snapshot(located), contact=wish.contact.stored(),
        zone_id=located.zone.id if located.zone else None,
        lat=located.lat, lng=located.lng, is_approximate=located.is_approximate, timezone=preview.timezone,
        local_date=shown.date(), local_time=shown.time(), starts_at=starts_at,
        duration_minutes=preview.duration_minutes, items=items_of(preview),
        payment_method=wish.payment_method,
        currency=preview.currency, subtotal_minor=preview.subtotal_minor, savings_minor=preview.savings_minor,
        discount_minor=preview.discount_minor, tax_minor=preview.tax_minor,
        grand_total_minor=preview.grand_total_minor, promo_code_id=preview.promo_code_id,
        policy_accepted=True,
        wait_for_payment=wish.payment_method == "online", use_wallet=wish.use_wallet,
    )  # fmt: skip


def snapshot(located: Located) -> dict[str, Any]:
    """The address as the booking keeps it, in the contract's words; later changes do not touch it."""
    a = located.address
    return {
        "id": str(a.id), "name": a.label, "address_line1": a.line1, "address_line2": a.line2, "city": a.city,
        "state": a.state, "pincode": a.postal_code, "lat": located.lat, "lng": located.lng,
        "is_approximate": located.is_approximate,
    }  # fmt: skip


async def _again(services: Services, made: Booked, wish: Confirmation) -> Confirmed:
    """The answer to a confirm that comes again. Raises PreviewExpired when it is not the same one."""
    asked = (
        wish.address_id,
        wish.booking_date,
        wish.booking_time,
        wish.payment_method,
        wish.contact.stored(),
    )
    if asked != (made.address_id, made.local_date, made.local_time, made.payment_method, made.contact):
        raise PreviewExpired("This preview has already become a booking; prepare the checkout again.")
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=made.id)
    assert booking is not None
    return await _answer(services, booking)


async def _answer(services: Services, booking: Booking) -> Confirmed:
    payment = None
    if booking.payment_method == "online":
        from dispatch.billing import (
            payments,
        )  # Late: payments itself opens bookings' orders through this half.

        payment = await payments.start(services, booking)
        # The payment is opened by now, or the wallet paid it all and the search has begun.
        async with services.read() as conn:
            booking = await booking_rows.get(conn, booking_id=booking.id) or booking
    return Confirmed(
        booking.id, booking.number, booking.status, booking.grand_total_minor, booking.currency,
        booking.payment_method, booking.wallet_minor, booking.outstanding_fee_minor, booking.to_collect_minor,
        booking.collected_minor, payment,
    )  # fmt: skip


async def sweep(tx: Tx) -> int:
    """Forgets previews that ran out a day ago. Returns how many."""
    return await rows.sweep_previews(tx.conn)
