"""What an operation takes beside its body: path, query, headers, and the grammar of lists; and the form of uploads."""

from __future__ import annotations

from api.documents.models import Models, filters_of
from api.documents.schemas import Schema, cleaned
from api.documents.security import guests_of
from api.route import Route
from api.wire.listing import MAX_SEARCH, MAX_VALUES, Grammar, Once
from storage.database.listing import MAX_LIMIT, MAX_OFFSET, MAX_SORTS


def parameters(route: Route, models: Models) -> list[Schema]:
    """All of them, in the order in which they are read."""
    found = [
        _parameter(value.name, "path", cleaned(value.schema, is_input=True), True) for value in route.inputs.path
    ]
    if route.inputs.query is not None:
        model = models.resolved(models.of(route, "query"))
        found += [
            _parameter(name, "query", schema, name in model.get("required", ()))
            for name, schema in model.get("properties", {}).items()
        ]
    if route.inputs.listing is not None:
        found += _listing(route, models)
    for name, given in route.inputs.headers.items():
        found.append(_parameter(given.header, "header", models.of(route, f"header.{name}"), given.is_required))
    if (guests := guests_of(route)) is not None and not route.is_public:
        named: Schema = {"type": "string", "format": "uuid", "description": f"For whom an {guests.name} calls."}
        found.append(_parameter(guests.header, "header", named))
    if route.idempotency is not None:
        schema = {"type": "string", "minLength": 16, "maxLength": 255}
        found.append(_parameter("X-Idempotency-Key", "header", schema, route.idempotency == "required"))
    return found


def _listing(route: Route, models: Models) -> list[Schema]:
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
    for name, kind in filters_of(route).items():
        schema = models.of(route, f"filter.{name}")
        if not isinstance(kind, Once):
            schema = {**schema, "maxItems": MAX_VALUES, "description": "Any of these."}
        found.append(_parameter(name, "query", schema))
    if grammar.searches:
        text = "Beginnings of words and codes, and the first or last digits of a phone."
        schema = {"type": "string", "maxLength": MAX_SEARCH, "description": text}
        found.append(_parameter("search", "query", schema))
    return found


def _parameter(name: str, place: str, schema: Schema, required: bool = False) -> Schema:
    clean = {key: value for key, value in schema.items() if key != "title"}
    parameter: Schema = {"name": name, "in": place, "required": required, "schema": clean}
    if "description" in clean:
        parameter["description"] = clean.pop("description")
    if place == "query" and clean.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter


def upload(route: Route) -> Schema:
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
