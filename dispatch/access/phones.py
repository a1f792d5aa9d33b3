"""Phone numbers in one spelling (E.164), as lenient as the contract's own examples."""

from __future__ import annotations

from collections.abc import Collection

from dispatch.errors import Invalid

#: E.164: a plus, then at most 15 digits; fewer than 7 reach nobody.
_MIN_DIGITS, _MAX_DIGITS = 7, 15


def normalise(text: str, region: str, field: str = "phone_number") -> str:
    """`098765 43210` in region IN is `+919876543210`. A number that no operator has given out yet passes.

    Raises Invalid naming `field` for what cannot be a phone number.
    """
    import phonenumbers  # Late: the metadata makes `dispatch --help` slow.

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise Invalid({field: "This is not a phone number."}) from error
    e164: str = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not _MIN_DIGITS <= len(e164) - 1 <= _MAX_DIGITS:
        raise Invalid({field: "This is not a phone number."})
    return e164


def check_region(phone: str, regions: Collection[str], field: str = "phone_number") -> None:
    """Raises Invalid naming `field` for a number (E.164) of none of these regions (ISO 3166).

    Where regions share a country code only a number that was given out has one.
    """
    import phonenumbers

    if phonenumbers.region_code_for_number(phonenumbers.parse(phone)) not in regions:
        raise Invalid({field: "No codes are sent to phones of this country; use another number."})


def masked(phone: str | None) -> str | None:
    """For logs and answers to others: the last four digits."""
    return None if phone is None else "*" * max(len(phone) - 4, 0) + phone[-4:]
