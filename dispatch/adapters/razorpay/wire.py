"""Razorpay's words: its JSON entities checked and turned into billing's, and its signatures."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from dispatch.ports.gateway import (
    GatewayDispute,
    GatewayLink,
    GatewayOrder,
    GatewayPayment,
    GatewayPayout,
    GatewayRefund,
    GatewayRefused,
    GatewayUnknown,
)

ORDER_STATUSES = frozenset({"created", "attempted", "paid"})
PAYMENT_STATUSES = frozenset({"created", "authorized", "captured", "refunded", "failed"})
REFUND_STATUSES = frozenset({"created", "pending", "processed", "failed"})
DISPUTE_STATUSES = frozenset({"open", "under_review", "won", "lost", "closed"})
PAYOUT_STATUSES = frozenset({"pending", "queued", "scheduled", "on_hold", "processing", "processed"}) | {
    "reversed",
    "cancelled",
    "rejected",
    "failed",
}
LINK_STATUSES = frozenset({"created", "partially_paid", "paid", "cancelled", "expired"})

MAX_AMOUNT_MINOR = 10**15
MAX_TIME_S = 32_503_680_000  # the year 3000
_ID = re.compile(r"([a-z]{2,10})_[A-Za-z0-9]{6,40}\Z")
_KEY = re.compile(r"[A-Za-z0-9_-]+\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")

T = TypeVar("T")


class Garbled(ValueError):
    """A reply that is not what Razorpay promises."""


def is_id(value: object, prefix: str) -> bool:
    """Whether `value` looks like Razorpay's id of that kind; only such ids are put into a URL."""
    match = _ID.match(value) if isinstance(value, str) else None
    return match is not None and match[1] == prefix


def check_id(value: str, prefix: str) -> None:
    """Ids come from outside too, and go into a path: anything else is refused before it is sent."""
    if not is_id(value, prefix):
        raise GatewayRefused(f"not a {prefix}_ id", gateway_code="BAD_REQUEST_ERROR")


def amount(amount_minor: int) -> int:
    """Returns it, or raises `ValueError`: it is our own arithmetic that is wrong."""
    if type(amount_minor) is not int or not 0 < amount_minor <= MAX_AMOUNT_MINOR:
        raise ValueError("an amount is a positive whole number of minor units")
    return amount_minor


def key(value: str, *, at_least: int, at_most: int) -> str:
    """Returns the idempotency key, or raises `ValueError`."""
    if not at_least <= len(value) <= at_most or not _KEY.match(value):
        raise ValueError("not an idempotency key: too short, too long or with other characters")
    return value


def echo(*agreements: bool) -> None:
    """The reply must be about what was asked; else it is garbage and the outcome is unknown."""
    if not all(agreements):
        raise GatewayUnknown("the reply is about something else")


def order_of(doc: object) -> GatewayOrder:
    """Raises `Garbled`; so do all of its kind below."""
    d = _Doc(doc, "order", entity="order")
    return GatewayOrder(
        id=d.id(),
        amount_minor=d.amount("amount"),
        amount_paid_minor=d.amount("amount_paid"),
        currency=d.currency(),
        receipt=d.text("receipt"),
        status=d.one_of("status", ORDER_STATUSES),
        attempts=d.integer("attempts", 0, 10**9),
        created_at=d.moment("created_at"),
        notes=d.notes(),
    )


def payment_of(doc: object) -> GatewayPayment:
    d = _Doc(doc, "pay", entity="payment")
    status, captured = d.one_of("status", PAYMENT_STATUSES), d.get("captured")
    amount, refunded = d.amount("amount"), d.amount("amount_refunded")
    if type(captured) is not bool or refunded > amount or (status == "captured" and not captured):
        raise Garbled("payment: its amounts and flags contradict each other")
    return GatewayPayment(
        id=d.id(),
        order_id=d.other_id("order_id", "order"),
        amount_minor=amount,
        currency=d.currency(),
        status=status,
        method=d.text("method"),
        captured=captured,
        amount_refunded_minor=refunded,
        fee_minor=d.amount_or_none("fee"),
        tax_minor=d.amount_or_none("tax"),
        error_code=d.text("error_code"),
        error_description=d.text("error_description"),
        created_at=d.moment("created_at"),
        notes=d.notes(),
    )


def refund_of(doc: object) -> GatewayRefund:
    d = _Doc(doc, "rfnd", entity="refund")
    payment_id = d.other_id("payment_id", "pay")
    if payment_id is None:
        raise Garbled("refund: no payment_id")
    return GatewayRefund(
        id=d.id(),
        payment_id=payment_id,
        amount_minor=d.amount("amount"),
        currency=d.currency(),
        status=d.one_of("status", REFUND_STATUSES),
        receipt=d.text("receipt"),
        created_at=d.moment("created_at"),
        notes=d.notes(),
    )


def dispute_of(doc: object) -> GatewayDispute:
    d = _Doc(doc, "disp", entity="dispute")
    payment_id, amount, taken = d.other_id("payment_id", "pay"), d.amount("amount"), d.amount_or_none("amount_deducted")
    if payment_id is None or amount < 1 or (taken or 0) > amount:
        raise Garbled("dispute: no payment, or amounts that contradict each other")
    return GatewayDispute(
        id=d.id(),
        payment_id=payment_id,
        amount_minor=amount,
        taken_minor=taken or 0,
        currency=d.currency(),
        status=d.one_of("status", DISPUTE_STATUSES),
        respond_by=d.moment("respond_by") if d.get("respond_by") else None,
        created_at=d.moment("created_at"),
    )


def payout_of(doc: object) -> GatewayPayout:
    d = _Doc(doc, "pout", entity="payout")
    fund_account_id = d.other_id("fund_account_id", "fa")
    if fund_account_id is None:
        raise Garbled("payout: no fund_account_id")
    details = d.get("status_details")
    described = details.get("description") if isinstance(details, dict) else None
    return GatewayPayout(
        id=d.id(),
        fund_account_id=fund_account_id,
        amount_minor=d.amount("amount"),
        currency=d.currency(),
        status=d.one_of("status", PAYOUT_STATUSES),
        mode=d.text("mode"),
        utr=d.text("utr"),
        reference_id=d.text("reference_id"),
        failure_reason=d.text("failure_reason") or (described if isinstance(described, str) else None),
        created_at=d.moment("created_at"),
        notes=d.notes(),
    )


def link_of(doc: object) -> GatewayLink:
    d = _Doc(doc, "plink", entity=None)
    short_url = d.text("short_url") or ""
    if not short_url.startswith(("https://", "http://")):
        raise Garbled("payment link: short_url is no address")
    payments = d.get("payments") or []
    ids = [p.get("payment_id") if isinstance(p, dict) else None for p in payments]
    if not all(is_id(p, "pay") for p in ids):
        raise Garbled("payment link: its payments have no ids")
    return GatewayLink(
        id=d.id(),
        short_url=short_url,
        amount_minor=d.amount("amount"),
        amount_paid_minor=d.amount("amount_paid"),
        currency=d.currency(),
        status=d.one_of("status", LINK_STATUSES),
        reference_id=d.text("reference_id"),
        order_id=d.other_id("order_id", "order"),
        payment_ids=tuple(str(p) for p in ids),
        created_at=d.moment("created_at"),
        notes=d.notes(),
    )


def collection_of(doc: object, of: Callable[[object], T], items_name: str = "items") -> list[T]:
    """The items of a list reply. Raises `Garbled` if any one of them is."""
    items = doc.get(items_name) if isinstance(doc, dict) else None
    if not isinstance(items, list):
        raise Garbled(f"a list reply without {items_name}")
    return [of(item) for item in items]


def own_id_of(doc: object, prefix: str) -> str:
    """Only the id of an entity of which nothing else is needed (contacts, fund accounts)."""
    return _Doc(doc, prefix, entity=None).id()


def checkout_signature(order_id: str, payment_id: str, key_secret: str) -> str:
    """HMAC-SHA256, hex, over `order_id|payment_id`. `order_id` is the one *we* stored, never the caller's."""
    return _hex(f"{order_id}|{payment_id}".encode(), key_secret)


def verify_checkout(order_id: str, payment_id: str, signature: str, key_secret: str) -> bool:
    """Constant-time. False for anything that is not the signature of exactly these two ids."""
    if not (is_id(order_id, "order") and is_id(payment_id, "pay") and key_secret):
        return False
    return _same(checkout_signature(order_id, payment_id, key_secret), signature)


def webhook_signature(raw: bytes, secret: str) -> str:
    """HMAC-SHA256, hex, over the raw body."""
    return _hex(raw, secret)


def verify_webhook(raw: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Whether any of the secrets (the current and the previous) signed these bytes; constant-time.

    An empty secret never verifies: it would let everybody sign.
    """
    matches = [_same(_hex(raw, secret), signature) for secret in secrets if secret]
    return any(matches)


def _hex(message: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _same(expected: str, given: object) -> bool:
    # compare_digest refuses text outside ASCII, so bytes are compared.
    return isinstance(given, str) and hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


class _Doc:
    """A JSON object whose fields are read with a check each."""

    def __init__(self, doc: object, prefix: str, entity: str | None) -> None:
        """`entity` is the kind that the object must name; payment links name none."""
        if not isinstance(doc, dict):
            raise Garbled("a reply that is not an object")
        self._doc: Mapping[str, Any] = doc
        self._prefix = prefix
        if entity is not None and doc.get("entity") != entity:
            raise Garbled(f"{entity}: the reply is of another kind")

    def get(self, name: str) -> Any:
        return self._doc.get(name)

    def id(self) -> str:
        value = self._doc.get("id")
        if not is_id(value, self._prefix):
            raise self._wrong("id")
        return str(value)

    def other_id(self, name: str, prefix: str) -> str | None:
        value = self._doc.get(name)
        if value is None:
            return None
        if not is_id(value, prefix):
            raise self._wrong(name)
        return str(value)

    def integer(self, name: str, low: int, high: int) -> int:
        value = self._doc.get(name)
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(name)
        return value

    def amount(self, name: str) -> int:
        return self.integer(name, 0, MAX_AMOUNT_MINOR)

    def amount_or_none(self, name: str) -> int | None:
        return None if self._doc.get(name) is None else self.amount(name)

    def moment(self, name: str) -> datetime:
        return datetime.fromtimestamp(self.integer(name, 1, MAX_TIME_S), UTC)

    def currency(self) -> str:
        value = self._doc.get("currency")
        if not isinstance(value, str) or not _CURRENCY.match(value):
            raise self._wrong("currency")
        return value

    def text(self, name: str) -> str | None:
        value = self._doc.get(name)
        if value is not None and not isinstance(value, str):
            raise self._wrong(name)
        return value

    def one_of(self, name: str, values: frozenset[str]) -> str:
        value = self._doc.get(name)
        if not isinstance(value, str) or value not in values:
            raise self._wrong(name)
        return value

    def notes(self) -> dict[str, str]:
        """Razorpay writes no notes as an empty *list*."""
        value = self._doc.get("notes")
        if value is None or value == []:
            return {}
        if not isinstance(value, dict):
            raise self._wrong("notes")
        return {str(k): v if isinstance(v, str) else str(v) for k, v in value.items()}

    def _wrong(self, name: str) -> Garbled:
        return Garbled(f"{self._prefix}: {name} is missing or wrong")
