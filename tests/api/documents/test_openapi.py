"""The documents: valid, complete, and made from what really checks and answers."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.documents.asyncapi import asyncapi_document, events_page, socket_events
from api.documents.openapi import openapi_document
from api.registry import all_routes, route_table
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


def test_the_document_of_the_server_is_valid() -> None:
    document = openapi_document()
    validate(document)
    operations = [op for item in document["paths"].values() for op in item.values()]
    assert len({op["operationId"] for op in operations}) == len(operations) == len(all_routes())


def test_references_lead_somewhere(demo: Any) -> None:
    for document in (demo, openapi_document()):
        for reference in _references(document):
            place = document
            for part in reference.removeprefix("#/").split("/"):
                place = place[part]


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for value in node.values() for r in _references(value)]
    return [r for value in node for r in _references(value)] if isinstance(node, list) else []


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
    envelope = operation["responses"]["201"]["content"]["application/json"]["schema"]
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
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema["properties"]["data"]["properties"]["items"]["items"] == {
        "$ref": "#/components/schemas/Item"
    }


def test_the_route_table() -> None:
    table = route_table()
    assert len(table) == len(all_routes())
    assert all(row.summary for row in table), [row.path for row in table if not row.summary]


# ---------------------------------------------------------------- sockets


def test_the_socket_document_has_every_event() -> None:
    document = asyncapi_document()
    assert document["asyncapi"] == "3.0.0"
    found = {
        (channel["address"], message["name"])
        for channel in document["channels"].values()
        for message in channel["messages"].values()
    }
    for spec in socket_events():
        assert (spec.namespace, spec.name) in found
        operation = document["operations"][f"{spec.namespace.strip('/')}.{spec.name}.{spec.direction}"]
        assert operation["action"] == ("receive" if spec.direction == "in" else "send")
    for reference in _references(document):
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_acknowledgement_is_typed() -> None:
    document = asyncapi_document()
    for spec in socket_events():
        if spec.direction == "in":
            channel = document["channels"][spec.namespace.strip("/")]
            ack = channel["messages"][f"{spec.name}.ack"]["payload"]
            assert ack["required"] == ["ok"] and ack["properties"]["data"]["$ref"], spec.name
    said = document["info"]["description"]
    assert all(word in said for word in ("`resume`", "from 0", "callback", "1013", "gap"))


def test_the_page_for_people_has_every_event() -> None:
    page = events_page()
    assert "To miss nothing" in page
    for spec in socket_events():
        assert f"<code>{spec.name}</code>" in page


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
