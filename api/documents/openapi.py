"""The route table as an OpenAPI 3.1 document: the same models that check requests describe them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any, get_args, get_origin

import orjson
from pydantic import TypeAdapter

from api.route import Audience, Route
from api.wire.dialects import ERP, INTEGRATION, PROVIDER, Dialect
from api.wire.listing import Grammar, taken
from api.wire.results import Bare, File, Message, MessageWith, NoContent, Page, PageWith, Ready, Reply, ReplyWith

REF = "#/components/schemas/{model}"
JSON = "application/json"
Schema = dict[str, Any]

#: What can happen at every route, by status; the dialect says how it looks.
_REFUSALS = {
    "400": "The request cannot be read.",
    "401": "Sign in first.",
    "403": "You may not do this.",
    "404": "There is no such thing.",
    "409": "The state of things does not allow this.",
    "413": "The body is too large.",
    "422": "The request is not valid; every bad field is named.",
    "429": "Too many requests; Retry-After says when to come back.",
    "500": "A fault of ours; quote X-Request-ID.",
    "503": "Not available just now; Retry-After says when to come back.",
}


def version() -> str:
    try:
        return metadata.version("dispatch-server")
    except metadata.PackageNotFoundError:
        return "0"


def openapi_document(routes: Sequence[Route] | None = None) -> dict[str, Any]:
    """The document of these routes, or of all. Needs no database."""
    if routes is None:
        from api.registry import all_routes

        routes = all_routes()
    return _Writer(routes).document()


class _Writer:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        wanted: list[tuple[tuple[int, str], Any, TypeAdapter[Any]]] = []
        for n, route in enumerate(routes):
            if route.inputs.body is not None:
                wanted.append(((n, "body"), "validation", route.inputs.body))
            if route.inputs.query is not None:
                wanted.append(((n, "query"), "validation", TypeAdapter(route.inputs.query.model)))
            for name, kind in _filters(route):
                wanted.append(((n, f"filter.{name}"), "validation", TypeAdapter(taken(kind))))
            for name, header in route.inputs.headers.items():
                wanted.append(((n, f"header.{name}"), "validation", TypeAdapter(header.annotation)))
            for kind in _data_types(route.returns):
                wanted.append(((n, f"data.{kind}"), "serialization", TypeAdapter(kind)))
        # All models in one pass: those of the same name in different modules get different names.
        found, rest = TypeAdapter.json_schemas(wanted, ref_template=REF)
        self._schemas: dict[Any, Schema] = {key: schema for (key, _mode), schema in found.items()}
        self._components: dict[str, Schema] = dict(rest.get("$defs", {}))

    def document(self) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        taken: set[str] = set()
        for n, route in enumerate(self._routes):
            operation = self._operation(n, route)
            if operation["operationId"] in taken:
                operation["operationId"] += f"_{route.method.lower()}"
            taken.add(operation["operationId"])
            paths.setdefault(route.path, {})[route.method.lower()] = operation
        audiences = list({id(r.audience): r.audience for r in self._routes}.values())
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Dispatch",
                "version": version(),
                "description": "Dispatch of field service jobs. The sockets are described at /docs/events.",
            },
            "servers": [{"url": "/"}],
            "tags": [{"name": name} for name in sorted({t for r in self._routes for t in _tags(r)})],
            "paths": paths,
            "components": {
                "schemas": self._components | _error_schemas(audiences),
                "responses": _refusals(audiences),
                "securitySchemes": {
                    a.name: {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "JWT",
                        "description": a.title,
                    }
                    for a in audiences
                },
            },
        }

    # ------------------------------------------------------------ one route

    def _operation(self, n: int, route: Route) -> Schema:
        text = route.description
        operation: Schema = {
            "operationId": route.operation_id,
            "summary": text.split("\n")[0] or route.template,
            "tags": _tags(route),
            "parameters": self._parameters(n, route),
            "responses": self._responses(n, route),
            "security": [] if route.is_public else [{route.audience.name: []}],
        }
        if route.is_public and route.inputs.caller:
            operation["security"] = [{}, {route.audience.name: []}]
        if len(text.split("\n")) > 1:
            operation["description"] = text
        if route.inputs.body is not None:
            operation["requestBody"] = self._body(n, route)
        elif route.inputs.raw_body:
            operation["requestBody"] = {"content": {JSON: {"schema": {"type": "object"}}}}
        return operation

    def _body(self, n: int, route: Route) -> Schema:
        content: Schema = {"schema": self._schemas[n, "body"]}
        if route.example is not None:
            content["example"] = orjson.loads(route.example)
        has_default = route.inputs.body_default is None
        required = bool(self._resolved(content["schema"]).get("required"))
        return {"required": required and not has_default, "content": {JSON: content}}

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        return self._components[reference.rsplit("/", 1)[-1]] if reference else schema

    def _parameters(self, n: int, route: Route) -> list[Schema]:
        found = [
            {"name": value.name, "in": "path", "required": True, "schema": _inline(value.schema)}
            for value in route.inputs.path
        ]
        if route.inputs.query is not None:
            model = self._resolved(self._schemas[n, "query"])
            found += [
                _parameter(name, "query", schema, name in model.get("required", ()))
                for name, schema in model.get("properties", {}).items()
            ]
        if route.inputs.listing is not None:
            found += self._listing(n, route)
        for name, header in route.inputs.headers.items():
            found.append(
                _parameter(header.header, "header", self._schemas[n, f"header.{name}"], header.is_required)
            )
        if route.idempotency is not None:
            schema = {"type": "string", "minLength": 16, "maxLength": 255}
            found.append(_parameter("X-Idempotency-Key", "header", schema, route.idempotency == "required"))
        return found

    def _listing(self, n: int, route: Route) -> list[Schema]:
        grammar = route.listing or Grammar()
        whole = {"type": "integer", "minimum": 1}
        limit = grammar.limit or route.audience.page_limit
        found = []
        if grammar.is_paged:
            found = [
                _parameter("page", "query", {**whole, "default": 1}),
                _parameter(
                    "limit", "query", {**whole, "default": limit, "description": "At most 100 are given"}
                ),
            ]
        if sorts := list(grammar.public_sorts):
            words = [*sorts, *(f"-{name}" for name in sorts)]
            found.append(
                _parameter("sort", "query", {"type": "array", "items": {"type": "string", "enum": words}})
            )
        found += [
            _parameter(name, "query", self._schemas[n, f"filter.{name}"]) for name, _ in _filters(route)
        ]
        if grammar.searches:
            found.append(_parameter("search", "query", {"type": "string", "maxLength": 200}))
        return found

    # ------------------------------------------------------------ answers

    def _responses(self, n: int, route: Route) -> Schema:
        found: Schema = {}
        variants = _variants(route.returns)
        schemas = [s for v in variants if (s := self._success(n, route, v)) is not None]
        content: Schema = {}
        if schemas:
            content[JSON] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
        if File in variants:
            content["application/octet-stream"] = {"schema": {}}
        good: Schema = {"description": "Done"}
        if content:
            good["content"] = content
        found[str(204 if variants == [NoContent] else route.status)] = good
        for status in self._possible(route):
            found[status] = {"$ref": f"#/components/responses/{route.audience.dialect.name}_{status}"}
        return found

    def _possible(self, route: Route) -> Iterable[str]:
        invalid = str(route.audience.dialect.invalid_status)
        wanted = {invalid, "429", "500", "503"}
        if route.inputs.body is not None or route.inputs.raw_body:
            wanted |= {"400", "413"}
        if not route.is_public:
            wanted |= {"401", "403"}
        if route.inputs.path:
            wanted |= {"404"}
        if route.method != "GET":
            wanted |= {"409"}
        return sorted(wanted)

    def _success(self, n: int, route: Route, variant: Any) -> Schema | None:
        """The envelope of one kind of result; None for what is not JSON."""
        origin = get_origin(variant) or variant
        if origin in (File, NoContent):
            return None
        if origin is Bare:
            return {}
        data = next((self._schemas[n, f"data.{kind}"] for kind in _data_types(variant)), None)
        if origin in (Page, PageWith):
            return _page_schema(route, data or {})
        properties: Schema = {"success": {"const": True}}
        if data is not None:
            properties["data"] = data
        if origin in (Message, MessageWith, Reply, ReplyWith):
            properties["message"] = {"type": "string"}
        if route.audience.dialect.stamps_success:
            properties["timestamp"] = {"type": "string", "format": "date-time"}
        return {"type": "object", "required": ["success"], "properties": properties}


# ---------------------------------------------------------------- parts


def _tags(route: Route) -> list[str]:
    return [f"{route.audience.name}: {tag}" for tag in route.tags] or [route.audience.name]


def _filters(route: Route) -> list[tuple[str, Any]]:
    return list(route.listing.filters.items()) if route.listing is not None else []


def _variants(returns: Any) -> list[Any]:
    if returns is None or returns is type(None):
        return [None]
    # A generic result is one thing, a union several.
    if get_origin(returns) in (Ready, Reply, ReplyWith, MessageWith, Page, PageWith, list, dict, tuple):
        return [returns]
    parts = [part for part in get_args(returns) if part is not type(None)]
    return parts or [returns]


def _data_types(returns: Any) -> list[Any]:
    """The models inside what an endpoint returns."""
    found = []
    for variant in _variants(returns):
        origin = get_origin(variant)
        if origin in (Ready, Reply, ReplyWith, Page, PageWith):
            inner = get_args(variant)[0]
            found += [] if inner is type(None) else [inner]
        elif variant not in (None, Message, File, Bare, NoContent, Ready, Reply, Page) and origin is not MessageWith:
            found.append(variant)
    return found


def _inline(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "title"}


def _parameter(name: str, place: str, schema: Schema, required: bool = False) -> Schema:
    clean = _inline(schema)
    parameter: Schema = {"name": name, "in": place, "required": required, "schema": clean}
    if "description" in clean:
        parameter["description"] = clean.pop("description")
    if place == "query" and clean.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter


def _page_schema(route: Route, item: Schema) -> Schema:
    items: Schema = {"type": "array", "items": item}
    key = route.listing.key if route.listing is not None else None
    whole = {"type": "integer"}
    if route.audience.dialect is ERP:
        if key is None:
            return {
                "type": "object",
                "properties": {"success": {"const": True}, "data": items, "pagination": {"type": "object"}},
            }
        inner = {"current_page": whole, "data": items, "per_page": whole, "total": whole}
        return {"type": "object", "properties": {key: {"type": "object", "properties": inner}}}
    pages = {"integration": "pages", "minuteserv": "total_pages"}.get(
        route.audience.dialect.name, "totalPages"
    )
    pagination = {
        "type": "object",
        "properties": {"page": whole, "limit": whole, "total": whole, pages: whole},
    }
    data: Schema = {"type": "object", "properties": {"pagination": pagination}}
    if key is not None:
        data["properties"] = {key: items, **data["properties"]}
    return {
        "type": "object", "required": ["success", "data"],
        "properties": {"success": {"const": True}, "data": data},
    }  # fmt: skip


def _error_name(dialect: Dialect) -> str:
    return f"{dialect.name.title()}Error"


def _error_schemas(audiences: Sequence[Audience]) -> dict[str, Schema]:
    """The error body of each dialect in use."""
    found = {}
    for dialect in {a.dialect.name: a.dialect for a in audiences}.values():
        text = {"type": "string"}
        properties: Schema = {
            "success": {"const": False},
            "error": {
                "type": "object", "required": ["code", "message"],
                "properties": {"code": text, "message": text, "details": {"type": ["object", "array"]}},
            },
            "message": text,
            "timestamp": {"type": "string", "format": "date-time"},
        }  # fmt: skip
        if dialect in (ERP, PROVIDER):
            properties["errors"] = {
                "type": "object",
                "additionalProperties": {"type": "array", "items": text},
            }
        if dialect is INTEGRATION:
            properties["code"] = text
            one = {"type": "object", "properties": {"field": text, "message": text}}
            properties["errors"] = {"type": "array", "items": one}
        found[_error_name(dialect)] = {
            "type": "object",
            "required": ["success", "error", "message", "timestamp"],
            "properties": properties,
        }  # fmt: skip
    return found


def _refusals(audiences: Sequence[Audience]) -> dict[str, Schema]:
    """The shared responses, one for each dialect and status."""
    found = {}
    for dialect in {a.dialect.name: a.dialect for a in audiences}.values():
        content = {JSON: {"schema": {"$ref": REF.format(model=_error_name(dialect))}}}
        for status, text in _REFUSALS.items():
            found[f"{dialect.name}_{status}"] = {"description": text, "content": content}
    return found
