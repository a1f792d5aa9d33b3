"""Card numbers and security codes have no place here: they are refused before anything keeps them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from api.wire.contents import leaves, path_of
from dispatch.errors import Invalid


class CardDataRefused(Invalid):
    """Card data is not accepted here."""

    code = "card_data_not_accepted"

    @classmethod
    def at(cls, path: str) -> CardDataRefused:
        """Names the field and never the value."""
        return cls({path: "This may not hold card data."})


_CARD_KEY = re.compile(r"card.?(number|no|num)|^(card|pan|ccnum|cc_number)$|primary.?account.?number", re.IGNORECASE)
_CODE_KEY = re.compile(r"^(card.?)?(cvv2?|cvc2?|csc|security.?code)$", re.IGNORECASE)
_PHONE_KEY = re.compile(r"phone|mobile|msisdn|whatsapp", re.IGNORECASE)
_SECURITY_CODE = re.compile(r"\d{3,4}")
#: Longer names are nobody's, and are not worth keeping.
_CACHED_NAME = 64
#: 19 digits, each with a space or a dash behind it.
_LONGEST_CARD = 40
#: Digits that stand alone: not part of a word, an id or an E.164 number.
_NUMBER = re.compile(r"(?<![\w+.-])\d(?:[ -]?\d){12,18}(?![\w-])")
#: Prefixes and lengths that networks issue (ISO/IEC 7812): the Luhn sum alone fits every tenth number.
_NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6\d{3}|8[12]\d\d|508[5-9])\d{12}"  # Discover, RuPay
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|3(?:0[0-5]|[68]\d)\d{11}"  # Diners Club
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15}"  # Maestro
)


def card_data_in(given: Any) -> str | None:
    """The path of the first card number or security code in a JSON value; phones and ids pass."""
    return next((path_of(place) for place, name, value in leaves(given) if is_card_data(name, value)), None)


def is_card_data(key: str, value: Any) -> bool:
    """Whether a value under this name is a card's number or security code."""
    kind = type(value)
    if kind is str:
        if len(value) < 3:
            return False
        text = value.strip()
    elif kind is int:
        text = str(value)
    else:
        return False
    is_code, is_card, is_phone = _names(key) if len(key) <= _CACHED_NAME else _read_names(key)
    if is_code and _SECURITY_CODE.fullmatch(text):
        return True
    if is_card:
        digits = re.sub(r"[ -]", "", text[:_LONGEST_CARD])
        if digits.isascii() and digits.isdecimal() and 13 <= len(digits) <= 19 and is_luhn(digits):
            return True
    if kind is int or len(text) < 13 or is_phone:
        return False
    for match in _NUMBER.finditer(text):
        digits = re.sub(r"[ -]", "", match[0])
        if digits.isascii() and _NETWORKS.fullmatch(digits) and is_luhn(digits):
            return True
    return False


def _read_names(key: str) -> tuple[bool, bool, bool]:
    """Whether a name is that of a security code, of a card number, of a phone."""
    return _CODE_KEY.search(key) is not None, _CARD_KEY.search(key) is not None, _PHONE_KEY.search(key) is not None


_names = lru_cache(maxsize=2048)(_read_names)


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        n = int(digit) * (2 if place % 2 else 1)
        total += n - 9 if n > 9 else n
    return total % 10 == 0
