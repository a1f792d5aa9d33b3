"""Checkout, second half: one preview becomes one booking, however often it is confirmed.

Read from `confirm` on: load, price, booking, offer and slot, facts, told. All of it is one transaction; an online
booking has a second one, which writes down the order that the gateway made of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import orjson

from dispatch.billing import charges, checkout, member_bookings, on_account, payments, promos
from dispatch.billing.charges import Opened
from dispatch.engine import bookings, free_times, search, slots
from dispatch.engine.bookings import NewBooking, NewItem
from dispatch.engine.free_times import Need, SlotTaken
from dispatch.errors import Invalid, Missing, Throttled
from dispatch.events import Actor
from dispatch.live.counts import CHECKOUTS
from dispatch.localtime import local, to_utc
from dispatch.parties import addresses, customers, programs
from dispatch.parties.addresses import Located
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import checkout as rows
from storage import quotas
from storage.addresses import Address
from storage.bookings import Booking
from storage.checkout import ForConfirm

#: The window in which a customer's bookings and payments are counted (R43, R44).
HOUR_S = 3600


class PreviewExpired(Missing):
    """This price is no longer on offer; prepare the checkout again."""

    code = "preview_expired"


class TooManyBookings(Throttled):
    """You have made as many bookings as one can in an hour; try again later."""


class TooManyPayments(Throttled):
    """You have begun as many payments as one can in an hour; try again later, or pay in cash."""


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
    #: The app that books for its customer.
    integration_id: UUID | None = None

    @property
    def made_by(self) -> Actor | None:
        return Actor("integration", str(self.integration_id)) if self.integration_id else None


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
    #: Its organisation has to approve it first.
    waits_for_approval: bool = False


#: What is done with the answer before the transaction ends that makes it true: an idempotency key keeps it.
Keep = Callable[[Tx, Confirmed], Awaitable[None]]


class _Unplaced(Exception):
    """The address has no position yet, and finding it calls out, which no transaction does."""

    def __init__(self, address: Address) -> None:
        self.address = address


class _Made(Exception):
    """This very confirm made a booking before: nothing of a repetition counts."""

    def __init__(self, booking_id: UUID) -> None:
        self.booking_id = booking_id


class _NobodyFree(Exception):
    """What SlotTaken lacks: for what, and when."""

    def __init__(self, need: Need, starts_at: datetime) -> None:
        self.need, self.starts_at = need, starts_at


async def confirm(services: Services, account_id: UUID, wish: Confirmation, *, keep: Keep | None = None) -> Confirmed:
    """Makes the booking and, unless it is paid online, searches for a technician before answering.

    One preview makes one booking: repeating a confirm gives the same answer, another confirm of a used preview is
    PreviewExpired. Raises PreviewExpired, Missing (address), Invalid, SlotTaken with the free times, PromoUsedUp,
    TooManyBookings, TooManyPayments, PaymentsNotConfigured (before anything is created), and on account whatever stands
    against the payer (MayNotOrder, CreditExceeded).
    """
    if wish.payment_method == "online":
        if wish.integration_id is not None:
            raise Invalid({"payment_method": "Customers of an integration pay in cash, or it pays on account."})
        services.require_gateway()
    opened = await _booked(services, account_id, wish, None, keep)
    booking = opened.booking
    if booking.payment_method != "online":
        return _answer(booking)
    if opened.payment is not None:
        return _answer(booking, await payments.start_new(services, opened))
    # A repetition, or the wallet has paid it all and the search may begin.
    payment = await payments.start(services, booking)
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=booking.id) or booking
    return _answer(booking, payment)


async def _booked(
    services: Services, account_id: UUID, wish: Confirmation, located: Located | None, keep: Keep | None
) -> Opened:
    """The booking of a confirm, whether it makes it or repeats it: then there is no payment to open."""
    try:
        return await services.retrying(lambda tx: _book(tx, account_id, wish, located, keep))
    except _Unplaced as e:
        return await _booked(services, account_id, wish, await addresses.locate(services, e.address), keep)
    except _Made as e:
        async with services.read() as conn:
            made = await booking_rows.get(conn, booking_id=e.booking_id)
        assert made is not None, "bookings stay"
        return Opened(made)
    except _NobodyFree as e:
        async with services.read() as conn:
            found = await free_times.times(conn, services, e.need, wish.booking_date)
        raise free_times.taken(found, e.need.timezone, e.starts_at) from None


async def _book(tx: Tx, account_id: UUID, wish: Confirmation, located: Located | None, keep: Keep | None) -> Opened:
    """The one transaction of a confirm, from its customer's count to the answer that is kept."""
    # Load: whatever stands against it is said now.
    asked = await _load(tx, account_id, wish, located)

    # Who is to be asked is looked for first: the booking's row, which has every list's indexes, is then written once.
    new = _new_booking(asked, account_id, wish)
    looked = await search.look(tx, new.asked) if _is_plain(tx, new) else None

    # Booking and price, as the preview has them, and what is asked for.
    booking = await bookings.create(tx, new, looked.until if looked else None)
    opened = await charges.open_first(tx, booking, use_wallet=wish.use_wallet, may_owe=asked.found.may_owe)
    booking = opened.booking

    # In the name of an organisation: who has to agree first keeps the time, and is asked below.
    home, waits = asked.found.organisation_id, False
    if home is not None:
        waits = await member_bookings.begin(tx, booking, home, asked.found.program_id)
    if waits:
        booking = await bookings.await_approval(tx, booking)

    # Offer and slot: whoever is asked keeps the time; where nobody is asked yet, anybody who could come does.
    offer = None
    if booking.payment_method != "online" and not waits:
        booking, offer = await search.search(tx, booking, looked)
    if offer is None:
        try:
            await slots.hold_booking(tx, booking)
        except SlotTaken:
            raise _NobodyFree(asked.need, asked.starts_at) from None

    # What else the customer's word changes. The promo's row comes last: it is the one that strangers share.
    if asked.found.lacks_name or (asked.found.lacks_email and wish.contact.email):
        await customers.fill_profile(tx, account_id, wish.contact.name, wish.contact.email)
    if asked.found.billed_to is not None:
        await on_account.charge(tx, booking, new.items)
        if home is not None:
            await member_bookings.take(tx, booking, home, asked.found.program_id, waits=waits)
    if asked.found.promo_code_id is not None:
        await promos.redeem(tx, asked.found.promo_code_id, account_id, booking.id, booking.discount_minor)
    if keep is not None and booking.payment_method != "online":
        await keep(tx, _answer(booking))
    tx.after_commit(CHECKOUTS.labels("booked").inc)
    # Facts and what people are told stand in the transaction's hands by now, and are written as it ends.
    return replace(opened, booking=booking)


def _is_plain(tx: Tx, new: NewBooking) -> bool:
    """Whether somebody can be asked as soon as it is there; whom an organisation prefers is read from its row."""
    return new.organisation_id is None and not new.wait_for_payment and new.auto_assign and new.starts_at > tx.now


@dataclass(frozen=True, slots=True)
class _Asked:
    """A confirm against which nothing stands: what was found, where and when it is to be."""

    found: ForConfirm
    located: Located
    need: Need
    starts_at: datetime


async def _load(tx: Tx, account_id: UUID, wish: Confirmation, located: Located | None) -> _Asked:
    """All that a confirm needs to know, in two statements. Raises whatever stands against it."""
    # Counting comes first: so the confirms of one customer come one after the other and see each other's work.
    wait_s = await _count(tx, str(account_id), "booking_creation")
    found = await rows.for_confirm(
        tx.conn, account_id=account_id, preview_id=wish.preview_id, address_id=wish.address_id
    )
    assert found is not None, "whoever calls has an account"
    if found.booking_id is not None:
        if found.confirmed_as != _fingerprint(wish, found.timezone):
            raise PreviewExpired(
                message="This checkout has become a booking already: find it among your bookings, or begin another.",
                details={"booking_id": str(found.booking_id)},
            )
        raise _Made(found.booking_id)
    if not found.is_live:
        raise PreviewExpired()
    _check_method(found, wish)
    located = located or await _located(tx.services, found)
    _check_terms(tx.services, found, located)
    is_urgent = await programs.is_urgent(tx.conn, found.organisation_id, found.program_id)
    need = checkout.need_of(account_id, located, found.timezone, items_of(found), is_urgent=is_urgent)
    starts_at = free_times.check_start(tx.services, need, wish.booking_date, wish.booking_time)
    if wait_s:
        raise TooManyBookings(retry_after_s=wait_s)
    if wish.payment_method == "online" and (wait_s := await _count(tx, f"customer:{account_id}", "payment")):
        raise TooManyPayments(retry_after_s=wait_s)
    return _Asked(found, located, need, starts_at)


async def _count(tx: Tx, who: str, deed: str) -> float:
    """One more deed within the hour: 0, or how long to wait. What is rolled back was not counted."""
    at_most: int = getattr(tx.services.settings.limits, f"{deed}_per_hour")
    return await quotas.take(tx.conn, f"{deed}:{who}", at_most, HOUR_S)


def _fingerprint(wish: Confirmation, timezone: str) -> bytes:
    """What was confirmed: of two ways to write one moment (on a day when the clocks change) neither is another wish."""
    starts_at = to_utc(wish.booking_date, wish.booking_time, timezone)
    said = [str(wish.address_id), starts_at.isoformat(), wish.payment_method, wish.use_wallet, wish.contact.stored()]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()


async def _located(services: Services, found: ForConfirm) -> Located:
    """The named address on the map. Raises Missing, Invalid, and _Unplaced when somebody outside has to be asked."""
    address = found.address
    if address is None:
        raise Missing("address")
    if address.lat is None or address.lng is None:
        raise _Unplaced(address)
    return await addresses.locate(services, address)


def _check_method(found: ForConfirm, wish: Confirmation) -> None:
    """A price on account is paid on account, and no other is. Raises Invalid."""
    if (wish.payment_method == "account") != (found.billed_to is not None):
        text = "This price is not for this way to pay; prepare the checkout again, with it."
        raise Invalid({"payment_method": text})
    if wish.payment_method == "account" and wish.use_wallet:
        raise Invalid({"use_wallet": "A booking on account is not paid from the wallet."})


def _check_terms(services: Services, found: ForConfirm, located: Located) -> None:
    """Another address than the preview's is fine where the same prices and clocks hold; else Invalid."""
    currency, timezone = checkout.place_terms(services, located)
    zone_id = located.zone.id if located.zone else None
    same_zone = found.zone_id == zone_id or found.preview_address_id is None
    if not same_zone or (currency, timezone) != (found.currency, found.timezone):
        raise Invalid({"address_id": "This address is in another zone than the preview's; prepare the checkout again."})


def items_of(found: ForConfirm) -> tuple[NewItem, ...]:
    """The lines as they were priced."""
    return tuple(
        NewItem(
            UUID(i["service_id"]), i["name"], i["category"], i["tier"], i["quantity"], i["duration_minutes"],
            i["list_price_minor"], i["price_minor"],
        )
        for i in found.items
    )  # fmt: skip


def _new_booking(asked: _Asked, account_id: UUID, wish: Confirmation) -> NewBooking:
    found, located, starts_at = asked.found, asked.located, asked.starts_at
    shown = local(starts_at, found.timezone)
    return NewBooking(
        account_id=account_id, preview_id=wish.preview_id, confirmed_as=_fingerprint(wish, found.timezone),
        address_id=located.address.id, address=snapshot(located), contact=wish.contact.stored(),
        zone_id=located.zone.id if located.zone else None,
        lat=located.lat, lng=located.lng, is_approximate=located.is_approximate, timezone=found.timezone,
        local_date=shown.date(), local_time=shown.time(), starts_at=starts_at,
        duration_minutes=found.duration_minutes, items=items_of(found), payment_method=wish.payment_method,
        currency=found.currency, subtotal_minor=found.subtotal_minor, savings_minor=found.savings_minor,
        discount_minor=found.discount_minor, tax_minor=found.tax_minor,
        grand_total_minor=found.grand_total_minor, promo_code_id=found.promo_code_id, policy_accepted=True,
        wait_for_payment=wish.payment_method == "online",
        organisation_id=found.organisation_id, billed_to=found.billed_to, made_by=wish.made_by,
    )  # fmt: skip


def snapshot(located: Located) -> dict[str, Any]:
    """The address as the booking keeps it, in the contract's words; later changes do not touch it."""
    a = located.address
    return {
        "id": str(a.id), "name": a.label, "address_line1": a.line1, "address_line2": a.line2, "city": a.city,
        "state": a.state, "pincode": a.postal_code, "lat": located.lat, "lng": located.lng,
        "is_approximate": located.is_approximate,
    }  # fmt: skip


def _answer(booking: Booking, payment: dict[str, Any] | None = None) -> Confirmed:
    return Confirmed(
        booking.id, booking.number, booking.status, booking.grand_total_minor, booking.currency,
        booking.payment_method, booking.wallet_minor, booking.outstanding_fee_minor, booking.to_collect_minor,
        booking.collected_minor, payment, booking.next_action == "release_unapproved",
    )  # fmt: skip


async def sweep(tx: Tx) -> int:
    """Forgets previews that ran out a day ago. Returns how many."""
    return await rows.sweep_previews(tx.conn)
