"""The documents: valid, complete, and made from what really checks and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.schemas import schema_v31
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from api.documents.openapi import openapi_document
from api.registry import all_routes
from api.wire.parsing import validate_body
from tests.api.demo import DEMO, camel, kind, strict
from tests.api.support import FakeServices, serving

SHOWN = [*kind.routes, *strict.routes, *camel.routes]


@pytest.fixture(scope="module")
def demo() -> Any:
    return openapi_document(SHOWN)


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


def test_references_lead_somewhere(demo: Any, whole: Any) -> None:
    for document in (demo, whole):
        for reference in references_of(document):
            place = document
            for part in reference.removeprefix("#/").split("/"):
                place = place[part]


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found


# ---------------------------------------------------------------- what generators need


def _nodes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(node, dict):
        yield path, node
        for key, value in node.items():
            yield from _nodes(value, f"{path}/{key}")
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _nodes(value, f"{path}/{number}")


def _sent(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of what callers send, once, with its place; what stands in a path is as long as its pattern."""
    seen: set[str] = set()
    waiting = [(where, op.get("parameters", []), op.get("requestBody", {})) for where, op in _operations(document)]
    schemas = [
        (f"{where} {p['name']}", p["schema"]) for where, parameters, _ in waiting for p in parameters
        if p["in"] != "path"
    ]  # fmt: skip
    schemas += [(where, body) for where, _, body in waiting]
    while schemas:
        where, root = schemas.pop()
        for path, node in _nodes(root):
            if (name := node.get("$ref")) is not None and name not in seen:
                seen.add(name)
                schemas.append((name.rsplit("/", 1)[-1], resolved(document, node)))
            yield f"{where}{path}", node


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


#: Of a list's pages a limit is clamped and the last number said; what a custom field holds is kept as text.
UNBOUNDED = re.compile(r"( page| limit|/custom_fields/additionalProperties/.*)$")


def test_whole_numbers_have_bounds(whole: Any) -> None:
    """One that no column holds is refused by its name, not by the database."""
    numbers = {where: node for where, node in _sent(whole) if node.get("type") == "integer"}
    assert len(numbers) > 50
    assert not [
        where for where, node in numbers.items()
        if not UNBOUNDED.search(where) and not ({"maximum", "exclusiveMaximum"} & node.keys())
    ]  # fmt: skip


#: Objects whose keys nobody knows beforehand.
OPEN = re.compile(
    r"webhook/|partners/auth/|/export/|/details$|additionalProperties|/errors$|TaskOut/properties/result"
    r"|AuditEntryOut/properties/changes|/requirements$|/coverage$|CampusBody/properties/schedule|QuoteOut/properties/budget"
)


def test_titles_are_names_and_unique(whole: Any) -> None:
    schemas = whole["components"]["schemas"]
    assert all(schema["title"] == name for name, schema in schemas.items())
    titles = [n["title"] for _, n in _nodes(whole["components"]) if isinstance(n.get("title"), str)]
    assert len(set(titles)) == len(titles)
    assert not [name for name in schemas if "__" in name or "-" in name]


def test_nothing_misleads_a_generator(whole: Any) -> None:
    for path, node in _nodes(whole):
        if path.endswith("/example") or "/example/" in path:
            continue
        assert not ("default" in node and node["default"] is None), path
        assert node.get("format") != "time", path
        if node.get("type") == "array":
            assert node.get("items"), path
        if node.get("type") == "object" and not node.get("properties"):
            assert node.get("additionalProperties") not in (None, True) or OPEN.search(path), path


def test_every_answer_is_typed_and_every_refusal_listed(whole: Any) -> None:
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            assert {"429", "500", "503"} < answers.keys(), path
            if operation["security"]:
                assert {"401", "403"} < answers.keys(), path
            if operation["security"] and {} not in operation["security"]:
                assert "404" in answers, path
            if method != "get":
                assert {"401", "409"} < answers.keys(), path
            good = next(a for status, a in answers.items() if status.startswith("2"))
            schema = good.get("content", {}).get("application/json", {}).get("schema", {})
            for one in [schema, *schema.get("anyOf", [])]:
                if "$ref" in one and "data" in resolved(whole, one)["properties"]:
                    assert "data" in resolved(whole, one)["required"], path
    for name, response in whole["components"]["responses"].items():
        codes = response["x-error-codes"]
        assert codes and all(code in response["description"] for code in codes), name
        assert ("Retry-After" in response["headers"]) == (name[-3:] in ("429", "503", "409")), name
    assert "BOOKING_OPEN" in whole["components"]["responses"]["minuteserv_409"]["x-error-codes"]


def test_every_body_has_an_example_that_is_right(whole: Any) -> None:
    for route in all_routes():
        if route.inputs.body is None:
            continue
        content = whole["paths"][route.path][route.method.lower()]["requestBody"]["content"]["application/json"]
        drops, dialect = route.audience.drops_unknown_keys, route.audience.dialect
        _, bad, dropped = validate_body(route.inputs.body, content["example"], dialect, drops_unknown=drops)
        assert (bad, dropped) == ({}, []), (route.template, content["example"])


def test_unknown_keys_are_refused_where_the_document_says_so(whole: Any) -> None:
    for route in all_routes():
        if route.inputs.body is None:
            continue
        body = whole["paths"][route.path][route.method.lower()]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
        if "$ref" in schema and not route.audience.drops_unknown_keys:
            assert resolved(whole, schema)["additionalProperties"] is False, route.template


def test_limits_and_headers_are_told(whole: Any) -> None:
    confirm = whole["paths"]["/v1/checkout/confirm"]["post"]
    assert "Limit: 100 requests in 60 s per address." in confirm["description"]
    assert "KiB" in confirm["description"]
    assert "Limit: 5 in 3600 s per caller." in whole["paths"]["/v1/payments/verify"]["post"]["description"]
    catalogue = whole["paths"]["/v1/services/catalog"]["get"]["responses"]
    assert "ETag" in catalogue["200"]["headers"] and "304" in catalogue
    assert "X-Ignored-Fields" in confirm["responses"]["200" if "200" in confirm["responses"] else "201"]["headers"]
    assert all(h["description"] for h in whole["components"]["headers"].values())


def references_of(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for value in node.values() for r in references_of(value)]
    return [r for value in node for r in references_of(value)] if isinstance(node, list) else []


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


def test_a_list_says_what_it_understands(demo: Any) -> None:
    operation = demo["paths"]["/kind/items"]["get"]
    names = {p["name"] for p in operation["parameters"]}
    assert names == {"page", "limit", "sort", "status", "date_from", "price", "search"}
    schema = resolved(demo, operation["responses"]["200"]["content"]["application/json"]["schema"])
    data = resolved(demo, schema["properties"]["data"])
    assert data["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Item"}
    assert data["required"] == ["items", "pagination", "seen"]


# ---------------------------------------------------------------- sockets


async def test_pages_ask_nobody_else() -> None:
    async with serving(FakeServices(), DEMO) as client:
        for path, kind_, word in (
            ("/docs", "text/html", "swagger-ui-bundle.js"),
            ("/docs/events", "text/html", "offer.made"),
            ("/docs/assets/start.js", "text/javascript", "/openapi.json"),
            ("/docs/assets/page.css", "text/css", "main"),
            ("/docs/assets/swagger-ui.css", "text/css", ".swagger-ui"),
            ("/docs/assets/swagger-ui-bundle.js", "text/javascript", "SwaggerUIBundle"),
            ("/openapi.json", "application/json", "3.1.0"),
            ("/asyncapi.json", "application/json", "3.0.0"),
        ):
            async with client.get(path) as response:
                text = await response.text()
                assert (response.status, response.content_type) == (200, kind_)
                assert word in text
                if kind_ == "text/html":
                    assert "http://" not in text and "https://" not in text and 'src="//' not in text
                    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        for path in (
            "/docs/assets/index.html",
            "/docs/assets/..%2f__init__.py",
            "/docs/assets/swagger-ui.js",
        ):
            async with client.get(path) as response:
                assert response.status == 404
