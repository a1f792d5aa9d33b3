"""Bodies: unions name fields as the caller wrote them, either name of a field is the caller's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from api.wire.dialects import MINUTESERV
from api.wire.models import Body, CamelBody
from api.wire.parsing import validate_body
from tests.api.wire.test_complaints import Flat, bad


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
