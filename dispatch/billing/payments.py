"""Paying online: the gateway's order for a booking, the browser's word that it was paid, how it stands."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import UUID

from dispatch.billing import captures, charges, intents, request_links
from dispatch.billing.charges import Opened
from dispatch.engine import offers
from dispatch.errors import Conflict, DispatchError, Malformed, Missing, Unavailable
from dispatch.ports.gateway import GatewayPayment, GatewayRefused
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import intents as intent_rows
from storage import payments as rows
from storage.bookings import Booking
from storage.customer_bookings import BookingView
from storage.database.errors import StorageError
from storage.database.pool import Conn
from storage.payments import Payment

log = logging.getLogger(__name__)

#: A customer waits so long for the order; it is made all the same when that was too short.
WAIT_FOR_ORDER_S = 3.0
SECOND_TRY_S = 0.3
LOOK_S = 0.1


class InvalidSignature(Malformed):
    """This payment could not be verified."""

    code = "invalid_signature"


class PaymentFailed(Conflict):
    """This payment failed; please pay again."""

    code = "payment_failed"


class OrderClosed(Conflict):
    """This booking is over and cannot be paid any more."""

    code = "order_closed"


class NothingToPay(Conflict):
    """Nothing is to be paid online for this booking."""

    code = "nothing_to_pay"


class OrderRefused(Conflict):
    """This amount cannot be paid online; book again and choose another way to pay."""

    code = "order_refused"


class OrderPending(Unavailable):
    """The payment is being prepared; try again in a moment."""

    code = "order_pending"


@dataclass(frozen=True, slots=True)
class Verified:
    """How the booking stands after a verification."""

    booking_id: UUID
    booking_number: str
    payment_status: str
    booking_status: str


# ---------------------------------------------------------------- the order


async def start(services: Services, booking: Booking, *, use_wallet: bool = False) -> dict[str, Any] | None:
    """Opens the booking's payment, has the gateway make its order, and gives what the checkout page needs.

    The intent is committed before the call and its outcome after it; repeated, it gives the same order, and one
    whose making failed is tried again at once, with its old receipt. None when nothing is left to pay (the wallet
    paid it all). Raises PaymentsNotConfigured, OrderClosed, NothingToPay (it is paid at the door), OrderRefused when
    the gateway will never take it (the booking is over then, and its time free), OrderPending when the gateway does
    not answer now: the order is made later and the same request, repeated, will find it.
    """
    gateway = services.gateway
    async with services.transaction() as tx:
        fresh = await booking_rows.lock(tx.conn, booking_id=booking.id)
        if fresh is None:
            raise Missing("booking")
        if fresh.status in ("cancelled", "refunded"):
            raise await _why_closed(tx, fresh)
        if fresh.payment_method != "online":
            raise NothingToPay()
        payment = await charges.open_payment(tx, fresh, use_wallet=use_wallet)
        if payment is not None and payment.gateway_order_id is None:
            await intent_rows.rearm_order(tx.conn, payment_id=payment.id)
    if payment is None:
        await search(services, booking.id)
        return None
    if payment.gateway_order_id is None:
        payment = await _order(services, payment)
    return block(services, fresh, payment, gateway.key_id)


async def start_new(services: Services, opened: Opened) -> dict[str, Any]:
    """`start` for an online booking that was opened just now: what the gateway's answer leads to is one transaction.

    Raises what `start` raises.
    """
    payment, booking = opened.payment, opened.booking
    assert payment is not None and opened.intent is not None, "something is left to pay online"
    order_id = await intents.run_first(services, opened.intent, payment, booking.number, first_wait_s=SECOND_TRY_S)
    ordered = replace(payment, gateway_order_id=order_id) if order_id else await _order(services, payment)
    return block(services, booking, ordered, services.settings.payments.key_id)


async def _why_closed(tx: Tx, booking: Booking) -> Conflict:
    for payment in await rows.of_booking(tx.conn, booking_id=booking.id):
        intent = await intent_rows.of_payment(tx.conn, payment_id=payment.id, kind="order")
        if intent is not None and intent.state == "failed":
            return OrderRefused()
    return OrderClosed()


async def _order(services: Services, payment: Payment) -> Payment:
    """Has the order made, with a second try while its customer waits.

    Raises OrderRefused, OrderPending after a few seconds.
    """
    end, is_late = time.monotonic() + WAIT_FOR_ORDER_S, False
    while True:
        async with services.read() as conn:
            intent = await intent_rows.of_payment(conn, payment_id=payment.id, kind="order")
            found = await rows.get(conn, payment_id=payment.id)
        if found is not None and found.gateway_order_id is not None:
            return found
        if intent is not None and intent.state == "failed":
            raise OrderRefused()
        # What the last try led to has been read: it counts however long it took.
        if intent is None or intent.state not in ("pending", "running") or is_late:
            raise OrderPending(retry_after_s=3.0)
        was_tried = await intents.run_now(services, services.gateway, intent.id, first_wait_s=SECOND_TRY_S)
        is_late = time.monotonic() > end
        if not was_tried:
            await asyncio.sleep(LOOK_S)


class Payable(Protocol):
    """What of a booking its payment page shows."""

    @property
    def id(self) -> UUID: ...

    @property
    def number(self) -> str: ...

    @property
    def contact(self) -> dict[str, Any]: ...


def block(services: Services, booking: Payable, payment: Payment, key_id: str) -> dict[str, Any]:
    """The contract's payment block: what Razorpay's checkout is opened with. `amount` is in minor units."""
    contact = booking.contact
    return {
        "id": str(payment.id),
        "order_id": payment.gateway_order_id,
        "amount": payment.amount_minor,
        "currency": payment.currency,
        "key": key_id,
        "name": services.settings.brand,
        "description": f"Booking {booking.number}",
        "prefill": {
            "contact": contact.get("phone") or "",
            "email": contact.get("email") or "",
            "name": contact.get("name") or "",
        },
        "notes": {"booking_id": str(booking.id), "booking_number": booking.number},
        "outstanding_fee": payment.dues_minor,
    }


async def open_again(services: Services, account_id: UUID, booking_id: UUID) -> dict[str, Any]:
    """The payment block of an unpaid online booking, for a page that lost it (R100).

    Raises Missing, NothingToPay, and what `start` raises.
    """
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=booking_id)
    if booking is None or booking.account_id != account_id:
        raise Missing("booking")
    if booking.payment_method != "online" or booking.payment_status not in ("pending", "failed"):
        raise NothingToPay()
    found = await start(services, booking)
    if found is None:
        raise NothingToPay()
    return found


async def of_booking(services: Services, conn: Conn, booking: BookingView) -> dict[str, Any]:
    """How a booking is paid: by its own payment if there is one, else only the method.

    As long as it can be paid online, with all that the payment page is opened with.
    """
    found = [p for p in await rows.of_booking(conn, booking_id=booking.id) if p.surplus_of is None]
    # What was captured says more than an attempt beside it.
    found.sort(key=lambda p: (p.captured_minor == 0, p.kind == "wallet"))
    if not found:
        return {"id": None, "payment_method": booking.payment_method, "razorpay_payment_id": None}
    payment = found[0]
    shown: dict[str, Any] = {
        "id": str(payment.id),
        "payment_method": payment.method or booking.payment_method,
        "razorpay_payment_id": payment.gateway_payment_id,
        "razorpay_order_id": payment.gateway_order_id,
        "status": payment.status,
    }
    asked = next((p for p in found if p.kind == "online" and not p.captured_minor), None)
    if asked is not None and booking.status == "pending" and services.settings.payments.is_configured:
        shown |= block(services, booking, asked, services.settings.payments.key_id)
        # With its start at the latest it is released.
        until = min(asked.expires_at or booking.starts_at, booking.starts_at)
        shown |= {"razorpay_order_id": asked.gateway_order_id, "status": asked.status, "expires_at": until}
    return shown


# ---------------------------------------------------------------- verify and status


async def verify(services: Services, account_id: UUID, *, order_id: str, payment_id: str, signature: str) -> Verified:
    """The browser says that it paid. Believed only when the signature over *our* order and the gateway agree.

    Raises Missing (unknown or somebody else's order), InvalidSignature (also when the gateway's payment is
    about another order, amount or currency: that is held for a person), PaymentFailed, GatewayUnknown and its
    kinds.
    """
    gateway = services.gateway
    async with services.read() as conn:
        payment = await rows.find_by_order(conn, order_id=order_id)
    if payment is None or payment.account_id != account_id or payment.booking_id is None:
        raise Missing("order")
    assert payment.gateway_order_id is not None, "it was found by it"
    if not gateway.verify_checkout_signature(payment.gateway_order_id, payment_id, signature):
        raise InvalidSignature()
    if payment.captured_minor and payment.gateway_payment_id == payment_id:
        return await _verified(services, payment.booking_id, payment.id, payment_id)
    try:
        told = await gateway.fetch_payment(payment_id)
    except GatewayRefused as e:
        await _hold(services, payment, f"{payment_id} is signed but the gateway does not know it")
        raise InvalidSignature() from e
    if (told.order_id, told.amount_minor, told.currency) != (
        payment.gateway_order_id, payment.amount_minor, payment.currency,
    ):  # fmt: skip
        await _hold(services, payment, f"{payment_id} is signed but is about another order, amount or currency")
        raise InvalidSignature()
    await _take(services, payment, told)
    if told.status == "failed":
        raise PaymentFailed()
    return await _verified(services, payment.booking_id, payment.id, payment_id)


async def _hold(services: Services, payment: Payment, reason: str) -> None:
    async with services.transaction() as tx:
        await captures.quarantine(tx, payment, reason)


async def _take(services: Services, payment: Payment, told: GatewayPayment) -> None:
    """Books what the gateway told; an authorised payment is captured at once, since its payer waits."""

    async def take(tx: Tx) -> None:
        if told.status == "authorized":
            await captures.authorised(tx, payment, told, delay_s=0.0)
        else:
            await captures.reported(tx, payment, told)

    await services.retrying(take)
    if told.status == "authorized":
        async with services.read() as conn:
            intent = await intent_rows.of_payment(conn, payment_id=payment.id, kind="capture")
        if intent is not None:
            await intents.run_now(services, services.gateway, intent.id)


async def _verified(services: Services, booking_id: UUID, payment_id: UUID, gateway_payment_id: str) -> Verified:
    booking = await search(services, booking_id)
    async with services.read() as conn:
        # Of an order that was paid twice the second payment has a row of its own.
        payment = await rows.find_by_gateway_payment(conn, gateway_payment_id=gateway_payment_id)
        payment = payment or await rows.get(conn, payment_id=payment_id)
    assert payment is not None, "payments stay"
    return Verified(booking_id, booking.number, shown_status(payment), booking.status)


async def search(services: Services, booking_id: UUID) -> Booking:
    """Searches for a technician in the request, so that its answer shows one; the timer repeats a failure."""
    try:
        return await offers.dispatch_now(services, booking_id)
    except (DispatchError, StorageError):
        log.exception("the search after a payment failed; the timer repeats it")
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=booking_id)
    assert booking is not None, "a payment has its booking"
    return booking


async def status(services: Services, account_id: UUID, reference: str) -> Payment:
    """A customer's own payment by its id or by the gateway's order id (C69).

    Raises Missing, PaymentsNotConfigured.
    """
    services.require_gateway()
    async with services.read() as conn:
        if reference.startswith("order_"):
            payment = await rows.find_by_order(conn, order_id=reference)
        else:
            try:
                payment = await rows.get(conn, payment_id=UUID(reference))
            except ValueError:
                payment = None
    if payment is None or payment.account_id != account_id:
        raise Missing("payment")
    return payment


def shown_status(payment: Payment) -> str:
    """The contract's words (R102): one whose order is not made yet is pending too, and one of which all goes back
    is refunded as soon as that is sure.
    """
    if payment.status == "created":
        return "pending"
    goes_back = payment.captured_minor and (payment.surplus_of is not None or not payment.refundable_minor)
    return "refunded" if goes_back else payment.status


# ---------------------------------------------------------------- asking the gateway


async def look(services: Services, payment_id: UUID) -> None:
    """Asks the gateway what became of an order and books it: for a payment of which no webhook ever told.

    Raises GatewayError. A no-op when the payment has no order yet.
    """
    async with services.read() as conn:
        payment = await rows.get(conn, payment_id=payment_id)
    if payment is not None and payment.gateway_order_id is None and payment.payee_id is not None:
        payment = await request_links.with_order(services, payment)
    if payment is None or payment.gateway_order_id is None:
        return
    tries = await services.gateway.fetch_order_payments(payment.gateway_order_id)
    # Captured ones first, in the order in which they were made, so that everybody agrees on the surplus.
    for told in sorted(tries, key=lambda t: (not t.captured, t.created_at, t.id)):
        async with services.transaction() as tx:
            await book(tx, payment, told)
        if told.captured and payment.booking_id is not None:
            await search(services, payment.booking_id)


async def book(tx: Tx, payment: Payment, told: GatewayPayment) -> None:
    """The same for one payment that was fetched already."""
    await captures.reported(tx, payment, told)
