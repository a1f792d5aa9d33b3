"""What a webhook of the gateway says, in whatever form it came: nothing of it is believed here, nor is it complete."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dispatch.adapters.razorpay import wire as wire

#: The longest id, or name of an event.
MOST_CHARS = 128
#: How all events about disputes begin.
DISPUTE = "payment.dispute."
#: Parts of the gateway's entities that are not kept.
PERSONAL = frozenset({"card", "contact", "email", "vpa", "bank", "bank_account", "customer_details", "upi"})


def natural_key(kind: str, payload: dict[str, Any]) -> str | None:
    """What an event says, in short: the same word about the same thing is the same event, whatever its id.

    What it says the thing is belongs to the word: one that names a wrong order or amount is not the true one, and
    must not take its place.
    """
    nouns = ("payment", "order", "refund", "payout", "payment_link")
    noun = next((one for one in nouns if one == kind.split(".")[0]), None)
    if kind == "payment.refunded":
        noun = "refund"
    elif kind.startswith(DISPUTE):
        noun = "dispute"
    if noun is None or named(payload, noun) is None:
        return None
    entity = entity_of(payload, noun)
    words = [text(entity.get(name)) for name in ("id", "order_id", "payment_id", "currency")]
    if noun in ("payout", "dispute") or kind == "refund.speed_changed":
        words.append(text(entity.get("status")))
    if noun == "order":
        # What an order says about its payment is a word about that payment.
        words += [named(payload, "payment", name) for name in ("id", "order_id")]
    amount = entity.get("amount")
    return ":".join([kind, *(w or "" for w in words), str(amount) if type(amount) is int else ""])


def impersonal(value: Any) -> Any:
    """The payload without what says who paid and with what: we need none of it, so we keep none of it."""
    if isinstance(value, dict):
        return {key: impersonal(inner) for key, inner in value.items() if key not in PERSONAL}
    return [impersonal(inner) for inner in value] if isinstance(value, list) else value


def entity_of(payload: dict[str, Any], noun: str) -> dict[str, Any]:
    """What an event says of a noun ("payment", "refund"); empty where it says nothing."""
    wrapped = payload.get(noun)
    entity = wrapped.get("entity") if isinstance(wrapped, dict) else None
    return entity if isinstance(entity, dict) else {}


def named(payload: dict[str, Any], noun: str, name: str = "id") -> str | None:
    """An id, or another short text, that it says of a noun."""
    return text(entity_of(payload, noun).get(name))


def text(value: object) -> str | None:
    """A text that is no longer than any of the gateway's ids."""
    return value if isinstance(value, str) and 0 < len(value) <= MOST_CHARS else None


def event_id(value: str | None) -> str | None:
    """The id of an event as its header gives it."""
    return value if value and len(value) <= MOST_CHARS and value.isprintable() else None


def moment(value: object) -> datetime | None:
    """Unix seconds as a moment."""
    if type(value) is not int or not 0 < value < wire.MAX_TIME_S:
        return None
    return datetime.fromtimestamp(value, UTC)
