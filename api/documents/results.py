"""How results look in the document: the envelope of each kind in each dialect, and what lists say of their pages."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from api.documents.schemas import REF, Schema
from api.route import Route
from api.wire.dialects import ERP, Dialect
from api.wire.results import Bare, File, Message, MessageWith, NoContent, Page, PageWith, Ready, Reply, ReplyWith, Whole
from storage.database.listing import MAX_COUNTED

#: Results that are one thing, whose first parameter is what they carry.
_CARRIERS = (Reply, ReplyWith, Page, PageWith, Ready, Bare, Whole)
_PLAIN = (None, type(None), Message, File, NoContent)


def variants(returns: Any) -> list[Any]:
    """The kinds of result that an endpoint may return."""
    if returns is None or returns is type(None):
        return [None]
    # A generic result is one thing, a union several.
    if get_origin(returns) in (*_CARRIERS, MessageWith, list, dict, tuple):
        return [returns]
    parts = [part for part in get_args(returns) if part is not type(None)]
    return parts or [returns]


def data_types(returns: Any) -> list[Any]:
    """The models inside what an endpoint returns."""
    found = []
    for variant in variants(returns):
        origin = get_origin(variant)
        if origin in _CARRIERS:
            inner = get_args(variant)[0]
            found += [] if inner in (type(None), Any) else [inner]
        elif origin is not MessageWith and variant not in (*_PLAIN, Reply, Page, Bare):
            found.append(variant)
    return found


def extra_types(returns: Any) -> list[Any]:
    """The models whose fields stand beside what an endpoint returns."""
    return [
        get_args(variant)[-1]
        for variant in variants(returns)
        if get_origin(variant) in (ReplyWith, PageWith, MessageWith)
    ]


def answer_of(route: Route, variant: Any, data: Schema | None, extra: Schema) -> Schema | None:
    """The envelope of one kind of result, `extra` beside its data; None for what is not JSON."""
    origin = get_origin(variant) or variant
    if origin in (File, NoContent):
        return None
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
    paging: Schema = {"$ref": REF.format(model=pagination_name(dialect))}
    beside, needed = extra.get("properties", {}), extra.get("required", [])
    succeeded = {"type": "boolean", "const": True}
    if dialect is ERP and key is None:
        properties = {"success": succeeded, "data": items, "pagination": paging, **beside}
        return {"type": "object", "required": ["success", "data", "pagination", *needed], "properties": properties}
    if dialect is ERP:
        inner = {"allOf": [paging, {"type": "object", "required": ["data"], "properties": {"data": items}}]}
        return {"type": "object", "required": [str(key), *needed], "properties": {str(key): inner, **beside}}
    name = key or "items"
    data: Schema = {
        "type": "object", "required": [name, "pagination", *needed],
        "properties": {name: items, "pagination": paging, **beside},
    }  # fmt: skip
    answer: Schema = {"success": succeeded, "data": data}
    required = ["success", "data"]
    if dialect.stamps_success:
        answer["timestamp"] = {"type": "string", "format": "date-time"}
        required.append("timestamp")
    return {"type": "object", "required": required, "properties": answer}


# ---------------------------------------------------------------- pages


def _pages_word(dialect: Dialect) -> str:
    return {"integration": "pages", "minuteserv": "total_pages", "erp": "last_page"}.get(dialect.name, "totalPages")


def pagination_name(dialect: Dialect) -> str:
    return f"{dialect.name.title()}Pagination"


def pagination(dialect: Dialect) -> Schema:
    """What every list of a dialect says of its pages, as a component of that name."""
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
    return {"type": "object", "title": pagination_name(dialect), "required": required, "properties": properties}
