"""The document: valid, complete, and made from what really checks and answers."""

from __future__ import annotations

from typing import Any

import orjson
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from api.registry import all_routes
from api.wire.parsing import validate_body
from tests.api.documents.reading import resolved


def validate(document: dict[str, Any]) -> None:
    # Through JSON, as clients get it.
    OpenAPIV31SpecValidator(orjson.loads(orjson.dumps(document))).validate()


def test_the_document_of_every_kind_of_route_is_valid(demo: Any) -> None:
    validate(demo)


def test_the_document_of_the_server_is_valid(whole: Any) -> None:
    """Against the standard's own schema; that its references lead somewhere is asked below, in a tenth of the time that
    the validator takes for so many models.
    """
    # Read once: as the root it would be searched for anchors at every schema in the document.
    standard = Registry().with_resource(schema_v31["$id"], DRAFT202012.create_resource(schema_v31)).crawl()
    validator = Draft202012Validator({"$ref": schema_v31["$id"]}, registry=standard)
    assert not list(validator.iter_errors(orjson.loads(orjson.dumps(whole))))
    operations = [op for item in whole["paths"].values() for op in item.values()]
    assert len({op["operationId"] for op in operations}) == len(operations) == len(all_routes())


def test_every_body_has_an_example_that_is_right(whole: Any) -> None:
    for route in all_routes():
        if route.inputs.body is None:
            continue
        content = whole["paths"][route.path][route.method.lower()]["requestBody"]["content"]["application/json"]
        drops, dialect = route.audience.drops_unknown_keys, route.audience.dialect
        _, bad, dropped = validate_body(route.inputs.body, content["example"], dialect, drops_unknown=drops)
        assert (bad, dropped) == ({}, []), (route.template, content["example"])


def test_limits_and_headers_are_told(whole: Any) -> None:
    confirm = whole["paths"]["/v1/checkout/confirm"]["post"]
    assert "Limit: 100 requests in 60 s per address." in confirm["description"]
    assert "KiB" in confirm["description"]
    assert "Limit: 5 in 3600 s per caller." in whole["paths"]["/v1/payments/verify"]["post"]["description"]
    catalogue = whole["paths"]["/v1/services/catalog"]["get"]["responses"]
    assert "ETag" in catalogue["200"]["headers"] and "304" in catalogue
    assert "X-Ignored-Fields" in confirm["responses"]["200" if "200" in confirm["responses"] else "201"]["headers"]
    assert all(h["description"] for h in whole["components"]["headers"].values())


def test_an_operation_says_all(demo: Any) -> None:
    operation = demo["paths"]["/kind/things/{id}"]["post"]
    assert operation["security"] == [{"kind": []}]
    assert operation["summary"] == "Makes a thing."
    assert operation["tags"] == ["kind: things"]
    content = operation["requestBody"]["content"]["application/json"]
    assert content["example"] == {"name": "box", "price": 12.5, "parts": [{"name": "lid"}]}
    assert operation["requestBody"]["required"] is True
    assert {p["name"]: p["in"] for p in operation["parameters"]} == {
        "id": "path",
        "day": "query",
        "kinds": "query",
    }
    envelope = resolved(demo, operation["responses"]["201"]["content"]["application/json"]["schema"])
    assert envelope["required"] == ["success", "data", "day"]
    assert envelope["properties"]["day"]["anyOf"][0] == {"type": "string", "format": "date"}
    assert envelope["properties"]["data"] == {"$ref": "#/components/schemas/ThingOut"}
    assert operation["responses"]["422"] == {"$ref": "#/components/responses/minuteserv_422"}
    assert demo["components"]["schemas"]["ThingIn"]["required"] == ["name"]


def test_public_optional_and_camel(demo: Any) -> None:
    paths = demo["paths"]
    assert paths["/kind/raw"]["post"]["security"] == []
    assert paths["/kind/head"]["get"]["security"] == [{}, {"kind": []}]
    assert paths["/kind/optional"]["post"]["requestBody"]["required"] is False
    assert "X-Step-Up-Token" in [p["name"] for p in paths["/kind/head"]["get"]["parameters"]]
    [key] = [p for p in paths["/kind/pay"]["post"]["parameters"] if p["name"] == "X-Idempotency-Key"]
    assert key["required"] is True
    assert set(demo["components"]["schemas"]["CamelThing"]["properties"]) == {"fullName", "unitPrice"}
    assert "400" in paths["/camel/things"]["post"]["responses"]
    assert "422" not in paths["/camel/things"]["post"]["responses"]
