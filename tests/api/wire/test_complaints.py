"""Complaints of models: in our own words for every kind that there is, and by the names that the caller wrote."""

from __future__ import annotations

from typing import Annotated, Any, get_args

import pytest
from pydantic import Field, TypeAdapter
from pydantic_core.core_schema import ErrorType

from api.wire.complaints import FORMS, saying
from api.wire.contents import MOST_COMPLAINTS
from api.wire.dialects import MINUTESERV
from api.wire.models import Body
from api.wire.parsing import validate_body
from dispatch.wording import sentence
from tests.dispatch.test_wording import faults

#: What a complaint may carry beside its kind.
CONTEXT = {
    "min_length": 1, "max_length": 5, "ge": 0, "gt": 0, "le": 9, "lt": 9, "multiple_of": 5,
    "decimal_places": 2, "max_digits": 5,
    "expected": "'a', 'b' or 'c'", "pattern": "^[a-z]{2}$",
}  # fmt: skip


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_every_kind_of_complaint_is_said_in_our_words(kind: str) -> None:
    for context in (CONTEXT, {**CONTEXT, "min_length": 2}):
        text = sentence("field", saying(kind, context, "Value error, must be better"))
        assert not faults(text), text
        assert "{" not in text


def test_every_form_that_a_model_asks_for_has_words(whole: Any) -> None:
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str) and "x-form" not in node:
                found.add(node["pattern"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    asked = {
        reference["$ref"].rsplit("/", 1)[-1]
        for item in whole["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
        for content in operation["requestBody"]["content"].values()
        for reference in [content["schema"]]
        if "$ref" in reference
    }
    for name in asked:
        walk(whole["components"]["schemas"][name])
    assert found <= FORMS.keys() | {WHEN}, found - FORMS.keys()


#: Times of day, which are read by a function of our own.
WHEN = r"^([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?( ?[AaPp][Mm])?$"


class Flat(Body):
    name: Annotated[str, Field(min_length=1, max_length=5)]
    price: Annotated[int, Field(ge=0)]


def bad(kind: Any, given: Any, *, drops: bool = False) -> dict[str, list[str]]:
    return validate_body(TypeAdapter(kind), given, MINUTESERV, drops_unknown=drops)[1]


class Place(Body):
    lat: Annotated[float, Field(ge=-90, le=90)]
    share: Annotated[float, Field(gt=0, lt=0.5)]


def test_bounds_are_written_as_people_write_them() -> None:
    assert bad(Place, {"lat": 91, "share": 0}) == {"lat": ["must be at most 90"], "share": ["must be more than 0"]}
    assert bad(Place, {"lat": -91, "share": 1}) == {"lat": ["must be at least -90"], "share": ["must be less than 0.5"]}


def test_complaints_are_bounded() -> None:
    assert len(bad(Flat, {f"k{n}": n for n in range(5000)})) == MOST_COMPLAINTS
