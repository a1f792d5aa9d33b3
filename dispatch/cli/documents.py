"""What the server says about itself: its routes, its documents, its settings."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from dispatch.cli.tools import write_json

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from dispatch.config import Settings

#: The settings that have another name in the environment than DISPATCH_...
_PLAIN_NAMES = {"database_url": "DATABASE_URL", "redis_url": "REDIS_URL"}


def routes(*, as_json: bool) -> None:
    from api.registry import route_table

    table = route_table()
    if as_json:
        write_json([dataclasses.asdict(row) for row in table])
        return
    widths = [max(len(getattr(row, name)) for row in table) for name in ("audience", "method", "path", "access")]
    for row in table:
        cells = (row.audience, row.method, row.path, row.access)
        print(
            "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)),
            row.summary,
            sep="  ",
        )


def openapi() -> None:
    from api.documents.openapi import openapi_document

    write_json(openapi_document())


def asyncapi() -> None:
    from api.documents.asyncapi import asyncapi_document

    write_json(asyncapi_document())


@dataclasses.dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its variable in the environment, its group's purpose, and its field."""

    name: str
    group: str
    field: FieldInfo
    path: tuple[str, ...]


def variables(model: type[BaseModel], path: tuple[str, ...] = (), group: str = "General") -> Iterator[Variable]:
    """Every setting, the ungrouped ones first, then group by group in the order of the model."""
    from dispatch.config.environment import group_of

    nested = []
    for name, field in model.model_fields.items():
        here = (*path, name)
        if (inner := group_of(field)) is not None:
            nested.append((inner, here))
        else:
            yield Variable(_variable(here), group, field, here)
    for inner, here in nested:
        title = (inner.__doc__ or "").strip().split("\n")[0].rstrip(".")
        yield from variables(inner, here, title)


def _variable(path: tuple[str, ...]) -> str:
    return _PLAIN_NAMES.get(path[0]) or "DISPATCH_" + "__".join(part.upper() for part in path)


def settings_markdown() -> str:
    """The README's table: every variable with its default and what it is for."""
    from dispatch.config import Settings

    lines, group = [], ""
    for variable in variables(Settings):
        if variable.group != group:
            group = variable.group
            lines += [
                "",
                f"**{group}**",
                "",
                "| variable | default | what it is for |",
                "| --- | --- | --- |",
            ]
        default = _shown(variable.field.get_default(call_default_factory=False))
        if variable.path == ("data",):
            default = "`/var/lib/dispatch` as root, else `~/.local/share/dispatch`"
        lines.append(f"| `{variable.name}` | {default} | {variable.field.description} |")
    return "\n".join(lines).strip()


def _shown(default: Any) -> str:
    if default in (None, "", [], {}) or hasattr(default, "get_secret_value"):
        return ""
    return f"`{_plain(default)}`"


def _plain(value: Any) -> str:
    """As one would write it in the environment."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | dict):
        return orjson.dumps(value, default=_jsonable).decode()
    return str(value)


def _jsonable(value: Any) -> Any:
    """Secrets stay hidden: their text is their stars."""
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else str(value)


def settings_table(settings: Settings) -> None:
    """Every variable with its value here; secrets are hidden."""
    from rich.console import Console
    from rich.table import Table

    from storage.database.hosts import without_password

    table = Table("variable", "value", "what it is for", box=None, pad_edge=False)
    for variable in variables(type(settings)):
        value: Any = settings
        for part in variable.path:
            value = getattr(value, part)
        if hasattr(value, "get_secret_value"):
            value = "(set)" if value.get_secret_value() else ""
        if isinstance(value, Path) or value is not None:
            value = _plain(value)
        if "://" in (value or ""):
            value = without_password(value)[0]
        table.add_row(variable.name, value or "", variable.field.description)
    Console(width=None if sys.stdout.isatty() else 160, markup=False).print(table)
