"""Facts as callers with camelCase keys and money of their own units get them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic.alias_generators import to_camel

_MINOR = "_minor"


class Units(Protocol):
    """The part of a dialect that an amount needs."""

    def money(self, minor: int) -> int | float: ...


def camel_fact(data: Mapping[str, Any], dialect: Units) -> dict[str, Any]:
    """`amount_minor` is `amount` in the dialect's units, all else keeps its value under a camelCase key."""
    shown: dict[str, Any] = {}
    for key, value in data.items():
        if key.endswith(_MINOR) and isinstance(value, int):
            shown[to_camel(key.removesuffix(_MINOR))] = dialect.money(value)
        else:
            shown[to_camel(key)] = value
    return shown
