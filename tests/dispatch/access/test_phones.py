"""Phone numbers in one spelling."""

from __future__ import annotations

import pytest

from dispatch.access import phones
from dispatch.errors import Invalid


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        ("+911234567890", "IN", "+911234567890"),
        ("098765 43210", "IN", "+919876543210"),
        ("9876543210", "IN", "+919876543210"),
        ("+91 98765-43210", "IN", "+919876543210"),
        ("0091 9876543210", "IN", "+919876543210"),
        ("0917 123 4567", "PH", "+639171234567"),
        ("+1 (212) 555-0100", "IN", "+12125550100"),
    ],
)
def test_one_spelling(text: str, region: str, expected: str) -> None:
    assert phones.normalise(text, region) == expected


@pytest.mark.parametrize("text", ["", "abc", "123", "+", "++91", "+999999999999999999", "\x00", "98765432101234567"])
def test_what_is_no_phone_names_its_field(text: str) -> None:
    with pytest.raises(Invalid) as failure:
        phones.normalise(text, "IN", "phone")
    assert set(failure.value.fields) == {"phone"}


def test_masked() -> None:
    assert phones.masked("+911234567890") == "*********7890"
    assert phones.masked(None) is None
