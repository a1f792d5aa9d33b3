"""SQL in files, bound to names: `-- name: accept` in sql/<noun>.sql is a typed coroutine in <noun>.py.

`-- part: columns` is a text that statements of the file take in by `{columns}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from importlib import resources
from typing import Any, Generic, TypeVar

from storage.database.pool import Conn, translated

T = TypeVar("T")

_NAME = re.compile(r"^-- (name|part): (\w+)\s*$", re.MULTILINE)
#: Where a statement takes a part: `{columns}`.
_PART = re.compile(r"\{([a-z_]\w*)\}")
#: A parameter; the look-behind leaves `::casts` alone.
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")
#: Text in which a colon is no parameter.
_LITERAL = re.compile(r"('(?:[^']|'')*'|--[^\n]*|\$\$.*?\$\$)", re.DOTALL)


class UnknownStatement(LookupError):
    """A module names a statement that its .sql file does not have."""


#: All statements that are bound, with the dataclass that their rows become; a test prepares each of them.
REGISTRY: list[Statement] = []


class Statement:
    """One named statement: the text with $n, and the parameters in that order."""

    __slots__ = ("_wanted", "name", "noun", "parameters", "row_type", "text")

    def __init__(self, noun: str, name: str, source: str, row_type: type[Any] | None = None) -> None:
        self.noun, self.name, self.row_type = noun, name, row_type
        self.text, self.parameters = to_positional(source)
        self._wanted = frozenset(self.parameters)
        REGISTRY.append(self)

    def arguments(self, given: Mapping[str, Any]) -> list[Any]:
        """The values in the statement's order. Raises TypeError for a missing or a surplus one."""
        if given.keys() != self._wanted:
            missing, surplus = self._wanted - given.keys(), given.keys() - self._wanted
            raise TypeError(f"{self.noun}.{self.name}: missing {sorted(missing)}, surplus {sorted(surplus)}")
        return [given[p] for p in self.parameters]


class Row(Statement, Generic[T]):
    """Gives one row or None."""

    async def __call__(self, conn: Conn, **given: Any) -> T | None:
        with translated():
            record = await conn.fetchrow(self.text, *self.arguments(given))
        return None if record is None else self.row_type(*record)  # type: ignore[misc]


class Rows(Statement, Generic[T]):
    """Gives all rows."""

    async def __call__(self, conn: Conn, **given: Any) -> list[T]:
        with translated():
            records = await conn.fetch(self.text, *self.arguments(given))
        make = self.row_type
        return [make(*record) for record in records]  # type: ignore[misc]


class Scalar(Statement, Generic[T]):
    """Gives the single column of the first row, or None."""

    async def __call__(self, conn: Conn, **given: Any) -> T | None:
        with translated():
            return await conn.fetchval(self.text, *self.arguments(given))  # type: ignore[no-any-return]


class Run(Statement):
    """Gives how many rows were affected."""

    async def __call__(self, conn: Conn, **given: Any) -> int:
        with translated():
            tag = await conn.execute(self.text, *self.arguments(given))
        last = tag.rsplit(" ", 1)[-1]
        return int(last) if last.isdecimal() else 0


class Many(Statement):
    """Runs the statement once for each set of parameters, in one round trip."""

    async def __call__(self, conn: Conn, given: Iterable[Mapping[str, Any]]) -> None:
        with translated():
            await conn.executemany(self.text, [self.arguments(g) for g in given])


class Statements:
    """The statements of one noun, from sql/<noun>.sql."""

    def __init__(self, noun: str) -> None:
        self.noun = noun
        self._sources, self._parts = split((resources.files("storage") / "sql" / f"{noun}.sql").read_text("utf-8"))

    def _source(self, name: str) -> str:
        if name not in self._sources:
            raise UnknownStatement(f"sql/{self.noun}.sql has no statement '{name}'")
        return filled(self._sources[name], self._parts)

    def part(self, name: str) -> str:
        """The text of a part: columns that are named once per row type, or where a list takes its rows from."""
        if name not in self._parts:
            raise UnknownStatement(f"sql/{self.noun}.sql has no part '{name}'")
        return filled(self._parts[name], self._parts)

    def row(self, name: str, row_type: type[T]) -> Row[T]:
        return Row(self.noun, name, self._source(name), row_type)

    def rows(self, name: str, row_type: type[T]) -> Rows[T]:
        return Rows(self.noun, name, self._source(name), row_type)

    def scalar(self, name: str, value_type: type[T]) -> Scalar[T]:
        return Scalar(self.noun, name, self._source(name))

    def run(self, name: str) -> Run:
        return Run(self.noun, name, self._source(name))

    def many(self, name: str) -> Many:
        return Many(self.noun, name, self._source(name))

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._sources)


def split(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Name -> statement, and name -> part. Raises ValueError for a name given twice."""
    pieces = _NAME.split(text)
    found: dict[str, dict[str, str]] = {"name": {}, "part": {}}
    for kind, name, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        if name in found[kind]:
            raise ValueError(f"the {'statement' if kind == 'name' else 'part'} '{name}' stands twice")
        found[kind][name] = body.strip().rstrip(";")
    return found["name"], found["part"]


def filled(source: str, parts: Mapping[str, str]) -> str:
    """The source with `{part}` replaced by that part, which may name others. Quoted text and comments are left alone.

    Raises UnknownStatement for a part that is not there.
    """

    def text(match: re.Match[str]) -> str:
        if match[1] not in parts:
            raise UnknownStatement(f"there is no part '{match[1]}'")
        return filled(parts[match[1]], {name: body for name, body in parts.items() if name != match[1]})

    pieces = _LITERAL.split(source)
    return "".join(p if n % 2 else _PART.sub(text, p) for n, p in enumerate(pieces))


def to_positional(source: str) -> tuple[str, tuple[str, ...]]:
    """`:name` -> `$n`; the same name gets the same number. Quoted text and comments are left alone."""
    order: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name not in order:
            order.append(name)
        return f"${order.index(name) + 1}"

    pieces = _LITERAL.split(source)
    text = "".join(p if n % 2 else _PARAMETER.sub(number, p) for n, p in enumerate(pieces))
    return text, tuple(order)


def columns_of(row_type: type[Any]) -> tuple[str, ...]:
    """The columns that a row type expects, in order."""
    return tuple(f.name for f in fields(row_type))
