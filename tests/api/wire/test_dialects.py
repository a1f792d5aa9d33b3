"""The five wire forms, as the contract shows them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from pydantic import TypeAdapter, ValidationError

from api.wire.dialects import ALL, ERP, INTEGRATION, MINUTESERV, ORGANISATION, PROVIDER, Dialect
from api.wire.models import Body, CamelBody, CamelView, Money, View
from dispatch.errors import (
    Conflict,
    Invalid,
    Missing,
)

AT = datetime(2024, 1, 20, 10, 0, 0, 120_000, UTC)


class Price(View):
    grand_total: Money
    at: datetime


class CamelPrice(CamelView):
    grand_total: Money
    paid_at: datetime | None = None


def sent(dialect: Dialect, value: Any) -> Any:
    return orjson.loads(dialect.dumps(value))


@pytest.mark.parametrize(
    ("dialect", "money", "at"),
    [
        (MINUTESERV, 1771.2, "2024-01-20T10:00:00Z"),
        (ORGANISATION, 1771.2, "2024-01-20T10:00:00Z"),
        (INTEGRATION, 1771.2, "2024-01-20T10:00:00Z"),
        (ERP, 1771.2, "2024-01-20T10:00:00.120000Z"),
        (PROVIDER, 177120, "2024-01-20T10:00:00.120Z"),
    ],
)
def test_money_and_times(dialect: Dialect, money: float, at: str) -> None:
    assert sent(dialect, Price(grand_total=177120, at=AT)) == {"grand_total": money, "at": at}


def test_camel_keys() -> None:
    assert sent(PROVIDER, CamelPrice(grand_total=5)) == {"grandTotal": 5, "paidAt": None}


def test_other_zones_are_sent_as_utc_and_naive_times_are_a_bug() -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    assert sent(MINUTESERV, datetime(2024, 1, 20, 15, 30, tzinfo=kolkata)) == "2024-01-20T10:00:00Z"
    with pytest.raises(TypeError):
        MINUTESERV.dumps(AT.replace(tzinfo=None))


def test_plain_values() -> None:
    given = {"d": date(2024, 1, 20), "t": time(10), "x": Decimal("4.5"), "s": {"b", "a"}, "u": UUID(int=1)}
    assert sent(MINUTESERV, given) == {
        "d": "2024-01-20", "t": "10:00:00", "x": 4.5, "s": ["a", "b"], "u": str(UUID(int=1)),
    }  # fmt: skip
    with pytest.raises(TypeError):
        MINUTESERV.dumps(object())


# ---------------------------------------------------------------- money that comes in


class Amount(Body):
    amount: Money


def read(dialect: Dialect, value: Any) -> int:
    return Amount.model_validate({"amount": value}, context=dialect).amount


@pytest.mark.parametrize(("given", "minor"), [(331.2, 33120), ("0.29", 29), (2000, 200_000), ("1771.20", 177_120)])
def test_decimals_come_in_as_minor_units(given: Any, minor: int) -> None:
    assert read(MINUTESERV, given) == minor


def test_the_provider_speaks_minor_units() -> None:
    assert read(PROVIDER, 177120) == 177120
    with pytest.raises(ValidationError):
        read(PROVIDER, 1771.2)


@pytest.mark.parametrize("bad", [True, None, "", "x", "NaN", "Infinity", float("nan"), 1.005, 10**15, [1], "1e400000"])
def test_what_is_no_amount_is_refused(bad: Any) -> None:
    with pytest.raises(ValidationError):
        read(MINUTESERV, bad)


def test_inside_money_is_whole() -> None:
    assert Amount(amount=5).amount == 5
    with pytest.raises(ValidationError):
        Amount(amount=5.0)  # type: ignore[arg-type]


# ---------------------------------------------------------------- null is absent


class Change(Body):
    name: str
    label: str = "Home"
    note: str | None = None


def test_null_for_an_optional_field_is_absence() -> None:
    change = Change.model_validate({"name": "a", "label": None, "note": None})
    assert change.label == "Home"
    assert change.model_fields_set == {"name"}


def test_null_for_a_required_field_is_an_error() -> None:
    with pytest.raises(ValidationError):
        Change.model_validate({"name": None})


class Clearing(CamelBody):
    keeps_null = frozenset({"home_address"})
    home_address: str | None = None
    other_one: int = 1


def test_some_nulls_clear() -> None:
    cleared = Clearing.model_validate({"homeAddress": None, "otherOne": None})
    assert cleared.model_fields_set == {"home_address"}


def test_nan_in_a_string_is_refused() -> None:
    class At(Body):
        lat: float

    for bad in ("NaN", "inf", float("nan")):
        with pytest.raises(ValidationError):
            At.model_validate({"lat": bad})


# ---------------------------------------------------------------- envelopes


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize("dialect", ALL, ids=lambda d: d.name)
def test_every_error_has_the_common_body(dialect: Dialect) -> None:
    body = dialect.error(dialect.problem_of(Invalid({"name": "is empty"})), AT)
    assert body["success"] is False
    assert body["error"] == {
        "code": "VALIDATION_ERROR", "details": {"name": ["Name is empty."]},
        # The provider's contract gives its own words here.
        "message": "Validation failed" if dialect is PROVIDER else "Name is empty.",
    }  # fmt: skip
    assert body["message"] == "Name is empty."
    assert body["timestamp"] == AT


@pytest.mark.parametrize(
    ("dialect", "left", "ends"),
    [
        (MINUTESERV, ("left_minor", 12345), ("ends_at", "2024-01-20T10:00:00Z")),
        (ERP, ("left_minor", 12345), ("ends_at", "2024-01-20T10:00:00.120000Z")),
        (ORGANISATION, ("left", 123.45), ("endsAt", "2024-01-20T10:00:00Z")),
        (INTEGRATION, ("left", 123.45), ("endsAt", "2024-01-20T10:00:00Z")),
        (PROVIDER, ("left", 12345), ("endsAt", "2024-01-20T10:00:00.120Z")),
    ],
    ids=lambda given: given.name if isinstance(given, Dialect) else None,
)
def test_details_are_written_as_all_else_is(dialect: Dialect, left: Any, ends: Any) -> None:
    problem = dialect.problem_of(Conflict(details={"left_minor": 12345, "ends_at": AT}))
    assert sent(dialect, dialect.error(problem, AT))["error"]["details"] == dict([left, ends])


def test_where_bad_fields_stand() -> None:
    def errors(dialect: Dialect) -> Any:
        return dialect.error(dialect.problem_of(Invalid({"a": ["x", "y"]})), AT).get("errors")

    assert errors(MINUTESERV) is None
    assert errors(ERP) == errors(PROVIDER) == {"a": ["X.", "Y."]}
    assert errors(INTEGRATION) == [{"field": "a", "message": "X."}, {"field": "a", "message": "Y."}]
    assert INTEGRATION.error(INTEGRATION.problem_of(Missing("thing")), AT)["code"] == "NOT_FOUND"


def test_money_adapter_has_a_schema() -> None:
    assert TypeAdapter(Money).json_schema()["type"] == "number"
