"""The models of the wire as schemas that generators can use: each named once, each typed, each with an example."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic.json_schema import DefsRef, GenerateJsonSchema

Schema = dict[str, Any]

#: Whose models are everybody's, by their own names.
_SHARED = ("api.shared.", "api.wire.")
REF = "#/components/schemas/{model}"
#: A time of day as it is answered, and as it is taken.
CLOCK = "HH:MM:SS, as the clocks of the place show it"
CLOCK_IN = "HH:MM, HH:MM:SS or HH:MM AM, as the clocks of the place show it"


class SteadyNames(GenerateJsonSchema):
    """Models of an audience are called by their module always, not only while another has the same name: what is added
    to one audience must not rename what clients of another were generated from.
    """

    def get_defs_ref(self, core_mode_ref: Any) -> DefsRef:
        found = super().get_defs_ref(core_mode_ref)
        core_ref = core_mode_ref[0]
        if core_ref.startswith("api.") and not core_ref.startswith(_SHARED) and "[" not in core_ref:
            # The first two are the bare name, with and without what it is used for.
            self._prioritized_defsref_choices[found] = self._prioritized_defsref_choices[found][2:]
        return found


def short_names(components: Mapping[str, Schema]) -> dict[str, str]:
    """A readable name for each component: `api__customer__bookings__BookingOut` is CustomerBookingsBookingOut."""
    found: dict[str, str] = {}
    for name in components:
        parts = [p for p in re.split(r"__|-", name) if p not in ("api", "")]
        words = [word for part in parts for word in (part.split("_") if part.islower() else [part])]
        short = "".join(word[:1].upper() + word[1:] for word in words)
        if short in found.values():
            raise ValueError(f"two models are called {short}")
        found[name] = short
    return found


def renamed(node: Any, names: Mapping[str, str]) -> Any:
    """The same with every reference by its short name."""
    if isinstance(node, dict):
        return {
            key: REF.format(model=names[value.rsplit("/", 1)[-1]])
            if key == "$ref" and value.rsplit("/", 1)[-1] in names
            else renamed(value, names)
            for key, value in node.items()
        }
    return [renamed(value, names) for value in node] if isinstance(node, list) else node


def cleaned(node: Any, *, is_input: bool, in_properties: bool = False) -> Any:
    """Without what misleads generators: titles of fields, defaults of null, a `format: time` that is another."""
    if isinstance(node, list):
        return [cleaned(value, is_input=is_input) for value in node]
    if not isinstance(node, dict):
        return node
    if in_properties:
        return {name: cleaned(schema, is_input=is_input) for name, schema in node.items()}
    found = {
        key: cleaned(value, is_input=is_input, in_properties=key in ("properties", "$defs"))
        for key, value in node.items()
        if key != "propertyNames"
        and not (key == "title" and isinstance(value, str))
        and not (key == "default" and value is None)
    }
    if is_input and "default" in found:
        # Generators make a field with a default one that must be there.
        default = found.pop("default")
        if default not in ([], {}):
            shown = str(default).lower() if isinstance(default, bool) else default
            found["description"] = f"{found.get('description', '')} Without it: {shown}.".strip()
    if found.get("format") == "time":
        del found["format"]
        found.setdefault("description", CLOCK_IN if is_input else CLOCK)
        found["examples"] = ["10:00 AM"] if is_input else ["10:00:00"]
    if "const" in found and "type" not in found:
        found["type"] = {bool: "boolean", str: "string", int: "integer"}[type(found["const"])]
    return found


def closed(components: Mapping[str, Schema], roots: Iterator[str]) -> None:
    """Says of these models, and of all within, that a key they do not know is refused."""
    waiting, seen = list(roots), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in components:
            continue
        seen.add(name)
        schema = components[name]
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        waiting += references(schema)


def references(node: Any) -> list[str]:
    """The names of the models that a schema refers to."""
    if isinstance(node, dict):
        own = [node["$ref"].rsplit("/", 1)[-1]] if isinstance(node.get("$ref"), str) else []
        return own + [name for value in node.values() for name in references(value)]
    return [name for value in node for name in references(value)] if isinstance(node, list) else []


def closure(parts: Mapping[str, Schema], roots: Iterable[Schema]) -> set[str]:
    """The names of all models that these name, and that those name in turn."""
    waiting, seen = [name for schema in roots for name in references(schema)], set[str]()
    while waiting:
        if (name := waiting.pop()) not in seen:
            seen.add(name)
            waiting += references(parts.get(name, {}))
    return seen


# ---------------------------------------------------------------- examples

#: What fields of these names hold, in the contract's own example values.
_VALUES: Mapping[str, Any] = {
    "phone_number": "+911234567890", "phone": "+911234567890", "customer_phone": "+911234567890", "otp_code": "123456",
    "otp": "123456", "email": "john@example.com", "customer_email": "john@example.com", "name": "John Doe",
    "customer_name": "John Doe", "pincode": "700001", "city": "Kolkata", "state": "West Bengal", "country": "IN",
    "address_line1": "12 Park Street", "lat": 22.5726, "lng": 88.3639, "current_lat": 22.5726, "current_lng": 88.3639,
    "booking_date": "2026-01-31", "booking_time": "10:00 AM", "start": "09:00", "end": "18:00", "day": 1,
    "days": [1, 2, 3],
    "reason": "Change of plans", "feedback": "Very good", "rating": 5, "currency": "INR", "promo_code": "WELCOME10",
    "code": "WELCOME10", "ifsc_code": "HDFC0001234", "account_number": "50100012345678", "start_code": "4711",
    "refresh_token": "the refresh_token of the sign-in", "password": "a long password",
    "token": "the-token-that-was-sent", "message": "I have a question.",
    "subject": "A question", "bank_name": "HDFC Bank", "account_holder_name": "John Doe",
    "razorpay_order_id": "order_9A33XWu170gUtm", "razorpay_payment_id": "pay_29QQoUBi66xm2f",
    "razorpay_signature": "9ef4dffbfd84f1318f6739a3ce19f9d85851857ae648f114332d8401e0949a3d",
    "policy_accepted": True, "cancellation_policy_accepted": True,
}  # fmt: skip
_FORMATS: Mapping[str, Any] = {
    "uuid": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "date": "2026-01-31", "date-time": "2026-01-31T10:00:00Z",
    "email": "john@example.com", "uri": "https://example.com", "time": "10:00",
}  # fmt: skip


def example(schema: Schema, components: Mapping[str, Schema], name: str = "", depth: int = 0) -> Any:
    """A valid value, as small as it may be but for what makes a body meaningful: its required fields."""
    if "$ref" in schema:
        return example(components[references(schema)[0]], components, name, depth + 1)
    for given in ("example", "const"):
        if given in schema:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    if name in _VALUES and depth:
        return _VALUES[name]
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return example(next(s for s in schema[several] if s.get("type") != "null"), components, name, depth)
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        fields = schema.get("properties", {})
        wanted = schema.get("required") or list(fields)[:3]
        return {f: example(fields[f], components, f, depth + 1) for f in wanted if depth < 8}
    if kind == "array":
        return [example(schema.get("items", {}), components, name.removesuffix("s"), depth + 1)]
    if "format" in schema and schema["format"] in _FORMATS:
        return _FORMATS[schema["format"]]
    if schema.get("examples"):
        return schema["examples"][0]
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema))
    plain = {"boolean": True, "integer": max(1, int(least)), "number": max(1, least), "null": None}
    return plain.get(str(kind), "text")
