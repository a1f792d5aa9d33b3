"""The models of the documents: references lead somewhere, and nothing misleads a generator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from api.registry import all_routes
from tests.api.documents.reading import references_of, resolved


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


def test_unknown_keys_are_refused_where_the_document_says_so(whole: Any) -> None:
    for route in all_routes():
        if route.inputs.body is None:
            continue
        body = whole["paths"][route.path][route.method.lower()]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
        if "$ref" in schema and not route.audience.drops_unknown_keys:
            assert resolved(whole, schema)["additionalProperties"] is False, route.template


def test_references_lead_somewhere(demo: Any, whole: Any) -> None:
    for document in (demo, whole):
        for reference in references_of(document):
            place = document
            for part in reference.removeprefix("#/").split("/"):
                place = place[part]
