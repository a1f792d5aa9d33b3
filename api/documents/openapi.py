"""The route table as an OpenAPI 3.1 document: the same models that check requests describe them, and make clients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any, get_args, get_origin

import orjson
from pydantic import TypeAdapter

from api.documents import refusals
from api.documents.refusals import JSON, header
from api.documents.schemas import (
    REF,
    Schema,
    SteadyNames,
    cleaned,
    closed,
    closure,
    example,
    references,
    renamed,
    short_names,
)
from api.documents.security import guests_of, rights, schemes, ways
from api.route import Route
from api.wire.dialects import ERP, Dialect
from api.wire.listing import MAX_SEARCH, MAX_VALUES, Grammar, Once, taken
from api.wire.results import (
    Bare,
    File,
    Message,
    MessageWith,
    NoContent,
    Page,
    PageWith,
    Ready,
    Reply,
    ReplyWith,
    Whole,
)
from dispatch.config.limits import Limits
from storage.database.listing import MAX_COUNTED, MAX_LIMIT, MAX_OFFSET, MAX_SORTS

#: Results that are one thing, whose first parameter is what they carry.
_CARRIERS = (Reply, ReplyWith, Page, PageWith, Ready, Bare, Whole)
_PLAIN = (None, type(None), Message, File, NoContent)


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


def openapi_part(whole: dict[str, Any], routes: Sequence[Route]) -> dict[str, Any]:
    """Of a document what these routes need of it: their operations, and the models that those name."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = whole["paths"][route.path][route.method.lower()]
    tags = {tag for route in routes for tag in _tags(route)}
    parts = whole["components"]
    models = parts["schemas"]
    shared = {name: part for name, part in parts.items() if name != "schemas"}
    needed = closure(models, [paths, shared])
    return {
        **whole, "paths": paths, "tags": [tag for tag in whole["tags"] if tag["name"] in tags],
        "components": {**parts, "schemas": {name: models[name] for name in models if name in needed}},
    }  # fmt: skip


class _Writer:
    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._audiences = {route.audience.name: route.audience for route in routes}
        wanted: list[tuple[tuple[int, str], Any, TypeAdapter[Any]]] = []
        for n, route in enumerate(routes):
            if route.inputs.body is not None:
                wanted.append(((n, "body"), "validation", route.inputs.body))
            if route.inputs.query is not None:
                wanted.append(((n, "query"), "validation", TypeAdapter(route.inputs.query.model)))
            for name, kind in _filters(route):
                wanted.append(((n, f"filter.{name}"), "validation", TypeAdapter(taken(kind))))
            for name, given in route.inputs.headers.items():
                wanted.append(((n, f"header.{name}"), "validation", TypeAdapter(given.annotation)))
            for kind in _data_types(route.returns):
                wanted.append(((n, f"data.{kind}"), "serialization", TypeAdapter(kind)))
            for kind in _extra_types(route.returns):
                wanted.append(((n, f"extra.{kind}"), "serialization", TypeAdapter(kind)))
        # All models in one pass: those of the same name in different modules get different names.
        found, rest = TypeAdapter.json_schemas(wanted, ref_template=REF, schema_generator=SteadyNames)
        parts: dict[str, Schema] = rest.get("$defs", {})
        names = short_names(parts)
        inputs = closure(parts, (found[key, mode] for key, mode in found if key[1] == "body"))
        self._components: dict[str, Schema] = {
            names[name]: {**cleaned(renamed(schema, names), is_input=name in inputs), "title": names[name]}
            for name, schema in parts.items()
        }
        self._schemas: dict[Any, Schema] = {
            key: cleaned(renamed(schema, names), is_input=mode == "validation") for (key, mode), schema in found.items()
        }
        strict = [n for n, r in enumerate(routes) if not r.audience.drops_unknown_keys and r.inputs.body is not None]
        closed(self._components, (name for n in strict for name in references(self._schemas[n, "body"])))

    def document(self) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        taken_ids: set[str] = set()
        for n, route in enumerate(self._routes):
            operation_id = route.operation_id
            if operation_id in taken_ids:
                operation_id += f"_{route.method.lower()}"
            taken_ids.add(operation_id)
            paths.setdefault(route.path, {})[route.method.lower()] = self._operation(n, route, operation_id)
        audiences = list(self._audiences.values())
        dialects = list({a.dialect.name: a.dialect for a in audiences}.values())
        pagination = {_pagination_name(d): _pagination(d) for d in dialects}
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
                "schemas": self._components | pagination | refusals.schemas(dialects),
                "responses": refusals.responses(audiences),
                "headers": refusals.HEADERS,
                "securitySchemes": schemes(audiences),
            },
        }

    # ------------------------------------------------------------ one route

    def _operation(self, n: int, route: Route, operation_id: str) -> Schema:
        text = route.description
        operation: Schema = {
            "operationId": operation_id,
            "summary": text.split("\n")[0] or route.template,
            "description": "\n\n".join([text, *rights(route), *_limits(route)]).strip(),
            "tags": _tags(route),
            "parameters": self._parameters(n, route),
            "responses": self._responses(n, route, operation_id),
            "security": ways(route, self._audiences),
        }
        if route.inputs.body is not None:
            operation["requestBody"] = self._body(n, route)
        elif route.inputs.raw_body:
            anything = {"type": "object", "additionalProperties": True}
            operation["requestBody"] = {"required": True, "content": {JSON: {"schema": anything, "example": {}}}}
        elif route.inputs.upload:
            content = {"multipart/form-data": {"schema": _upload(route)}}
            operation["requestBody"] = {"required": True, "content": content}
        return operation

    def _body(self, n: int, route: Route) -> Schema:
        content: Schema = {"schema": self._schemas[n, "body"]}
        given = route.example
        content["example"] = example(content["schema"], self._components) if given is None else orjson.loads(given)
        has_default = route.inputs.body_default is None
        required = bool(self._resolved(content["schema"]).get("required"))
        return {"required": required and not has_default, "content": {JSON: content}}

    def _resolved(self, schema: Schema) -> Schema:
        reference = schema.get("$ref")
        return self._components[reference.rsplit("/", 1)[-1]] if reference else schema

    def _parameters(self, n: int, route: Route) -> list[Schema]:
        found = [
            _parameter(value.name, "path", cleaned(value.schema, is_input=True), True) for value in route.inputs.path
        ]
        if route.inputs.query is not None:
            model = self._resolved(self._schemas[n, "query"])
            found += [
                _parameter(name, "query", schema, name in model.get("required", ()))
                for name, schema in model.get("properties", {}).items()
            ]
        if route.inputs.listing is not None:
            found += self._listing(n, route)
        for name, given in route.inputs.headers.items():
            found.append(_parameter(given.header, "header", self._schemas[n, f"header.{name}"], given.is_required))
        if (guests := guests_of(route)) is not None and not route.is_public:
            named: Schema = {"type": "string", "format": "uuid", "description": f"For whom an {guests.name} calls."}
            found.append(_parameter(guests.header, "header", named))
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
            deep = f"Pages are numbered up to row {MAX_OFFSET:,}; beyond that `cursor` leads on."
            most = f"At most {MAX_LIMIT} are given; of more it is said what it was clamped from."
            found = [
                _parameter("page", "query", {**whole, "default": 1, "description": deep}),
                _parameter("limit", "query", {**whole, "default": limit, "description": most}),
            ]
        if grammar.has_cursor:
            text = "The cursor of the page before, in the same order; takes the place of `page`."
            found.append(_parameter("cursor", "query", {"type": "string", "description": text}))
        if sorts := list(grammar.public_sorts):
            words = [*sorts, *(f"-{name}" for name in sorts)]
            listed = {"type": "array", "items": {"type": "string", "enum": words}}
            text = f"`-` is the other way round; at most {MAX_SORTS}."
            found.append(_parameter("sort", "query", {**listed, "description": text}))
        for name, kind in _filters(route):
            schema = self._schemas[n, f"filter.{name}"]
            if not isinstance(kind, Once):
                schema = {**schema, "maxItems": MAX_VALUES, "description": "Any of these."}
            found.append(_parameter(name, "query", schema))
        if grammar.searches:
            text = "Beginnings of words and codes, and the first or last digits of a phone."
            schema = {"type": "string", "maxLength": MAX_SEARCH, "description": text}
            found.append(_parameter("search", "query", schema))
        return found

    # ------------------------------------------------------------ answers

    def _responses(self, n: int, route: Route, operation_id: str) -> Schema:
        found: Schema = {}
        variants = _variants(route.returns)
        title = "".join(part[:1].upper() + part[1:] for part in operation_id.split("_"))
        schemas = [s for v in variants if (s := self._success(n, route, v)) is not None]
        schemas = [self._named(f"{title}Answer{number or ''}", s) for number, s in enumerate(schemas)]
        content: Schema = {}
        if schemas:
            content[JSON] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
        if File in variants:
            content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
        good: Schema = {"description": "Done", "headers": {"X-Request-ID": header("X-Request-ID")}}
        if route.inputs.query is not None or route.inputs.listing is not None or route.audience.drops_unknown_keys:
            good["headers"]["X-Ignored-Fields"] = header("X-Ignored-Fields")
        if route.idempotency is not None:
            good["headers"]["Idempotent-Replayed"] = header("Idempotent-Replayed")
        if any(get_origin(v) is Ready for v in variants):
            good["headers"]["ETag"] = header("ETag")
            found["304"] = {"description": "Nothing has changed.", "headers": {"ETag": header("ETag")}}
        if content:
            good["content"] = content
        found[str(204 if variants == [NoContent] else route.status)] = good
        for status in self._possible(route):
            found[status] = {"$ref": f"#/components/responses/{route.audience.dialect.name}_{status}"}
        return found

    def _named(self, name: str, schema: Schema) -> Schema:
        """The same as a component, so that generators call it by a name of its own."""
        if "properties" not in schema:
            return schema
        data = schema["properties"].get("data", {})
        if "properties" in data:
            schema = {**schema, "properties": {**schema["properties"], "data": self._named(f"{name}Data", data)}}
        self._components[name] = {**schema, "title": name}
        return {"$ref": REF.format(model=name)}

    def _possible(self, route: Route) -> Iterable[str]:
        has_body = route.inputs.body is not None or bool(route.inputs.raw_body) or bool(route.inputs.upload)
        wanted = {str(route.audience.dialect.invalid_status), "429", "500", "503"}
        if has_body:
            wanted |= {"400", "413"}
        if not route.is_public or route.method != "GET" or guests_of(route) is not None:
            wanted |= {"401", "403"}
        if route.inputs.path or has_body or not route.is_public:
            # Also what the token or the body names may be gone.
            wanted |= {"404"}
        if route.method != "GET":
            wanted |= {"409"}
        return sorted(wanted)

    def _success(self, n: int, route: Route, variant: Any) -> Schema | None:
        """The envelope of one kind of result; None for what is not JSON."""
        origin = get_origin(variant) or variant
        if origin in (File, NoContent):
            return None
        data = next((self._schemas[n, f"data.{kind}"] for kind in _data_types(variant)), None)
        extra = next((self._resolved(self._schemas[n, f"extra.{kind}"]) for kind in _extra_types(variant)), {})
        if origin is Bare:
            return data or {"type": "object", "additionalProperties": True}
        if origin is Whole:
            return _whole_schema(data or {})
        if origin in (Page, PageWith):
            return _page_schema(route, data or {}, extra)
        properties: Schema = {"success": {"type": "boolean", "const": True}}
        required = ["success"]
        if data is not None:
            properties["data"] = data
            required.append("data")
        if origin in (Message, MessageWith, Reply, ReplyWith):
            properties["message"] = {"type": "string"}
            required += ["message"] if origin in (Message, MessageWith) else []
        if route.audience.dialect.stamps_success:
            properties["timestamp"] = {"type": "string", "format": "date-time"}
            required.append("timestamp")
        properties |= extra.get("properties", {})
        return {"type": "object", "required": [*required, *extra.get("required", [])], "properties": properties}


# ---------------------------------------------------------------- parts


#: A form with one or more files, and fields beside them.
def _upload(route: Route) -> Schema:
    """The files that a route takes, by field, and any text beside them."""
    rules = route.inputs.upload_rules
    assert rules is not None, "an upload has its rules"
    one: Schema = {
        "type": "string", "format": "binary",
        "description": f"At most {rules.most_bytes} bytes; {', '.join(sorted(rules.kinds))}.",
    }  # fmt: skip
    fields = {
        name: one if most == 1 else {"type": "array", "items": one, "maxItems": most}
        for name, most in rules.fields.items()
    }
    return {"type": "object", "properties": fields, "additionalProperties": {"type": "string"}}


def _tags(route: Route) -> list[str]:
    return [f"{route.audience.name}: {tag}" for tag in route.tags] or [route.audience.name]


def _limits(route: Route) -> list[str]:
    """What of it one may ask, with the amounts that the settings have by themselves."""
    general = (route.audience.limit,) if route.is_limited else ()
    found = [
        f"Limit: {_amount(limit.setting)} requests in {limit.window_s} s per {limit.per}."
        for limit in route.apart or general
    ]
    found += [f"Limit: {_amount(q.setting)} in {q.window_s} s per {q.per}." for q in route.quotas]
    if route.inputs.body is not None:
        found.append(f"The body has at most {route.body_bytes // 1024} KiB.")
    return found


def _amount(setting: str) -> str:
    return str(Limits.model_fields[setting].default)


def _filters(route: Route) -> list[tuple[str, Any]]:
    return list(route.listing.filters.items()) if route.listing is not None else []


def _variants(returns: Any) -> list[Any]:
    if returns is None or returns is type(None):
        return [None]
    # A generic result is one thing, a union several.
    if get_origin(returns) in (*_CARRIERS, MessageWith, list, dict, tuple):
        return [returns]
    parts = [part for part in get_args(returns) if part is not type(None)]
    return parts or [returns]


def _data_types(returns: Any) -> list[Any]:
    """The models inside what an endpoint returns."""
    found = []
    for variant in _variants(returns):
        origin = get_origin(variant)
        if origin in _CARRIERS:
            inner = get_args(variant)[0]
            found += [] if inner in (type(None), Any) else [inner]
        elif origin is not MessageWith and variant not in (*_PLAIN, Reply, Page, Bare):
            found.append(variant)
    return found


def _extra_types(returns: Any) -> list[Any]:
    """The models whose fields stand beside what an endpoint returns."""
    return [
        get_args(variant)[-1]
        for variant in _variants(returns)
        if get_origin(variant) in (ReplyWith, PageWith, MessageWith)
    ]


def _parameter(name: str, place: str, schema: Schema, required: bool = False) -> Schema:
    clean = {key: value for key, value in schema.items() if key != "title"}
    parameter: Schema = {"name": name, "in": place, "required": required, "schema": clean}
    if "description" in clean:
        parameter["description"] = clean.pop("description")
    if place == "query" and clean.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter


def _pages_word(dialect: Dialect) -> str:
    return {"integration": "pages", "minuteserv": "total_pages", "erp": "last_page"}.get(dialect.name, "totalPages")


def _pagination_name(dialect: Dialect) -> str:
    return f"{dialect.name.title()}Pagination"


def _pagination(dialect: Dialect) -> Schema:
    whole = {"type": "integer", "minimum": 0}
    exact = {"type": "boolean", "description": f"false: there are more than the {MAX_COUNTED:,} of `total`."}
    cursor = {"type": ["string", "null"], "description": "Leads to the next page; null on the last one."}
    clamped = {"type": "integer", "description": "The limit that was asked for, where it was too high."}
    is_camel = dialect.is_camel
    properties: Schema = {
        "current_page" if dialect is ERP else "page": whole, "per_page" if dialect is ERP else "limit": whole,
        "total": whole, _pages_word(dialect): whole,
        "totalIsExact" if is_camel else "total_is_exact": exact, "cursor": cursor,
    }  # fmt: skip
    required = list(properties)
    properties["clampedFrom" if is_camel else "clamped_from"] = clamped
    if dialect is ERP:
        properties |= {"from": {"type": ["integer", "null"]}, "to": {"type": ["integer", "null"]}}
    return {"type": "object", "title": _pagination_name(dialect), "required": required, "properties": properties}


def _whole_schema(item: Schema) -> Schema:
    properties: Schema = {
        "success": {"type": "boolean", "const": True}, "data": {"type": "array", "items": item},
        "total": {"type": "integer", "minimum": 0},
    }  # fmt: skip
    return {"type": "object", "required": list(properties), "properties": properties}


def _page_schema(route: Route, item: Schema, extra: Schema) -> Schema:
    items: Schema = {"type": "array", "items": item}
    dialect = route.audience.dialect
    key = route.listing.key if route.listing is not None else None
    pagination: Schema = {"$ref": REF.format(model=_pagination_name(dialect))}
    beside, needed = extra.get("properties", {}), extra.get("required", [])
    success = {"type": "boolean", "const": True}
    if dialect is ERP and key is None:
        properties = {"success": success, "data": items, "pagination": pagination, **beside}
        return {"type": "object", "required": ["success", "data", "pagination", *needed], "properties": properties}
    if dialect is ERP:
        inner = {"allOf": [pagination, {"type": "object", "required": ["data"], "properties": {"data": items}}]}
        return {"type": "object", "required": [str(key), *needed], "properties": {str(key): inner, **beside}}
    name = key or "items"
    data: Schema = {
        "type": "object", "required": [name, "pagination", *needed],
        "properties": {name: items, "pagination": pagination, **beside},
    }  # fmt: skip
    answer: Schema = {"success": success, "data": data}
    required = ["success", "data"]
    if dialect.stamps_success:
        answer["timestamp"] = {"type": "string", "format": "date-time"}
        required.append("timestamp")
    return {"type": "object", "required": required, "properties": answer}
