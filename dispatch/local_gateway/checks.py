"""What a request's body and query may hold; each check refuses in Razorpay's words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from dispatch.local_gateway.refusals import Refusal

MAX_AMOUNT = 50_000_000_00
MAX_PAGE = 100
_CURRENCY = re.compile(r"[A-Z]{3}\Z")


def only(body: Mapping[str, Any], known: Collection[str]) -> None:
    """Razorpay refuses fields that it does not know, and so are card numbers kept out."""
    extra = [name for name in body if name not in known]
    if extra:
        raise Refusal(f"{', '.join(extra)} is/are not required and should not be sent", field=extra[0])


def amount(body: Mapping[str, Any], *, least: int = 100) -> int:
    """A whole number of the smallest unit."""
    value = body.get("amount")
    if value is None:
        raise Refusal("The amount field is required.", field="amount")
    if type(value) is not int:
        raise Refusal("The amount must be an integer.", field="amount")
    if value < least:
        raise Refusal(f"The amount must be at least INR {least / 100:.2f}", field="amount")
    if value > MAX_AMOUNT:
        raise Refusal("Amount exceeds maximum amount allowed.", field="amount")
    return value


def currency(body: Mapping[str, Any]) -> str:
    value = body.get("currency", "INR")
    if not isinstance(value, str) or not _CURRENCY.match(value):
        raise Refusal("The currency is not supported.", field="currency")
    return value


def text(body: Mapping[str, Any], name: str, *, most: int = 255, required: bool = False) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        if required:
            raise Refusal(f"The {name} field is required.", field=name)
        return None
    if not isinstance(value, str):
        raise Refusal(f"The {name} must be a string.", field=name)
    if len(value) > most:
        raise Refusal(f"The {name} may not be greater than {most} characters.", field=name)
    return value


def moment(body: Mapping[str, Any], name: str) -> int:
    """Unix seconds, 0 when absent."""
    value = body.get(name) or 0
    if type(value) is not int or value < 0:
        raise Refusal(f"The {name} must be a Unix timestamp.", field=name)
    return value


def notes(body: Mapping[str, Any]) -> dict[str, str] | list[str]:
    """At most 15 short texts. No notes are an empty list, as Razorpay writes them."""
    value = body.get("notes")
    if not value:
        return []
    if not isinstance(value, dict) or len(value) > 15:
        raise Refusal("notes must be an object of at most 15 pairs.", field="notes")
    if any(isinstance(v, (dict, list)) or len(str(v)) > 256 or len(k) > 256 for k, v in value.items()):
        raise Refusal("A note is longer than 256 characters.", field="notes")
    return {k: str(v) for k, v in value.items()}


def shown_methods(body: Mapping[str, Any], known: Collection[str]) -> list[str]:
    """Of the known methods those that `options.checkout.method` of a link leaves; it hides one by "0"."""
    wanted: Any = body
    for name in ("options", "checkout", "method"):
        wanted = wanted.get(name) or {}
        if not isinstance(wanted, dict):
            raise Refusal(f"The {name} must be an object.", field="options")
    shown = [name for name in known if str(wanted.get(name, 1)) not in ("0", "False")]
    if not shown:
        raise Refusal("At least one payment method must be shown.", field="options")
    return shown


def page(query: Mapping[str, str]) -> tuple[int, int, int, int]:
    """(from, to, count, skip) of a list request."""
    values = []
    for name, default, most in (
        ("from", 0, 2**40),
        ("to", 2**40, 2**40),
        ("count", 10, MAX_PAGE),
        ("skip", 0, 2**31),
    ):
        raw = query.get(name, str(default))
        if not (raw.isascii() and raw.isdecimal()) or int(raw) > most or (name == "count" and int(raw) < 1):
            raise Refusal(f"The {name} must be a number between 0 and {most}.", field=name)
        values.append(int(raw))
    return values[0], values[1], values[2], values[3]
