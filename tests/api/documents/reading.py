"""Reads a document of ours."""

from __future__ import annotations

from typing import Any


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found


def references_of(node: Any) -> list[str]:
    """Everything that it refers to, by its place in the document."""
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [r for value in node.values() for r in references_of(value)]
    return [r for value in node for r in references_of(value)] if isinstance(node, list) else []
