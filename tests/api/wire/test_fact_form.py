"""Facts in camelCase, in the reader's own units."""

from __future__ import annotations

from decimal import Decimal

from api.wire.dialects import MINUTESERV, PROVIDER
from api.wire.fact_form import camel_fact

FACT = {"amount_minor": 12345, "booking_id": "b", "is_late": True, "fee_minor": None, "eta_s": 60}


def test_amounts_lose_their_unit_in_the_name_and_get_the_readers() -> None:
    told = camel_fact(FACT, MINUTESERV)
    assert told.keys() == {"amount", "bookingId", "isLate", "feeMinor", "etaS"}
    assert Decimal(str(told["amount"])) == Decimal("123.45")
    assert camel_fact(FACT, PROVIDER)["amount"] == 12345


def test_what_is_no_amount_keeps_its_value() -> None:
    told = camel_fact(FACT, PROVIDER)
    assert (told["bookingId"], told["isLate"], told["feeMinor"], told["etaS"]) == ("b", True, None, 60)
    assert camel_fact({}, PROVIDER) == {}
