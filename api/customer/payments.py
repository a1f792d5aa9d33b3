"""Paying: the browser's word that it paid, how a payment stands, the gateway's webhook, and the wallet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import StringConstraints

from api.audiences import Customer, customer
from api.edge.limits import PAYMENT
from api.edge.request_info import RequestInfo
from api.shared.objects import PaymentObject
from api.wire.listing import Grammar, Listing
from api.wire.models import Body, Money, View
from api.wire.results import Bare, PageWith, Reply
from dispatch.billing import gateway_events, payments, wallet
from dispatch.services import Services
from storage.ledger import Entry

#: Ids and signatures as the gateway gives them (the contract's limit).
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
SIGNATURE = "X-Razorpay-Signature"


class VerifyIn(Body):
    razorpay_order_id: Word
    razorpay_payment_id: Word
    razorpay_signature: Word


class OrderIn(Body):
    booking_id: UUID


class VerifiedOut(View):
    booking_id: UUID
    booking_number: str
    payment_status: str
    booking_status: str


class PaymentOut(View):
    payment_id: UUID
    status: str
    amount: Money
    currency: str
    payment_method: str | None
    razorpay_order_id: str | None
    razorpay_payment_id: str | None
    refunded_amount: Money
    failure_reason: str | None
    created_at: datetime


class EntryOut(View):
    id: int
    type: str
    category: str
    amount: Money
    currency: str
    booking_id: UUID | None
    booking_number: str | None
    description: str | None
    created_at: datetime


def _natural_key(body: VerifyIn) -> str:
    return body.razorpay_payment_id


@customer.route(
    "POST", "/payments/verify", quota=PAYMENT, idempotency=_natural_key, tags=["payments"]
)  # fmt: skip
async def verify_payment(services: Services, caller: Customer, body: VerifyIn) -> Reply[VerifiedOut]:
    """Verify a payment that the checkout page reported; a technician is searched for before the answer.

    `pending` is how it stands just now: what becomes of it is read at `/payments/{id}/status`, by the order's id, which
    is not counted; asking again with the same ids is.
    """
    done = await payments.verify(
        services, caller.account_id, order_id=body.razorpay_order_id, payment_id=body.razorpay_payment_id,
        signature=body.razorpay_signature,
    )  # fmt: skip
    shown = VerifiedOut(
        booking_id=done.booking_id, booking_number=done.booking_number, payment_status=done.payment_status,
        booking_status=done.booking_status,
    )  # fmt: skip
    return Reply(shown, is_final=done.payment_status != "pending")


@customer.route("POST", "/payments/create-order", tags=["payments"])
async def create_order(services: Services, caller: Customer, body: OrderIn) -> PaymentObject:
    """What the payment page of an unpaid online booking is opened with, also from a fresh page."""
    return cast(PaymentObject, await payments.open_again(services, caller.account_id, body.booking_id))


@customer.route("GET", "/payments/{id}/status", tags=["payments"])
async def payment_status(services: Services, caller: Customer, id: str) -> PaymentOut:
    """How a payment stands, by its own id or by the gateway's order id."""
    found = await payments.status(services, caller.account_id, id)
    return PaymentOut(
        payment_id=found.id, status=payments.shown_status(found), amount=found.amount_minor,
        currency=found.currency, payment_method=found.method, razorpay_order_id=found.gateway_order_id,
        razorpay_payment_id=found.gateway_payment_id, refunded_amount=found.refunded_minor,
        failure_reason=found.failure_reason, created_at=found.created_at,
    )  # fmt: skip


async def _admit_signed(services: Services, info: RequestInfo, caller: None, path: Mapping[str, Any]) -> None:
    gateway_events.check_head(services, info.headers.get(SIGNATURE))


@customer.route(
    "POST", "/payments/webhook", public=True, limited=False, body_limit=gateway_events.MAX_BODY_BYTES,
    admit=_admit_signed, tags=["payments"],
)  # fmt: skip
async def payment_webhook(services: Services, request_info: RequestInfo, raw_body: bytes) -> Bare[dict[str, Any]]:
    """The gateway's events: verified on the raw body, stored, answered; worked on afterwards."""
    headers = request_info.headers
    signature, event_id = headers.get(SIGNATURE), headers.get("X-Razorpay-Event-Id")
    await gateway_events.receive(services, raw_body, signature, event_id)
    return Bare({"success": True})


class BalanceOut(View):
    currency: str
    balance: Money


class WalletOut(BalanceOut):
    """What the wallet holds: in the house's currency, and in each."""

    balances: list[BalanceOut]


ENTRIES = Grammar(
    key="entries", source=wallet.LIST, filters={"type": Literal["credit", "debit"], "currency": str}
)  # fmt: skip


@customer.route("GET", "/wallet", listing=ENTRIES, tags=["payments"])
async def my_wallet(services: Services, caller: Customer, listing: Listing) -> PageWith[EntryOut, WalletOut]:
    """What the wallet holds, and what came in and went out, newest first."""
    async with services.read() as conn:
        held = await wallet.balances(conn, caller.account_id)
        found = await wallet.entries(conn, caller.account_id, listing.wanted)
    currency = services.settings.currency
    balances = [BalanceOut(currency=c, balance=b) for c, b in sorted(held.items())]
    return PageWith.among(
        found, _entry_out, WalletOut(currency=currency, balance=held.get(currency, 0), balances=balances)
    )


def _entry_out(entry: Entry) -> EntryOut:
    return EntryOut(
        id=entry.id, type=entry.side, category=entry.kind,
        amount=abs(entry.amount_minor), currency=entry.currency, booking_id=entry.booking_id,
        booking_number=entry.booking_number, description=entry.description, created_at=entry.at,
    )  # fmt: skip
