"""Complaints of models: in our own words for every kind that there is, and by the names that the caller wrote."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import Field, TypeAdapter
from pydantic_core.core_schema import ErrorType

from api.documents.openapi import openapi_document
from api.wire.complaints import FORMS, saying
from api.wire.contents import MOST_COMPLAINTS
from api.wire.dialects import MINUTESERV
from api.wire.models import Body, CamelBody
from api.wire.parsing import validate_body
from dispatch.wording import sentence
from tests.dispatch.test_wording import faults

#: What a complaint may carry beside its kind.
CONTEXT = {
    "min_length": 1, "max_length": 5, "ge": 0, "gt": 0, "le": 9, "lt": 9, "multiple_of": 5,
    "expected": "'a', 'b' or 'c'", "pattern": "^[a-z]{2}$",
}  # fmt: skip


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_every_kind_of_complaint_is_said_in_our_words(kind: str) -> None:
    for context in (CONTEXT, {**CONTEXT, "min_length": 2}):
        text = sentence("field", saying(kind, context, "Value error, must be better"))
        assert not faults(text), text
        assert "{" not in text


def test_every_form_that_a_model_asks_for_has_words() -> None:
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

    document = openapi_document()
    asked = {
        reference["$ref"].rsplit("/", 1)[-1]
        for item in document["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
        for content in operation["requestBody"]["content"].values()
        for reference in [content["schema"]]
        if "$ref" in reference
    }
    for name in asked:
        walk(document["components"]["schemas"][name])
    assert found <= FORMS.keys() | {WHEN}, found - FORMS.keys()


#: Times of day, which are read by a function of our own.
WHEN = r"^([01]?\d|2[0-3]):[0-5]\d(:[0-5]\d)?( ?[AaPp][Mm])?$"


class Flat(Body):
    name: Annotated[str, Field(min_length=1, max_length=5)]
    price: Annotated[int, Field(ge=0)]


class Inner(Body):
    name: Annotated[str, Field(min_length=1)]


class Nested(Body):
    partner: Inner
    kind: Literal["a", "b"] = "a"


class Parts(Body):
    parts: list[Inner | int]


class Camel(CamelBody):
    full_name: str
    unit_price: int


def bad(kind: Any, given: Any, *, drops: bool = False) -> dict[str, list[str]]:
    return validate_body(TypeAdapter(kind), given, MINUTESERV, drops_unknown=drops)[1]


def test_a_union_names_fields_as_the_caller_wrote_them() -> None:
    both = Flat | Nested
    for drops in (False, True):
        assert bad(both, {"name": "toolong", "price": -1}, drops=drops) == {
            "name": ["must have at most 5 characters"], "price": ["must be at least 0"],
        }  # fmt: skip
        assert bad(both, {"partner": {"name": ""}}, drops=drops) == {"partner.name": ["must not be empty"]}
        assert bad(both, {"partner": {}, "kind": "c"}, drops=drops) == {
            "partner.name": ["is required"], "kind": ["must be one of a, b"],
        }  # fmt: skip
        assert bad(both, {"name": "x"}, drops=drops) == {"price": ["is required"]}
    assert bad(both, "text") == {"body": ["must be an object"]}
    assert bad(both, []) == {"body": ["must be an object"]}
    assert bad(both, {"name": "x", "price": 1, "more": 1}) == {"more": ["is not known here"]}


def test_what_is_dropped_does_not_change_the_form() -> None:
    given = {"name": "toolong", "price": -1, "more": 1}
    assert bad(Flat | Nested, given, drops=True).keys() == {"name", "price"}
    given = {"name": "x", "price": 1, "more": 1}
    kind: TypeAdapter[Any] = TypeAdapter(Flat | Nested)
    assert validate_body(kind, given, MINUTESERV, drops_unknown=True)[1:] == ({}, ["more"])


def test_a_union_inside_a_list() -> None:
    assert bad(Parts, {"parts": [{"name": "a"}, {"name": ""}, {"name": "a", "odd": 1}]}) == {
        "parts.1.name": ["must not be empty"], "parts.2.odd": ["is not known here"],
    }  # fmt: skip
    assert bad(Parts, {"parts": ["x"]}) == {"parts.0": ["must be an object"]}


def test_either_name_of_a_field_is_the_callers() -> None:
    assert bad(Camel, {"fullName": 1, "unitPrice": "x"}).keys() == {"fullName", "unitPrice"}
    assert bad(Camel, {"full_name": 1, "unit_price": "x"}).keys() == {"full_name", "unit_price"}
    assert bad(Camel, {}) == {"fullName": ["is required"], "unitPrice": ["is required"]}


def test_complaints_are_bounded() -> None:
    assert len(bad(Flat, {f"k{n}": n for n in range(5000)})) == MOST_COMPLAINTS
