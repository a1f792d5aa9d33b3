"""Card data is found wherever it hides, and what only looks like it passes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.edge.cards import CardDataRefused, card_data_in, is_luhn

VISA, AMEX, MASTERCARD = "4111111111111111", "378282246310005", "5555555555554444"


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"notes": VISA}, "notes"),
        ({"a": {"b": ["x", "4111 1111 1111 1111"]}}, "a.b.1"),
        ({"notes": f"my card is {AMEX}, thanks"}, "notes"),
        ({"notes": "5555-5555-5555-4444"}, "notes"),
        ({"card_number": 4111111111111111}, "card_number"),
        ({"cardNumber": VISA}, "cardNumber"),
        # Under a card's name any number with a right check digit is one, whatever its network.
        ({"card": {"number": "4111111111111111"}}, "card.number"),
        ({"pan": "9999999999999995"}, "pan"),
        ({"cvv": "123"}, "cvv"),
        ({"card": {"cvc": 1234}}, "card.cvc"),
        (VISA, "body"),
        ([MASTERCARD], "0"),
    ],
)
def test_card_data_is_found(given: Any, where: str) -> None:
    assert card_data_in(given) == where


@pytest.mark.parametrize(
    "given",
    [
        {"phone_number": "+911234567890", "phone": "00911234567890", "mobile": VISA},
        {"contact": "+4111111111111111"},
        {"aadhaar": "123456789012"},
        {"pan": "ABCDE1234F"},
        {"id": "41111111-1111-4111-8111-111111111111"},
        {"booking_number": "BK-20240120-123456", "order_id": "order_4111111111111111"},
        {"notes": "4111111111111112"},
        {"account_number": "12345678901234"},
        {"at_ms": 1705744800000, "total": 4111111111111111},
        {"at": "2024-01-20T10:00:00Z"},
        {"ok": True, "none": None, "n": 1.5},
        {"code": "123", "otp_code": "123456"},
    ],
)
def test_what_only_looks_like_it_passes(given: Any) -> None:
    assert card_data_in(given) is None


def test_no_uuid_is_a_card() -> None:
    digits_only = [UUID(int=n * 0x11111111111111111111) for n in range(2000)]
    assert [u for u in digits_only if card_data_in({"id": str(u)})] == []


def test_luhn() -> None:
    assert is_luhn(VISA)
    assert not is_luhn("4111111111111112")


def test_the_refusal_names_the_field_and_not_the_value() -> None:
    refused = CardDataRefused.at(str(card_data_in({"notes": VISA})))
    assert refused.code == "card_data_not_accepted"
    assert list(refused.fields) == ["notes"]
    assert VISA not in repr(refused.details)
