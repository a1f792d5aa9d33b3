"""How refusals look in the document: a body per dialect, the codes of each status, and the headers beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from api.documents.schemas import REF, Schema
from api.route import Audience
from api.wire.dialects import ERP, INTEGRATION, PROVIDER, Dialect
from dispatch.errors import DispatchError

JSON = "application/json"

#: What can happen, by status; the dialect says how it looks.
TEXTS = {
    "400": "The request cannot be read.",
    "401": "Sign in first.",
    "403": "You may not do this.",
    "404": "There is no such thing, or it is somebody else's.",
    "409": "The state of things does not allow this.",
    "413": "The body is too large.",
    "422": "The request is not valid; every bad field is named.",
    "429": "Too many requests.",
    "500": "A fault of ours; quote X-Request-ID.",
    "503": "Not available just now.",
}
#: Codes that no DispatchError stands for.
_OTHERS = {
    "400": ["MALFORMED_JSON"], "404": ["NOT_FOUND"], "413": ["PAYLOAD_TOO_LARGE"], "500": ["INTERNAL_SERVER_ERROR"],
}  # fmt: skip

HEADERS: dict[str, Schema] = {
    "X-Request-ID": {"description": "Names this request in our logs.", "schema": {"type": "string"}},
    "X-Ignored-Fields": {
        "description": "Names of query and body that mean nothing here and were dropped.", "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Send it as If-None-Match: while nothing changed the answer is 304 without a body.",
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds after which to come back.", "schema": {"type": "integer", "minimum": 1}},
    "Idempotent-Replayed": {
        "description": "`true` when this is the stored answer to a repetition.", "schema": {"type": "string"},
    },
}  # fmt: skip


def header(name: str) -> Schema:
    return {"$ref": f"#/components/headers/{name}"}


def kinds(base: type[DispatchError] = DispatchError) -> Iterator[type[DispatchError]]:
    yield base
    for kind in base.__subclasses__():
        yield from kinds(kind)


def codes(dialect: Dialect) -> dict[str, list[str]]:
    """Status -> the codes that may stand there."""
    found: dict[str, set[str]] = {status: set(names) for status, names in _OTHERS.items()}
    for kind in kinds():
        # What only a test or the command line raises is not the server's.
        if kind.__module__.startswith(("api.", "dispatch.")) and ".cli" not in kind.__module__:
            found.setdefault(str(dialect.status_of(kind.kind)), set()).add(kind.code.upper())
    return {status: sorted(names) for status, names in found.items()}


def error_name(dialect: Dialect) -> str:
    return f"{dialect.name.title()}Error"


def invalid_name(dialect: Dialect) -> str:
    return f"{dialect.name.title()}Invalid"


def schemas(dialects: Sequence[Dialect]) -> dict[str, Schema]:
    """The error body of each dialect, and the one of a request that is not valid."""
    found: dict[str, Schema] = {}
    for dialect in dialects:
        anything: Schema = {"type": "object", "additionalProperties": True, "description": "What the code is about."}
        found[error_name(dialect)] = _error(dialect, error_name(dialect), anything)
        by_field: Schema = {
            "type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "description": "Each bad field by its name, with sentences for a person.",
        }  # fmt: skip
        found[invalid_name(dialect)] = _error(dialect, invalid_name(dialect), by_field)
    return found


def _error(dialect: Dialect, name: str, details: Schema) -> Schema:
    text = {"type": "string"}
    properties: Schema = {
        "success": {"type": "boolean", "const": False},
        "error": {
            "type": "object", "title": f"{name}Inner", "required": ["code", "message"],
            "properties": {
                "code": {**text, "description": "Stable; see the status."}, "message": text, "details": details,
            },
        },
        "message": {**text, "description": "A sentence for the person who reads it."},
        "timestamp": {"type": "string", "format": "date-time"},
    }  # fmt: skip
    if dialect in (ERP, PROVIDER):
        properties["errors"] = {"type": "object", "additionalProperties": {"type": "array", "items": text}}
    if dialect is INTEGRATION:
        properties["code"] = text
        one = {
            "type": "object", "title": f"{name}Field", "required": ["field", "message"],
            "properties": {"field": text, "message": text},
        }  # fmt: skip
        properties["errors"] = {"type": "array", "items": one}
    return {
        "type": "object", "title": name, "required": ["success", "error", "message", "timestamp"],
        "properties": properties,
    }  # fmt: skip


def responses(audiences: Sequence[Audience]) -> dict[str, Schema]:
    """The shared responses, one for each dialect and status."""
    found = {}
    for dialect in {a.dialect.name: a.dialect for a in audiences}.values():
        known = codes(dialect)
        for status, text in TEXTS.items():
            if status not in known:
                continue
            is_invalid = int(status) == dialect.invalid_status
            model = invalid_name(dialect) if is_invalid else error_name(dialect)
            headers = {"X-Request-ID": header("X-Request-ID")}
            if status in ("429", "503", "409"):
                headers["Retry-After"] = header("Retry-After")
            found[f"{dialect.name}_{status}"] = {
                "description": _with_codes(text, known.get(status, [])),
                "headers": headers,
                "content": {JSON: {"schema": {"$ref": REF.format(model=model)}}},
                "x-error-codes": known.get(status, []),
            }
    return found


def _with_codes(text: str, names: Sequence[str]) -> str:
    return f"{text} Codes: {', '.join(names)}." if names else text
