"""Complaints as sentences for the person who reads them: the field by its name, what is wrong with it, a full stop."""

from __future__ import annotations

import re

#: A complaint that begins so is about its field, and is told with the field's name before it.
_PREDICATES = ("must ", "is ", "was ", "has ", "names ", "needs ", "may ", "cannot ")
_WHOLE = {"body", "query", "payload"}
_WORDS = {
    "otp": "OTP", "id": "id", "ids": "ids", "url": "URL", "pan": "PAN", "ifsc": "IFSC", "upi": "UPI", "lat": "latitude",
    "lng": "longitude", "gst": "GST", "api": "API", "ip": "IP",
}  # fmt: skip
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9]$)")
#: Another field that a complaint compares its own with: told in words as well.
_REFERENCE = re.compile(r"\b(before|after|than|days of) ([a-z]+(?:_[a-z]+)+|[a-z]+(?:[A-Z][a-z]+)+)\b")


class Verbatim(str):
    """Words that a contract gives: told as they stand."""


def sentence(field: str, text: str) -> str:
    """One complaint about a field, by its public name, as a sentence."""
    if isinstance(text, Verbatim):
        return text
    text = _REFERENCE.sub(lambda m: f"{m[1]} {_words(m[2])}", text.strip())
    return whole(f"{label(field)} {text}" if text.startswith(_PREDICATES) else text)


def whole(text: str) -> str:
    """A text with a capital at its beginning and one full stop at its end."""
    if isinstance(text, Verbatim):
        return text
    text = text.strip().rstrip(".")
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(("?", "!", ".)")) else ".")


def counted(number: int, noun: str) -> str:
    """A number and its noun: 1 technician, 2 technicians."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def label(field: str) -> str:
    """A field's public name in words: `service_ids.0.otpCode` is "OTP code in entry 1 of service ids"."""
    parts = field.split(".")
    name = next((p for p in reversed(parts) if not p.isdecimal()), field)
    if name in _WHOLE:
        return "The request"
    text = _words(name)
    place = len(parts) - 1 - parts[::-1].index(name) if name in parts else 0
    if place < len(parts) - 1:
        text = f"entry {int(parts[place + 1]) + 1} of {text}"
    if place >= 2 and parts[place - 1].isdecimal():
        text = f"{text} in entry {int(parts[place - 1]) + 1} of {_words(parts[place - 2])}"
    return text[:1].upper() + text[1:]


def _words(name: str) -> str:
    # A name that nobody gave is the caller's own: what cannot be shown of it is a question mark.
    name = "".join(c if c.isprintable() else "?" for c in name)
    # A header is named as it is written.
    if "-" in name:
        return name
    words = _HUMP.sub("_", name).strip("_").split("_")
    return " ".join(_WORDS.get(word.lower(), word.lower()) for word in words if word)
