"""The types of the wire."""

from __future__ import annotations

from datetime import UTC, time
from typing import Annotated, Any

import pytest
from pydantic import PlainValidator, TypeAdapter, ValidationError

from api.registry import all_routes
from api.wire.complaints import complaints
from api.wire.dialects import MINUTESERV, PROVIDER, Dialect
from api.wire.models import MOST_MINOR, Body, BookingTime, Degrees, Money, Query, View, within


def test_degrees_go_out_without_the_noise_of_binary_fractions() -> None:
    class Place(View):
        lat: Degrees | None
        lng: Degrees | None

    assert Place(lat=22.502499999999998, lng=None).model_dump() == {"lat": 22.5025, "lng": None}
    assert Place(lat=-0.1 - 0.2, lng=88.36389999999999).model_dump() == {"lat": -0.3, "lng": 88.3639}


class At(Body):
    time: BookingTime


@pytest.mark.parametrize("given", ["10:00 AM", "10 am", " 10:00 ", "10:00:00", time(10)])
def test_a_clock_face(given: Any) -> None:
    assert At.model_validate({"time": given}).time == time(10)


@pytest.mark.parametrize("given", [36000, 0, -1, 1.5, True, "36000", "10:00Z", "10:00+05:30", time(10, tzinfo=UTC), []])
def test_what_is_no_clock_face(given: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        At.model_validate({"time": given})
    [text] = complaints(caught.value)["time"]
    assert "10:00 AM or 10:00" in text


class Priced(Body):
    price: Annotated[Money, within(100, MOST_MINOR)]


@pytest.mark.parametrize(
    ("dialect", "given", "said"),
    [
        (MINUTESERV, 0.99, "must be at least 1"), (MINUTESERV, 10_000_000.01, "must be at most 10,000,000"),
        (PROVIDER, 99, "must be at least 100"), (PROVIDER, 1_000_000_001, "must be at most 1,000,000,000"),
    ],
)  # fmt: skip
def test_bounds_of_amounts_are_told_in_the_callers_units(dialect: Dialect, given: Any, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Priced.model_validate({"price": given}, context=dialect)
    assert complaints(caught.value)["price"] == [said]
    assert Priced.model_validate({"price": 100}, context=dialect).price == 100 * dialect.minor_per_unit


def test_no_bound_of_an_amount_is_told_in_units_of_our_own() -> None:
    """Those of zero are the same in all units."""
    all_routes()
    bounds = [
        (model.__name__, name, bound)
        for model in _kinds(Body) | _kinds(Query) for name, field in model.model_fields.items()
        if any(isinstance(one, PlainValidator) for one in field.metadata)
        for one in field.metadata for bound in [getattr(one, which, None) for which in ("le", "lt", "ge", "gt")]
        if bound
    ]  # fmt: skip
    assert not bounds


def _kinds(base: type[Any]) -> set[type[Any]]:
    return {base, *(kind for one in base.__subclasses__() for kind in _kinds(one))}


def test_no_currency_is_taken_whose_amounts_cannot_be_written() -> None:
    """Two decimals are written everywhere: an amount in yen would be a hundredth of itself."""
    all_routes()
    taken: dict[str, TypeAdapter[Any]] = {
        f"{model.__name__}.{name}": TypeAdapter(Annotated[(field.annotation, *field.metadata, None)])
        for model in _kinds(Body) | _kinds(Query) for name, field in model.model_fields.items()
        if name in ("currency", "currency_code") or name.endswith("_currency")
    }  # fmt: skip
    assert len(taken) > 15
    assert [name for name, form in taken.items() if _takes(form, "JPY")] == []
    assert [name for name, form in taken.items() if not _takes(form, "INR")] == []


def _takes(form: TypeAdapter[Any], value: str) -> bool:
    try:
        form.validate_python(value)
    except ValidationError:
        return False
    return True
