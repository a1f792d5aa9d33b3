"""Intents: what was committed before the gateway was asked, and how each of them comes to its end."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from uuid import UUID

from dispatch.billing import cancelled, captures, charges, payout_sending, refunds, request_links
from dispatch.engine import alerts, bookings, offers
from dispatch.errors import DispatchError
from dispatch.events import SYSTEM
from dispatch.ports.gateway import Gateway, GatewayError, GatewayOrder, GatewayRefund, GatewayRefused
from dispatch.services import Services, Tx
from storage import bookings as booking_rows
from storage import gateway_events as event_rows
from storage import intents as rows
from storage import payments as payment_rows
from storage import refunds as refund_rows
from storage.database.errors import StorageError
from storage.intents import Intent
from storage.payments import Payment

log = logging.getLogger(__name__)

#: Of a try; the same as of an order's first one.
LEASE_S = charges.ORDER_LEASE_S
#: The wait before the first repetition, in seconds; it triples, with jitter, up to so many times itself (15 minutes).
FIRST_WAIT_S = 2.0
LONGEST_WAIT = 450
#: A gateway that says when to come again is believed up to here.
MOST_RETRY_AFTER_S = 60.0
#: When the gateway answers again, what would wait longer is tried within so many seconds.
HURRY_S = 30.0
#: An order that nobody reports on is asked about after so many seconds.
POLL_ORDER_S = 120.0


class Odd(GatewayError):
    """The payment gateway answered something that cannot be true."""

    code = "gateway_odd"


def wait_s(tries_done: int, first_s: float = FIRST_WAIT_S) -> float:
    """Exponential with jitter: 2, 6, 18 s ... 15 minutes, each between half and once and a half of it."""
    times = min(3.0 ** min(tries_done - 1, 20), LONGEST_WAIT)
    return first_s * times * random.uniform(0.5, 1.5)


async def run_now(services: Services, gateway: Gateway, intent_id: UUID, *, first_wait_s: float = FIRST_WAIT_S) -> bool:
    """Takes one try at an intent in the foreground.

    False when another runner has it, or it is not due or over.
    """
    async with services.transaction() as tx:
        intent = await rows.claim(tx.conn, intent_id=intent_id, lease_s=LEASE_S)
    if intent is None:
        return False
    await _try(services, gateway, intent, first_wait_s)
    return True


async def run_due(services: Services, gateway: Gateway, *, first_wait_s: float = FIRST_WAIT_S) -> bool:
    """Takes one try at an intent that is due. False when none is; no connection is held during the call."""
    async with services.transaction() as tx:
        stale = await rows.give_up_stale(tx.conn)
        if stale is not None:
            await _alert(tx, stale, "its last try never ended")
            return True
        intent = await rows.claim_due(tx.conn, lease_s=LEASE_S)
    if intent is None:
        return False
    await _try(services, gateway, intent, first_wait_s)
    return True


async def run_first(
    services: Services, intent: Intent, payment: Payment, booking_number: str, *, first_wait_s: float
) -> str | None:
    """The first try at an order that was claimed as it was written down; the order's id, or None when it failed."""
    made: list[str] = []

    async def order(services: Services, gateway: Gateway, intent: Intent) -> bool:
        made.append(await _make_order(services, gateway, intent, payment, booking_number))
        return True

    await _try(services, services.gateway, intent, first_wait_s, order)
    return made[0] if made else None


async def _try(
    services: Services, gateway: Gateway, intent: Intent, first_wait_s: float, handler: Handler | None = None
) -> None:
    """Runs the intent's handler and writes down how it ended: done, refused, to repeat, or for a person."""
    try:
        is_written = await (handler or HANDLERS[intent.kind])(services, gateway, intent)
    except GatewayRefused as e:
        await _refused(services, intent, str(e))
    except GatewayError as e:
        await _again(services, intent, e, first_wait_s)
    except Exception as e:
        log.exception("an intent's handler failed; its outcome is not known")
        await _again(services, intent, Odd(type(e).__name__), first_wait_s)
    else:
        if not is_written:
            async with services.transaction() as tx:
                await _done(tx, intent)


async def _done(tx: Tx, intent: Intent) -> None:
    await rows.finish(tx.conn, intent_id=intent.id, state="done", error=None)
    if intent.may_have_happened:
        # It had failed before, so somebody may have been told.
        about = _subject(intent) or f"payment:{intent.payment_id}"
        await alerts.resolve(tx, [f"{intent.kind}_review", f"{intent.kind}_refused"], subject=about)
        await hurry(tx)


async def hurry(tx: Tx) -> None:
    """What failed before has worked: all else that waits for the gateway need not wait much longer."""
    await rows.hurry(tx.conn, within_s=HURRY_S)
    await event_rows.hurry(tx.conn, within_s=HURRY_S)


async def _again(services: Services, intent: Intent, error: GatewayError, first_wait_s: float) -> None:
    """Repeats it later, with its old key, until its day is over; then a person has to look."""
    delay_s = max(wait_s(intent.attempts, first_wait_s), min(error.retry_after_s or 0.0, MOST_RETRY_AFTER_S))
    async with services.transaction() as tx:
        if await rows.retry(tx.conn, intent_id=intent.id, error=str(error), delay_s=delay_s):
            return
        if await rows.finish(tx.conn, intent_id=intent.id, state="manual_review", error=str(error)):
            await _alert(tx, intent, str(error))


async def _refused(services: Services, intent: Intent, reason: str) -> None:
    """The gateway said no for good: what was reserved for the call is free again."""
    async with services.transaction() as tx:
        payment = await _payment_behind(tx, intent)
        if payment is not None and payment.booking_id is not None:
            await booking_rows.lock(tx.conn, booking_id=payment.booking_id)
        if not await rows.finish(tx.conn, intent_id=intent.id, state="failed", error=reason):
            return
        if intent.refund_id is not None:
            await refunds.fail(tx, intent.refund_id, reason)
        elif intent.payout_id is not None:
            await payout_sending.refused(tx, intent.payout_id, reason)
        elif intent.kind == "order" and payment is not None:
            await captures.alert(tx, "order_refused", payment, f"The gateway refuses the order: {reason}")
            await _let_go(tx, payment)
        elif intent.kind == "link" and payment is not None:
            await captures.alert(tx, "link_refused", payment, f"The gateway refuses the payment page: {reason}")


async def _let_go(tx: Tx, payment: Payment) -> None:
    """A booking whose order is refused can never be paid: it ends, and its time is free. The caller holds its lock."""
    assert payment.booking_id is not None, "an order is a booking's"
    booking = await booking_rows.get(tx.conn, booking_id=payment.booking_id)
    if booking is not None and booking.status == "pending" and booking.next_action == "release_unpaid":
        held_minor = max(0, await cancelled.held_minor(tx.conn, booking.id))
        await bookings.end(tx, booking, SYSTEM, bookings.REFUSED, refund_minor=held_minor)


async def _payment_behind(tx: Tx, intent: Intent) -> Payment | None:
    payment_id = intent.payment_id
    if intent.refund_id is not None:
        refund = await refund_rows.get(tx.conn, refund_id=intent.refund_id)
        payment_id = refund.payment_id if refund else None
    return await payment_rows.get(tx.conn, payment_id=payment_id) if payment_id else None


async def _alert(tx: Tx, intent: Intent, reason: str) -> None:
    message = f"The {intent.kind} intent {intent.id} needs a person: {reason}"
    payment = await _payment_behind(tx, intent)
    await captures.alert(tx, f"{intent.kind}_review", payment, message, subject=_subject(intent))


def _subject(intent: Intent) -> str | None:
    """What the intent is about, as alerts name it."""
    if intent.refund_id is not None:
        return f"refund:{intent.refund_id}"
    return f"payout:{intent.payout_id}" if intent.payout_id is not None else None


# ---------------------------------------------------------------- one handler per kind


async def _order(services: Services, gateway: Gateway, intent: Intent) -> bool:
    payment = await _payment_of(services, intent)
    if payment is None or payment.gateway_order_id is not None:
        return False
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=payment.booking_id)
    if booking is None or booking.status in ("cancelled", "refunded"):
        return False
    await _make_order(services, gateway, intent, payment, booking.number)
    return True


async def _make_order(
    services: Services, gateway: Gateway, intent: Intent, payment: Payment, booking_number: str
) -> str:
    """The order's id, written down together with the end of its intent."""
    order: GatewayOrder | None = None
    if intent.may_have_happened:
        order = await gateway.find_order_by_receipt(payment.receipt)
    if order is None:
        notes = {"booking_id": str(payment.booking_id), "booking_number": booking_number}
        order = await gateway.create_order(payment.amount_minor, payment.currency, payment.receipt, notes)
    if (order.amount_minor, order.currency, order.receipt) != (
        payment.amount_minor,
        payment.currency,
        payment.receipt,
    ):
        raise Odd(f"The order {order.id} is not the one that was asked for.")
    async with services.transaction() as tx:
        await payment_rows.ordered(tx.conn, payment_id=payment.id, order_id=order.id, poll_s=POLL_ORDER_S)
        await _done(tx, intent)
    return order.id


async def _capture(services: Services, gateway: Gateway, intent: Intent) -> None:
    payment = await _payment_of(services, intent)
    if payment is None or payment.captured_minor or intent.gateway_ref is None:
        return
    if not await _is_wanted(services, payment):
        # Left alone, the gateway gives the money back by itself.
        return
    told = await gateway.fetch_payment(intent.gateway_ref)
    if told.status == "authorized":
        if (told.order_id, told.amount_minor, told.currency) != (
            payment.gateway_order_id, payment.amount_minor, payment.currency,
        ):  # fmt: skip
            raise Odd(f"The payment {told.id} is not about this order, amount and currency.")
        try:
            told = await gateway.capture(told.id, payment.amount_minor, payment.currency)
        except GatewayRefused:
            # Captured by somebody else just now, or too late: the payment itself tells which.
            told = await gateway.fetch_payment(intent.gateway_ref)
    async with services.transaction() as tx:
        if told.status != "authorized":
            await captures.reported(tx, payment, told)
    if told.captured and payment.booking_id is not None:
        await search(services, payment.booking_id)


async def _is_wanted(services: Services, payment: Payment) -> bool:
    """Whether what a payment is for still stands."""
    if payment.booking_id is None:
        return payment.surplus_of is None
    async with services.read() as conn:
        booking = await booking_rows.get(conn, booking_id=payment.booking_id)
    return booking is not None and booking.status not in ("cancelled", "refunded")


async def _refund(services: Services, gateway: Gateway, intent: Intent) -> None:
    async with services.read() as conn:
        refund = await refund_rows.get(conn, refund_id=intent.refund_id)
        payment = await payment_rows.get(conn, payment_id=refund.payment_id) if refund else None
    if refund is None or payment is None or refund.status != "processing" or refund.gateway_refund_id:
        return
    assert payment.gateway_payment_id is not None, "online money has the gateway's id"
    told: GatewayRefund | None = None
    if intent.may_have_happened:
        made = await gateway.list_refunds_of(payment.gateway_payment_id)
        told = next((r for r in made if r.notes.get("refund_id") == str(refund.id)), None)
    if told is None:
        told = await gateway.refund(
            payment.gateway_payment_id, refund.amount_minor, intent.idempotency_key,
            {"refund_id": str(refund.id), "booking_id": str(refund.booking_id or "")},
        )  # fmt: skip
    async with services.transaction() as tx:
        if await refunds.heard(tx, payment, told) is None:
            raise Odd(f"The refund {told.id} is not the one that was asked for.")


async def _payment_of(services: Services, intent: Intent) -> Payment | None:
    async with services.read() as conn:
        return await payment_rows.get(conn, payment_id=intent.payment_id)


async def search(services: Services, booking_id: UUID) -> None:
    """Sends a booking that was just paid on its search; what fails here its timer repeats."""
    try:
        await offers.dispatch_now(services, booking_id)
    except (DispatchError, StorageError):
        log.exception("the search after a payment failed; the timer repeats it")


#: Does it, raising how it failed; says whether the end is written down already, with what it led to.
Handler = Callable[[Services, Gateway, Intent], Awaitable[bool | None]]
HANDLERS: dict[str, Handler] = {
    "order": _order,
    "capture": _capture,
    "refund": _refund,
    "payout": payout_sending.send,
    "link": request_links.make,
}
