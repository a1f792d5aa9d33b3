"""The part of the OpenAPI document that forms and lists of a page are made from, for those who may use that API.

An operation says in `x-permission` what it takes, so that a page shows nobody what they may not do.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import orjson
from aiohttp import web

from api.audiences import admin, customer, technician
from api.core import CORE
from api.documents.openapi import openapi_document
from api.edge.credentials import Credentials
from api.route import Audience

_AUDIENCES: Mapping[str, Audience] = {a.name: a for a in (admin, technician, customer)}
_REF = "#/components/schemas/"
_MAKING = asyncio.Lock()


async def schema(request: web.Request) -> web.StreamResponse:
    """Operations of one audience and the models that they name. Raises NotSignedIn, as that API does."""
    audience = _AUDIENCES.get(request.match_info["audience"])
    if audience is None:
        raise web.HTTPNotFound
    await audience.authenticate(request.app[CORE].services, Credentials(request.headers))
    async with _MAKING:
        # Seconds of work where it is made for the first time: no ping waits for it.
        body, tag = await asyncio.to_thread(_document, audience.name)
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=body, content_type="application/json", headers=headers)
    response.enable_compression()
    return response


@lru_cache(maxsize=8)
def _document(name: str) -> tuple[bytes, str]:
    routes = _AUDIENCES[name].routes
    whole = openapi_document(routes)
    paths = whole["paths"]
    needed = {(r.path, r.method.lower()): r.permission for r in routes if r.permission is not None}
    for path, operations in paths.items():
        for method, operation in operations.items():
            if permission := needed.get((path, method)):
                operation["x-permission"] = permission
            operation["responses"] = {s: a for s, a in operation["responses"].items() if s.startswith("2")}
    schemas: dict[str, Any] = {}
    waiting = list(_refs(paths))
    while waiting:
        one = waiting.pop()
        if one not in schemas:
            schemas[one] = whole["components"]["schemas"][one]
            waiting += _refs(schemas[one])
    body = orjson.dumps({"paths": paths, "schemas": schemas})
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'


def _refs(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str) and value.startswith(_REF):
                yield value.removeprefix(_REF)
            else:
                yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def add_schema(app: web.Application) -> None:
    app.router.add_get("/console/schema/{audience}.json", schema)
