"""Facts as callers with camelCase keys and money of their own units get them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from api.wire.dialects import Dialect

_MINOR = "_minor"


def camel_fact(data: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    """`amount_minor` is `amount` in the dialect's units, all else keeps its value under a camelCase key."""
    shown: dict[str, Any] = {}
    for key, value in data.items():
        if key.endswith(_MINOR) and isinstance(value, int):
            shown[to_camel(key.removesuffix(_MINOR))] = dialect.money(value)
        else:
            shown[to_camel(key)] = value
    return shown
