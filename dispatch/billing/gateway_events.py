"""The gateway's webhooks: verified on the raw bytes, stored before they are answered, worked on later."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson

from dispatch.adapters.razorpay import wire as wire
from dispatch.billing import captures, disputes, intents, pages, payout_sending, provider_requests, refunds
from dispatch.billing import gateway_words as words
from dispatch.engine import alerts
from dispatch.errors import DispatchError, Malformed
from dispatch.ports.gateway import Gateway, GatewayPayment, GatewayRefund, GatewayRefused
from dispatch.services import Services
from storage import gateway_events as rows
from storage import page_payments as page_rows
from storage import payments as payment_rows
from storage import payouts as payout_rows
from storage.database.errors import StorageError
from storage.gateway_events import DueEvent
from storage.payments import Payment

log = logging.getLogger(__name__)

#: The hint that wakes the worker of this node.
MONEY_DUE = "money.due"
MAX_BODY_BYTES = 64 * 1024
#: What a word is worth after this time: nothing but a reason to ask.
TRUSTED_FOR = timedelta(hours=48)
LEASE_S = 60.0


class BadSignature(Malformed):
    """The signature of this webhook is not valid."""

    code = "invalid_signature"


class BadWebhook(Malformed):
    """This is not a webhook of the payment gateway."""

    code = "bad_webhook"


class NeedsPerson(Exception):
    """Repeating would not help: somebody has to look at this event."""


class NotOurs(NeedsPerson):
    """The event is about money of another shop at the same gateway account: a note, and nobody's work."""


#: How a gateway says that it has no such thing.
NO_SUCH = (400, 404)
#: The alert of an event that waits for a person.
REVIEW = "gateway_event_review"


# ---------------------------------------------------------------- receiving


def check_head(services: Services, signature: str | None) -> None:
    """What is known of a webhook before it is read. Raises PaymentsNotConfigured, and BadSignature without any."""
    services.require_gateway()
    if not signature:
        raise BadSignature()


async def receive(services: Services, raw: bytes, signature: str | None, event_id: str | None) -> bool:
    """Stores a webhook once; what it says is worked on later. False when it had been stored before.

    Deduplicated on the event's id, on the bytes and on what it says, because the signature covers only the
    bytes. Raises PaymentsNotConfigured, BadSignature, BadWebhook.
    """
    gateway = services.gateway
    if len(raw) > MAX_BODY_BYTES:
        raise BadWebhook("This webhook is larger than 64 KiB.")
    config = services.settings.payments
    secrets = [config.webhook_secret.get_secret_value(), config.previous_webhook_secret.get_secret_value()]
    if not signature or not gateway.verify_webhook(raw, signature, secrets):
        raise BadSignature()
    event = _read(raw)
    kind, payload = event["event"], event["payload"]
    sent_at = words.moment(event.get("created_at"))
    async with services.transaction() as tx:
        stored = await rows.store(
            tx.conn, event_id=words.event_id(event_id), body_sha256=hashlib.sha256(raw).digest(),
            natural_key=words.natural_key(kind, payload), event_type=kind, account=words.text(event.get("account_id")),
            order_id=words.named(payload, "order") or words.named(payload, "payment", "order_id"),
            payment_id=words.named(payload, "payment") or words.named(payload, "refund", "payment_id")
            or words.named(payload, "dispute", "payment_id"),
            payload=words.impersonal(payload), signature=signature[: words.MOST_CHARS], sent_at=sent_at,
            needs_review=False, error=None,
        )  # fmt: skip
        if stored is not None:
            tx.hint(MONEY_DUE, {})
    return stored is not None


def _read(raw: bytes) -> dict[str, Any]:
    try:
        # A null character is JSON but no text for the database.
        event = orjson.loads(raw.replace(b"\\u0000", b""))
    except orjson.JSONDecodeError as e:
        raise BadWebhook() from e
    if not isinstance(event, dict) or not isinstance(event.get("payload"), dict):
        raise BadWebhook()
    if not isinstance(event.get("event"), str) or not 0 < len(event["event"]) <= words.MOST_CHARS:
        raise BadWebhook()
    return event


# ---------------------------------------------------------------- working


async def work_due(services: Services, gateway: Gateway, *, first_wait_s: float = intents.FIRST_WAIT_S) -> bool:
    """Works on one event that is due.

    False when none is; no connection is held while the gateway is asked.
    """
    async with services.transaction() as tx:
        event = await rows.claim_due(tx.conn)
        if event is None:
            return False
        await rows.lease(tx.conn, event_row_id=event.id, lease_s=LEASE_S)
    try:
        note = await _handle(services, gateway, event)
    except NotOurs as e:
        # A gateway's account may be shared: what others earn there is a note, and nobody's alarm.
        async with services.transaction() as tx:
            await rows.processed(tx.conn, event_row_id=event.id, note=f"not ours: {e}")
    except (NeedsPerson, GatewayRefused) as e:
        await _review(services, event, str(e))
    except (DispatchError, StorageError) as e:
        await _later(services, event, str(e), first_wait_s)
    except Exception as e:
        log.exception("a gateway event failed")
        await _later(services, event, type(e).__name__, first_wait_s)
    else:
        async with services.transaction() as tx:
            await rows.processed(tx.conn, event_row_id=event.id, note=note)
            await alerts.resolve(tx, [REVIEW], subject=f"gateway_event:{event.id}")
            if event.retry_count:
                await intents.hurry(tx)
    return True


async def _later(services: Services, event: DueEvent, error: str, first_wait_s: float) -> None:
    """Repeats it later, until its day is over; then a person has to look."""
    delay_s = intents.wait_s(event.retry_count + 1, first_wait_s)
    async with services.transaction() as tx:
        if await rows.retry(tx.conn, event_row_id=event.id, error=error, delay_s=delay_s):
            return
    await _review(services, event, error)


async def _review(services: Services, event: DueEvent, error: str) -> None:
    async with services.transaction() as tx:
        await rows.review(tx.conn, event_row_id=event.id, error=error)
        payment = None
        if event.payment_id:
            payment = await payment_rows.find_by_gateway_payment(tx.conn, gateway_payment_id=event.payment_id)
        await alerts.raise_alert(
            tx, REVIEW, f"The gateway's event {event.event_type} needs a person: {error}",
            booking_id=payment.booking_id if payment else None, subject=f"gateway_event:{event.id}",
        )  # fmt: skip


async def _handle(services: Services, gateway: Gateway, event: DueEvent) -> str | None:
    handler = HANDLERS.get(event.event_type)
    if handler is None and event.event_type.startswith("payout."):
        handler = _payout
    if handler is None and event.event_type.startswith(words.DISPUTE):
        handler = _dispute
    if handler is None:
        return "not of interest"
    return await handler(services, gateway, event)


def is_trusted(event: DueEvent) -> bool:
    """Whether the payload's own words may be acted on; else they only say what to ask for."""
    return event.sent_at is not None and event.created_at - event.sent_at <= TRUSTED_FOR


async def _payment(services: Services, gateway: Gateway, event: DueEvent) -> str | None:
    told = await _told(gateway, event)
    payment = await owner_of(services, gateway, told)
    async with services.transaction() as tx:
        outcome = await captures.reported(tx, payment, told)
    if outcome is captures.Outcome.PAID and payment.booking_id is not None:
        await intents.search(services, payment.booking_id)
    return outcome.value if outcome else None


async def _told(gateway: Gateway, event: DueEvent) -> GatewayPayment:
    """The payment as the event has it, or as the gateway has it when the event is old or incomplete."""
    if is_trusted(event):
        try:
            return wire.payment_of(words.entity_of(event.payload, "payment"))
        except wire.Garbled:
            pass
    if event.payment_id:
        return await gateway.fetch_payment(event.payment_id)
    if event.order_id:
        tries = await gateway.fetch_order_payments(event.order_id)
        paid = sorted((t for t in tries if t.captured), key=lambda t: (t.created_at, t.id))
        if paid:
            return paid[0]
    raise NeedsPerson("the event names no payment")


async def owner_of(services: Services, gateway: Gateway, told: GatewayPayment) -> Payment:
    """Our payment that a gateway's payment belongs to; raises NeedsPerson when there is none.

    An order whose id we never learnt, because the answer to making it was lost, is known by its receipt.
    """
    if told.order_id is None:
        raise NotOurs(f"{told.id} belongs to no order")
    async with services.read() as conn:
        payment = await payment_rows.find_by_order(conn, order_id=told.order_id)
    if payment is not None:
        return payment
    try:
        order = await gateway.fetch_order(told.order_id)
    except GatewayRefused as e:
        if e.status not in NO_SUCH:
            raise
        raise NotOurs(f"{told.order_id} is not one of our orders") from e
    async with services.transaction() as tx:
        payment = await payment_rows.find_by_receipt(tx.conn, receipt=order.receipt or "")
        if payment is None:
            raise NotOurs(f"{told.order_id} is not one of our orders")
        await payment_rows.ordered(tx.conn, payment_id=payment.id, order_id=order.id, poll_s=intents.POLL_ORDER_S)
        payment = await payment_rows.get(tx.conn, payment_id=payment.id)
    assert payment is not None, "found just now"
    return payment


async def _refund(services: Services, gateway: Gateway, event: DueEvent) -> str | None:
    taken = [await take_refund(services, gateway, told) for told in await _told_refunds(gateway, event)]
    return None if all(taken) else "the gateway gave back what it never captured"


async def _told_refunds(gateway: Gateway, event: DueEvent) -> list[GatewayRefund]:
    refund_id = words.named(event.payload, "refund")
    if refund_id is None:
        # The seed's name `payment.refunded` may come with nothing but the payment.
        if not event.payment_id:
            raise NeedsPerson("the event names no refund")
        return await gateway.list_refunds_of(event.payment_id)
    if is_trusted(event):
        try:
            told = wire.refund_of(words.entity_of(event.payload, "refund"))
        except wire.Garbled:
            pass
        else:
            if told.status != "failed":
                return [told]
    # That a refund failed frees money: such a word is always checked.
    return [await gateway.fetch_refund(refund_id)]


async def take_refund(services: Services, gateway: Gateway, told: GatewayRefund) -> bool:
    """Books what the gateway says about a refund, after the capture that it presupposes. Raises NeedsPerson.

    False when there is nothing to book: an authorised payment that was never captured was given back.
    """
    async with services.read() as conn:
        payment = await payment_rows.find_by_gateway_payment(conn, gateway_payment_id=told.payment_id)
    if payment is None or not payment.captured_minor:
        paid = await gateway.fetch_payment(told.payment_id)
        if not paid.captured:
            return False
        try:
            owner = await owner_of(services, gateway, paid)
        except NotOurs:
            if await _gave_back_at_page(services, gateway, paid, told):
                return True
            raise
        async with services.transaction() as tx:
            if await captures.gone(tx, owner, paid):
                return True
            await captures.reported(tx, owner, paid)
            payment = await payment_rows.find_by_gateway_payment(tx.conn, gateway_payment_id=told.payment_id)
        if payment is None or not payment.captured_minor:
            raise NeedsPerson(f"{told.id} refunds a payment that was not captured")
    async with services.transaction() as tx:
        if await refunds.heard(tx, payment, told) is None:
            raise NeedsPerson(f"{told.id} does not fit payment {payment.id}")
    return True


async def _gave_back_at_page(
    services: Services, gateway: Gateway, paid: GatewayPayment, told: GatewayRefund
) -> bool:
    try:
        return await pages.gave_back(services, gateway, paid, told)
    except pages.NotWhole as e:
        raise NeedsPerson(str(e)) from e


async def _link(services: Services, gateway: Gateway, event: DueEvent) -> str | None:
    """What became of a page for an invoice or a bill: the gateway is asked, the event only says of what.

    That providers' requests are paid is known by their payments; whose page has run out gets another one.
    """
    link_id = words.named(event.payload, "payment_link")
    if link_id is None:
        raise NeedsPerson("the event names no link")
    reference = str(words.entity_of(event.payload, "payment_link").get("reference_id"))
    ours = await pages.owner_of(services, link_id=link_id, reference=reference)
    if ours is not None:
        await pages.settle(services, ours, await gateway.fetch_payment_link(link_id))
        return None
    if event.event_type != "payment_link.expired" or not await _is_expired(gateway, link_id):
        return "not of interest"
    async with services.transaction() as tx:
        is_open = await provider_requests.page_expired(tx, link_id)
    return None if is_open else "nobody waits at this page"


async def _is_expired(gateway: Gateway, link_id: str) -> bool:
    """Of a page of somebody else's the gateway may know nothing."""
    try:
        return (await gateway.fetch_payment_link(link_id)).status == "expired"
    except GatewayRefused as e:
        if e.status not in NO_SUCH:
            raise
        return False


async def _payout(services: Services, gateway: Gateway, event: DueEvent) -> str | None:
    payout_id = words.named(event.payload, "payout")
    if payout_id is None:
        raise NeedsPerson("the event names no payout")
    try:
        told = wire.payout_of(words.entity_of(event.payload, "payout"))
    except wire.Garbled:
        told = None
    if told is None or not is_trusted(event) or told.status in payout_sending.FAILED:
        told = await gateway.fetch_payout(payout_id)
    async with services.transaction() as tx:
        ours = await payout_rows.find_by_gateway_id(tx.conn, gateway_payout_id=told.id)
        if ours is None:
            try:
                ours = UUID(told.notes.get("payout_id", ""))
            except ValueError:
                raise NotOurs(f"{told.id} is not one of our payouts") from None
        await payout_sending.heard(tx, ours, told)
    return None


async def _dispute(services: Services, gateway: Gateway, event: DueEvent) -> str | None:
    """By the event's own words, however old: a dispute only ever ends, and the gateway is asked of payments alone."""
    try:
        told = wire.dispute_of(words.entity_of(event.payload, "dispute"))
    except wire.Garbled as e:
        raise NeedsPerson(str(e)) from e
    payment, page = await _disputed(services, told.payment_id)
    if payment is None and page is None:
        # The word of its capture was lost.
        paid = await gateway.fetch_payment(told.payment_id)
        owner = await owner_of(services, gateway, paid)
        async with services.transaction() as tx:
            await captures.reported(tx, owner, paid)
        payment, page = await _disputed(services, told.payment_id)
        if payment is None:
            raise NeedsPerson(f"{told.id} is about a payment that was not captured")
    async with services.transaction() as tx:
        if not await disputes.heard(tx, told, payment, page):
            raise NeedsPerson(f"{told.id} took more than payment {told.payment_id} held: some of it went back twice")
    return None


async def _disputed(services: Services, gateway_payment_id: str) -> tuple[Payment | None, UUID | None]:
    """Our payment, or the page at which it came in."""
    async with services.read() as conn:
        payment = await payment_rows.find_by_gateway_payment(conn, gateway_payment_id=gateway_payment_id)
        return payment, None if payment else await page_rows.owner_of(conn, gateway_payment_id=gateway_payment_id)


Handler = Callable[[Services, Gateway, DueEvent], Awaitable[str | None]]
HANDLERS: dict[str, Handler] = {
    "payment.authorized": _payment,
    "payment.captured": _payment,
    "payment.failed": _payment,
    "order.paid": _payment,
    "refund.created": _refund,
    "refund.processed": _refund,
    "refund.failed": _refund,
    "payment.refunded": _refund,
    "payment_link.paid": _link,
    "payment_link.cancelled": _link,
    "payment_link.expired": _link,
}
