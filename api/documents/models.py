"""All models that routes take and give, as the components of one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from api.documents.results import data_types, extra_types
from api.documents.schemas import REF, Schema, SteadyNames, cleaned, closed, closure, references, renamed, short_names
from api.route import Route
from api.wire.listing import taken


class Models:
    """The components by their names, and of each route's parts the schema."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._number = {route: n for n, route in enumerate(routes)}
        wanted: list[tuple[tuple[int, str], Any, TypeAdapter[Any]]] = []
        for n, route in enumerate(routes):
            if route.inputs.body is not None:
                wanted.append(((n, "body"), "validation", route.inputs.body))
            if route.inputs.query is not None:
                wanted.append(((n, "query"), "validation", TypeAdapter(route.inputs.query.model)))
            for name, kind in filters_of(route).items():
                wanted.append(((n, f"filter.{name}"), "validation", TypeAdapter(taken(kind))))
            for name, given in route.inputs.headers.items():
                wanted.append(((n, f"header.{name}"), "validation", TypeAdapter(given.annotation)))
            for kind in data_types(route.returns):
                wanted.append(((n, f"data.{kind}"), "serialization", TypeAdapter(kind)))
            for kind in extra_types(route.returns):
                wanted.append(((n, f"extra.{kind}"), "serialization", TypeAdapter(kind)))
        # All models in one pass: those of the same name in different modules get different names.
        found, rest = TypeAdapter.json_schemas(wanted, ref_template=REF, schema_generator=SteadyNames)
        parts: dict[str, Schema] = rest.get("$defs", {})
        names = short_names(parts)
        inputs = closure(parts, (found[key, mode] for key, mode in found if key[1] == "body"))
        self.components: dict[str, Schema] = {
            names[name]: {**cleaned(renamed(schema, names), is_input=name in inputs), "title": names[name]}
            for name, schema in parts.items()
        }
        self._schemas: dict[Any, Schema] = {
            key: cleaned(renamed(schema, names), is_input=mode == "validation") for (key, mode), schema in found.items()
        }
        strict = [n for n, r in enumerate(routes) if not r.audience.drops_unknown_keys and r.inputs.body is not None]
        closed(self.components, (name for n in strict for name in references(self._schemas[n, "body"])))

    def of(self, route: Route, part: str) -> Schema:
        """The schema of `body`, `query`, `header.<name>`, `filter.<name>`, `data.<type>` or `extra.<type>`."""
        return self._schemas[self._number[route], part]

    def resolved(self, schema: Schema) -> Schema:
        """The same, or the component that it refers to."""
        reference = schema.get("$ref")
        return self.components[reference.rsplit("/", 1)[-1]] if reference else schema

    def named(self, name: str, schema: Schema) -> Schema:
        """The same as a component, so that generators call it by a name of its own."""
        if "properties" not in schema:
            return schema
        data = schema["properties"].get("data", {})
        if "properties" in data:
            schema = {**schema, "properties": {**schema["properties"], "data": self.named(f"{name}Data", data)}}
        self.components[name] = {**schema, "title": name}
        return {"$ref": REF.format(model=name)}


def filters_of(route: Route) -> Mapping[str, Any]:
    """What its list can be narrowed by."""
    return route.listing.filters if route.listing is not None else {}
