"""What billing needs from a payment gateway: the calls, what they return, and the three ways they fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol

from dispatch.errors import DispatchError, Kind, Unavailable


class GatewayError(DispatchError):
    """The payment gateway did not do what was asked."""

    kind, code = Kind.UNAVAILABLE, "gateway_error"
    certain: ClassVar[bool] = False
    """Whether it is known that the call had no effect."""

    def __init__(
        self,
        reason: str = "",
        *,
        status: int | None = None,
        gateway_code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """`reason` is for logs and staff only: the public message stays the class's own."""
        super().__init__(retry_after_s=retry_after_s)
        self.reason = reason
        self.status = status
        self.gateway_code = gateway_code

    def __str__(self) -> str:
        return f"{self.message} ({self.reason})" if self.reason else self.message


class GatewayRefused(GatewayError):
    """The payment gateway refused the request."""

    # A definite answer: nothing happened, and the same request will be refused again.
    code, certain = "gateway_refused", True


class GatewayUnknown(GatewayError):
    """The payment gateway gave no usable answer; the outcome is being checked."""

    # The effect may have happened: ask the gateway, or repeat with the same key; never with a new one.
    code, certain = "gateway_unknown", False


class GatewayRetryable(GatewayError):
    """The payment gateway is not reachable at the moment; try again shortly."""

    # Nothing was done: the request was turned away unread or never left.
    code, certain = "gateway_retryable", True


class PaymentsNotConfigured(Unavailable):
    """Online payment is not set up on this server."""

    code = "payments_not_configured"


@dataclass(frozen=True, slots=True)
class GatewayOrder:
    """An order: something to be paid once. `receipt` is our own reference (at most 40 characters)."""

    id: str
    amount_minor: int
    amount_paid_minor: int
    currency: str
    receipt: str | None
    status: str  # created, attempted, paid
    attempts: int
    created_at: datetime
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayPayment:
    """One try of paying an order. An authorised payment holds the money, a captured one has it."""

    id: str
    order_id: str | None
    amount_minor: int
    currency: str
    status: str  # created, authorized, captured, refunded, failed
    method: str | None
    captured: bool
    amount_refunded_minor: int
    fee_minor: int | None
    tax_minor: int | None
    error_code: str | None
    error_description: str | None
    created_at: datetime
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayRefund:
    """Money on its way back to the payer of one payment."""

    id: str
    payment_id: str
    amount_minor: int
    currency: str
    status: str  # created, pending, processed, failed
    receipt: str | None
    created_at: datetime
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayDispute:
    """A payment that its payer's bank asks back. `taken_minor` is what it has taken by now."""

    id: str
    payment_id: str
    amount_minor: int
    taken_minor: int
    currency: str
    status: str  # open, under_review, won, lost, closed
    respond_by: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GatewayPayout:
    """Money sent to somebody's bank account or UPI address."""

    id: str
    fund_account_id: str
    amount_minor: int
    currency: str
    # Under way: pending, queued, scheduled, on_hold, processing. Over: the rest; only processed has paid.
    status: str  # ... processed, reversed, cancelled, rejected, failed
    mode: str | None
    utr: str | None
    reference_id: str | None
    failure_reason: str | None
    created_at: datetime
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GatewayLink:
    """A payment link: a page to pay on, reached by a short address."""

    id: str
    short_url: str
    amount_minor: int
    amount_paid_minor: int
    currency: str
    status: str  # created, partially_paid, paid, cancelled, expired
    reference_id: str | None
    order_id: str | None
    payment_ids: tuple[str, ...]
    created_at: datetime
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where a payout by bank transfer goes."""

    holder: str
    ifsc: str
    number: str = field(repr=False)


#: What the page of a link can offer.
LINK_METHODS = ("card", "netbanking", "upi", "wallet")


class Gateway(Protocol):
    """A payment gateway. Amounts are integer minor units, moments are unix seconds.

    Every call raises `GatewayRefused` (definite no), `GatewayRetryable` (nothing was done, try later) or
    `GatewayUnknown` (it may have happened). None of them retries by itself.
    """

    @property
    def key_id(self) -> str: ...

    async def create_order(
        self, amount_minor: int, currency: str, receipt: str, notes: Mapping[str, str] | None = None
    ) -> GatewayOrder: ...

    async def fetch_order(self, order_id: str) -> GatewayOrder: ...

    async def find_order_by_receipt(self, receipt: str) -> GatewayOrder | None: ...

    async def fetch_order_payments(self, order_id: str) -> list[GatewayPayment]: ...

    async def fetch_payment(self, payment_id: str) -> GatewayPayment: ...

    async def capture(self, payment_id: str, amount_minor: int, currency: str) -> GatewayPayment: ...

    async def refund(
        self,
        payment_id: str,
        amount_minor: int,
        idempotency_key: str,
        notes: Mapping[str, str] | None = None,
    ) -> GatewayRefund: ...

    async def fetch_refund(self, refund_id: str) -> GatewayRefund: ...

    async def list_refunds_of(self, payment_id: str) -> list[GatewayRefund]: ...

    def payments_between(self, from_s: int, to_s: int) -> AsyncIterator[GatewayPayment]: ...

    def refunds_between(self, from_s: int, to_s: int) -> AsyncIterator[GatewayRefund]: ...

    async def create_payment_link(
        self,
        amount_minor: int,
        currency: str,
        reference_id: str,
        *,
        description: str = "",
        notes: Mapping[str, str] | None = None,
        expire_by_s: int | None = None,
        callback_url: str | None = None,
        methods: Sequence[str] = (),
    ) -> GatewayLink: ...

    async def fetch_payment_link(self, link_id: str) -> GatewayLink: ...

    async def find_payment_link(self, reference_id: str) -> GatewayLink | None: ...

    async def cancel_payment_link(self, link_id: str) -> GatewayLink: ...

    async def create_contact(self, name: str, reference_id: str) -> str: ...

    async def create_fund_account(
        self, contact_id: str, *, bank_account: BankAccount | None = None, vpa: str | None = None
    ) -> str: ...

    async def create_payout(
        self,
        fund_account_id: str,
        amount_minor: int,
        currency: str,
        *,
        idempotency_key: str,
        mode: str = "IMPS",
        purpose: str = "payout",
        reference_id: str | None = None,
        narration: str | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> GatewayPayout: ...

    async def fetch_payout(self, payout_id: str) -> GatewayPayout: ...

    def verify_checkout_signature(self, order_id: str, payment_id: str, signature: str) -> bool: ...

    def verify_webhook(self, raw: bytes, signature: str, secrets: Sequence[str]) -> bool: ...

    async def close(self) -> None: ...
