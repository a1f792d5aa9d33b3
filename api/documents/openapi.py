"""The route table as an OpenAPI 3.1 document: the same models that check requests describe them, and make clients."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any, get_origin

import orjson

from api.documents import refusals
from api.documents.models import Models
from api.documents.parameters import parameters, upload
from api.documents.refusals import JSON, header
from api.documents.results import answer_of, data_types, extra_types, pagination, pagination_name, variants
from api.documents.schemas import Schema, closure, example
from api.documents.security import guests_of, rights, schemes, ways
from api.route import Route
from api.wire.results import File, NoContent, Ready
from dispatch.config.limits import Limits


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
        self._models = Models(routes)

    def document(self) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        taken_ids: set[str] = set()
        for route in self._routes:
            operation_id = route.operation_id
            if operation_id in taken_ids:
                operation_id += f"_{route.method.lower()}"
            taken_ids.add(operation_id)
            paths.setdefault(route.path, {})[route.method.lower()] = self._operation(route, operation_id)
        audiences = list(self._audiences.values())
        dialects = list({a.dialect.name: a.dialect for a in audiences}.values())
        pages = {pagination_name(d): pagination(d) for d in dialects}
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
                "schemas": self._models.components | pages | refusals.schemas(dialects),
                "responses": refusals.responses(audiences),
                "headers": refusals.HEADERS,
                "securitySchemes": schemes(audiences),
            },
        }

    # ------------------------------------------------------------ one route

    def _operation(self, route: Route, operation_id: str) -> Schema:
        text = route.description
        operation: Schema = {
            "operationId": operation_id,
            "summary": text.split("\n")[0] or route.template,
            "description": "\n\n".join([text, *rights(route), *_limits(route)]).strip(),
            "tags": _tags(route),
            "parameters": parameters(route, self._models),
            "responses": self._responses(route, operation_id),
            "security": ways(route, self._audiences),
        }
        if route.inputs.body is not None:
            operation["requestBody"] = self._body(route)
        elif route.inputs.raw_body:
            anything = {"type": "object", "additionalProperties": True}
            operation["requestBody"] = {"required": True, "content": {JSON: {"schema": anything, "example": {}}}}
        elif route.inputs.upload:
            content = {"multipart/form-data": {"schema": upload(route)}}
            operation["requestBody"] = {"required": True, "content": content}
        return operation

    def _body(self, route: Route) -> Schema:
        models, given = self._models, route.example
        schema = models.of(route, "body")
        shown = example(schema, models.components) if given is None else orjson.loads(given)
        has_default = route.inputs.body_default is None
        required = bool(models.resolved(schema).get("required"))
        return {"required": required and not has_default, "content": {JSON: {"schema": schema, "example": shown}}}

    # ------------------------------------------------------------ answers

    def _responses(self, route: Route, operation_id: str) -> Schema:
        found: Schema = {}
        kinds = variants(route.returns)
        title = "".join(part[:1].upper() + part[1:] for part in operation_id.split("_"))
        schemas = [s for v in kinds if (s := self._success(route, v)) is not None]
        schemas = [self._models.named(f"{title}Answer{number or ''}", s) for number, s in enumerate(schemas)]
        content: Schema = {}
        if schemas:
            content[JSON] = {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}
        if File in kinds:
            content["application/octet-stream"] = {"schema": {"type": "string", "format": "binary"}}
        good: Schema = {"description": "Done", "headers": {"X-Request-ID": header("X-Request-ID")}}
        if route.inputs.query is not None or route.inputs.listing is not None or route.audience.drops_unknown_keys:
            good["headers"]["X-Ignored-Fields"] = header("X-Ignored-Fields")
        if route.idempotency is not None:
            good["headers"]["Idempotent-Replayed"] = header("Idempotent-Replayed")
        if any(get_origin(v) is Ready for v in kinds):
            good["headers"]["ETag"] = header("ETag")
            found["304"] = {"description": "Nothing has changed.", "headers": {"ETag": header("ETag")}}
        if content:
            good["content"] = content
        found[str(204 if kinds == [NoContent] else route.status)] = good
        for status in self._possible(route):
            found[status] = {"$ref": f"#/components/responses/{route.audience.dialect.name}_{status}"}
        return found

    def _success(self, route: Route, kind: Any) -> Schema | None:
        models = self._models
        data = next((models.of(route, f"data.{one}") for one in data_types(kind)), None)
        extra = next((models.resolved(models.of(route, f"extra.{one}")) for one in extra_types(kind)), {})
        return answer_of(route, kind, data, extra)

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


# ---------------------------------------------------------------- parts


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
