"""Payment requests of providers: asked of a customer, paid at the gateway's page, changed or called off before that."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from dispatch.billing import intents, provider_transactions, request_links, request_payments
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.errors import Conflict, Invalid, Missing, Unavailable
from dispatch.reports.formats import amount_text
from dispatch.services import Services, Tx
from storage import intents as intent_rows
from storage import payment_requests as rows
from storage import payments as payment_rows
from storage import provider_transactions as transaction_rows
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.payment_requests import PaymentRequest
from storage.provider_customers import Customer
from storage.providers import Provider

METHODS = ("wallet", "credit_card", "bank_transfer", "paypal", "cash", "link")
#: What the gateway makes a page for at least, in minor units.
LEAST_MINOR = 100
#: Whoever asks for a page waits so long for it; it is made all the same when that was too short.
WAIT_S, LOOK_S = 3.0, 0.1
_CODE_BYTES = 12


class RequestClosed(Conflict):
    """This payment request is paid or called off."""

    code = "request_closed"


class NotInCash(Conflict):
    """A request that is paid in cash has no payment page."""

    code = "paid_in_cash"


class PageRefused(Conflict):
    """This cannot be paid at a page just now: the payment gateway refuses to make one. Ask whom you want to pay."""

    code = "page_refused"


class PagePending(Unavailable):
    """The payment page is being prepared; try again in a moment."""

    code = "page_pending"


class PaidAtAPage(Conflict):
    """This request is paid at its page; only what is asked for in cash can be received by hand."""

    code = "not_in_cash"


@dataclass(frozen=True, slots=True)
class NewRequest:
    """`purpose` says what waits for the money beside the wallet, `purpose_id` which one.

    `renews_days`: so long a subscription goes on once it is paid.
    """

    customer: Customer
    amount_minor: int
    currency: str
    method: str
    description: str | None = None
    due_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    purpose: str = "request"
    purpose_id: UUID | None = None
    link_id: UUID | None = None
    redirect_url: str | None = None
    category: str = "payment_received"
    renews_days: int | None = None


async def create(services: Services, provider: Provider, new: NewRequest) -> PaymentRequest:
    """Asks a customer for an amount, with the gateway's page where there is a gateway and it answers now.

    A page that could not be made at once is made later and stands on the request then. Raises Invalid (amount).
    """
    async with services.transaction() as tx:
        made = await open_request(tx, provider, new)
    return await with_page(services, made)


async def open_request(tx: Tx, provider: Provider, new: NewRequest) -> PaymentRequest:
    """The request itself, within a transaction; `with_page` afterwards asks for its page at once. Raises Invalid."""
    _check_amount(new.amount_minor, new.currency)
    request_id, reference = uuid4(), f"PAY-{secrets.token_hex(6).upper()}"
    line = await provider_transactions.add(tx, NewTransaction(
        provider.id, "credit", new.category, "pending", new.amount_minor, new.currency, reference, new.method,
        new.customer, new.description, metadata=new.metadata,
    ))  # fmt: skip
    assert line is not None, "references are not given twice"
    payment_id = None
    if new.method != "cash" and tx.services.settings.payments.is_configured:
        payment_id = await _ask(tx, provider.id, new.customer.account_id, new.amount_minor, new.currency)
    await rows.insert(
        tx.conn, id=request_id, provider_id=provider.id, customer_id=new.customer.id, transaction_id=line.id,
        payment_id=payment_id, link_id=new.link_id, purpose=new.purpose, purpose_id=new.purpose_id, method=new.method,
        amount_minor=new.amount_minor, currency=new.currency, reference=reference,
        code=secrets.token_urlsafe(_CODE_BYTES), description=new.description, due_at=new.due_at,
        metadata=dict(new.metadata), renews_days=new.renews_days, redirect_url=new.redirect_url,
    )  # fmt: skip
    return await _get(tx.conn, provider.id, request_id)


def _check_amount(amount_minor: int, currency: str) -> None:
    if amount_minor < LEAST_MINOR:
        raise Invalid({"amount": f"must be at least {amount_text(LEAST_MINOR, currency)}"})


def too_little(amount_minor: int | None, currency: str) -> str | None:
    """What is wrong with an amount that may be nothing, but not less than what a page is made for."""
    if amount_minor is None or amount_minor == 0 or amount_minor >= LEAST_MINOR:
        return None
    return f"must be nothing, or at least {amount_text(LEAST_MINOR, currency)}"


async def with_page(services: Services, request: PaymentRequest) -> PaymentRequest:
    """The request with its page, if the gateway gives one within a few seconds.

    One that it has refused is tried once more: the reason may be gone.
    """
    end = time.monotonic() + WAIT_S
    await _ask_again(services, request)
    while request.payment_id is not None and request.url is None and request.status == "pending":
        async with services.read() as conn:
            intent = await intent_rows.of_payment(conn, payment_id=request.payment_id, kind="link")
        is_open = intent is not None and intent.state in ("pending", "running")
        has_tried = intent is not None and is_open and await intents.run_now(services, services.gateway, intent.id)
        # Read after the intent: one that is over by now has left its page behind.
        async with services.read() as conn:
            request = await _get(conn, request.provider_id, request.id)
        if not is_open or time.monotonic() > end:
            break
        if not has_tried and request.url is None:
            # Somebody else is asking just now.
            await asyncio.sleep(LOOK_S)
    return request


async def _ask_again(services: Services, request: PaymentRequest) -> None:
    if request.payment_id is None or request.url is not None or request.status != "pending":
        return
    async with services.read() as conn:
        intent = await intent_rows.of_payment(conn, payment_id=request.payment_id, kind="link")
    if intent is not None and intent.state in ("failed", "manual_review"):
        async with services.transaction() as tx:
            await intent_rows.rearm_link(tx.conn, intent_id=intent.id)


async def page_of(services: Services, request: PaymentRequest) -> PaymentRequest:
    """The same for whoever wants to pay now. Raises PagePending, PageRefused."""
    request = await with_page(services, request)
    if request.url is not None:
        return request
    async with services.read() as conn:
        intent = await intent_rows.of_payment(conn, payment_id=request.payment_id, kind="link")
    if intent is not None and intent.state == "failed":
        raise PageRefused
    raise PagePending(retry_after_s=3.0)


async def _ask(tx: Tx, provider_id: UUID, account_id: UUID, amount_minor: int, currency: str) -> UUID:
    """A payment, and the intent to have its page made."""
    payment_id = uuid4()
    await payment_rows.insert_request(
        tx.conn, payment_id=payment_id, account_id=account_id, currency=currency, amount_minor=amount_minor,
        receipt=f"PQ-{payment_id.hex}", payee_id=provider_id,
    )  # fmt: skip
    await intent_rows.insert(
        tx.conn, kind="link", payment_id=payment_id, refund_id=None, payout_id=None, gateway_ref=None,
        idempotency_key=f"link-{payment_id.hex}", delay_s=0.0,
    )  # fmt: skip
    return payment_id


@dataclass(frozen=True, slots=True)
class Change:
    """What of an open request changes; None stays."""

    amount_minor: int | None = None
    method: str | None = None
    description: str | None = None
    due_at: datetime | None = None
    metadata: Mapping[str, Any] | None = None


async def change(services: Services, provider_id: UUID, request_id: UUID, what: Change) -> PaymentRequest:
    """Changes a request that is open; another amount gets another page, and the old one is closed.

    Raises Missing, RequestClosed, Invalid.
    """
    before: PaymentRequest | None = None
    async with services.transaction() as tx:
        request = await lock(tx, provider_id, request_id)
        if request.status != "pending":
            raise RequestClosed
        method = what.method or request.method
        metadata = dict(what.metadata) if what.metadata is not None else None
        await rows.change(
            tx.conn, id=request_id, description=what.description, due_at=what.due_at, method=method, metadata=metadata
        )
        amount = what.amount_minor or request.amount_minor
        await transaction_rows.change(
            tx.conn, id=request.transaction_id, method=method, description=what.description, amount_minor=amount
        )
        needs_page = method != "cash" and services.settings.payments.is_configured
        if amount != request.amount_minor or needs_page != (request.payment_id is not None):
            before = request
            await _reprice(tx, request, amount, needs_page)
        changed = await _get(tx.conn, provider_id, request_id)
    if before is not None:
        await request_links.close(services, before.gateway_link_id)
    return await with_page(services, changed)


async def _reprice(tx: Tx, request: PaymentRequest, amount_minor: int, needs_page: bool) -> None:
    _check_amount(amount_minor, request.currency)
    payment_id = None
    if needs_page:
        payment_id = await _ask(tx, request.provider_id, request.account_id, amount_minor, request.currency)
    await rows.reprice(tx.conn, id=request.id, amount_minor=amount_minor, payment_id=payment_id)
    await _give_up(tx, request, payment_id)


async def page_expired(tx: Tx, gateway_link_id: str) -> bool:
    """The gateway's page has run out while its request is open: another one is made. False: nobody waits at it."""
    request = await rows.lock_of_link(tx.conn, gateway_link_id=gateway_link_id)
    if request is None or request.status != "pending":
        return False
    await _reprice(tx, request, request.amount_minor, True)
    return True


async def _give_up(tx: Tx, request: PaymentRequest, instead: UUID | None) -> None:
    """The payment of a request is not wanted any more: should it come all the same, it goes back by itself."""
    if request.payment_id is not None:
        await payment_rows.supersede(tx.conn, payment_id=request.payment_id, by_id=instead or request.payment_id)
        await intent_rows.expire(tx.conn, payment_id=request.payment_id)


async def cancel(services: Services, provider_id: UUID, request_id: UUID) -> PaymentRequest:
    """Calls a request off; repeated, it changes nothing. Raises Missing, RequestClosed (it is paid)."""
    async with services.transaction() as tx:
        request = await lock(tx, provider_id, request_id)
        is_open = request.status == "pending"
        if request.status == "paid":
            raise RequestClosed
        if is_open:
            await call_off(tx, request)
        found = await _get(tx.conn, provider_id, request_id)
    if is_open:
        await request_links.close(services, request.gateway_link_id)
    return found


async def receive(tx: Tx, provider_id: UUID, request_id: UUID) -> PaymentRequest:
    """The provider says that the cash is there; repeated, it changes nothing.

    Raises Missing, PaidAtAPage, RequestClosed.
    """
    request = await lock(tx, provider_id, request_id)
    if request.method != "cash":
        raise PaidAtAPage
    if request.status == "cancelled":
        raise RequestClosed
    if request.status == "pending":
        await request_payments.received(tx, request)
    return await _get(tx.conn, provider_id, request_id)


async def call_off(tx: Tx, request: PaymentRequest) -> bool:
    """The calling off itself; the caller holds the request's lock and closes its page after the commit.

    False: it was paid or called off before, and nothing changes.
    """
    if not await rows.cancel(tx.conn, id=request.id):
        return False
    await provider_transactions.move(tx, request.transaction_id, "cancel")
    await _give_up(tx, request, None)
    return True


# ---------------------------------------------------------------- reading

#: A provider's payment requests, as a list.
LIST = rows.of_provider


async def page(conn: Conn, provider_id: UUID, wanted: Wanted) -> Slice[PaymentRequest]:
    return await rows.of_provider.page(conn, wanted, provider_id=provider_id)


async def get(conn: Conn, provider_id: UUID, request_id: UUID) -> PaymentRequest:
    """Raises Missing."""
    return await _get(conn, provider_id, request_id)


async def lock(tx: Tx, provider_id: UUID, request_id: UUID) -> PaymentRequest:
    """Raises Missing."""
    found = await rows.lock(tx.conn, id=request_id, provider_id=provider_id)
    if found is None:
        raise Missing("payment request")
    return found


async def _get(conn: Conn, provider_id: UUID, request_id: UUID) -> PaymentRequest:
    found = await rows.get(conn, id=request_id, provider_id=provider_id)
    if found is None:
        raise Missing("payment request")
    return found
