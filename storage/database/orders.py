"""The order of a list: what it is sorted by, as text for a statement, and cursors: where in it a page ended."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import orjson

#: A list is sorted by at most so many things.
MAX_SORTS = 3
#: A text by which a list is sorted has at most so many characters; of longer ones the sort takes the beginning.
MAX_CURSOR_TEXT = 500


@dataclass(frozen=True, slots=True)
class Sort:
    """An expression that the list's keys and rows both know, and the type that a cursor's text is read as.

    What may be missing comes last, whichever way the list goes; an index gives that order in two halves alone.
    """

    expression: str
    type: str
    is_nullable: bool = False


#: Names of sorts, each with whether it goes down.
Sorts = tuple[tuple[str, bool], ...]
#: The sorts themselves and, last, the key.
Order = Sequence[tuple[Sort, bool]]


class BadCursor(ValueError):
    """A cursor that no page of this list in this order has given."""


@dataclass(frozen=True, slots=True)
class Place:
    """The last row that was shown, by what it is sorted by; `missing` says which of that it did not have."""

    page: int
    values: tuple[str | None, ...]

    @property
    def missing(self) -> tuple[bool, ...]:
        return tuple(value is None for value in self.values)

    @property
    def named(self) -> dict[str, str]:
        return {f"after_{n}": value for n, value in enumerate(self.values) if value is not None}


def cursor_to(sorts: Sorts, page: int, values: Sequence[str | None]) -> str:
    """The cursor of the page that begins after a row with these values."""
    raw = orjson.dumps([_signature(sorts), page, list(values)])
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def place_of(text: str, sorts: Sorts, order: Order) -> Place:
    """Where a page goes on. Raises BadCursor."""
    try:
        raw = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        signature, page, values = raw
    except (ValueError, TypeError, binascii.Error) as error:
        raise BadCursor from error
    fits = signature == _signature(sorts) and isinstance(page, int) and 1 < page < 2**31
    if not fits or not isinstance(values, list) or len(values) != len(order):
        raise BadCursor
    for value, (sort, _) in zip(values, order, strict=True):
        if not (value is None and sort.is_nullable) and not _is_read_as(value, sort.type):
            raise BadCursor
    return Place(page, tuple(values))


def direction(sort: Sort, is_down: bool) -> str:
    return f"{sort.expression} {'DESC' if is_down else 'ASC'}{' NULLS LAST' if sort.is_nullable else ''}"


def after(order: Order, missing: Sequence[bool]) -> str:
    """The rows after a place, as a condition; its values are `:after_0` and so on."""
    marks = [f":after_{n}::text::{sort.type}" for n, (sort, _) in enumerate(order)]
    if len({is_down for _, is_down in order}) == 1 and not any(sort.is_nullable for sort, _ in order):
        # One comparison of rows, which an index understands.
        left = ", ".join(sort.expression for sort, _ in order)
        return f"({left}) {'<' if order[0][1] else '>'} ({', '.join(marks)})"
    ways, equal = [], ""
    for (sort, is_down), mark, is_missing in zip(order, marks, missing, strict=True):
        if not is_missing:
            later = f"{sort.expression} {'<' if is_down else '>'} {mark}"
            ways.append(f"({equal}({later}{f' OR {sort.expression} IS NULL' if sort.is_nullable else ''}))")
        equal += f"{sort.expression} IS NULL AND " if is_missing else f"{sort.expression} = {mark} AND "
    return " OR ".join(ways)


def _signature(sorts: Sorts) -> str:
    return ",".join(f"{'-' if is_down else ''}{name}" for name, is_down in sorts[:MAX_SORTS])


def _is_read_as(value: object, type_: str) -> bool:
    """Whether the database reads this text as that type; one made by hand must not become a fault of ours."""
    if not isinstance(value, str) or len(value) > MAX_CURSOR_TEXT or "\x00" in value:
        return False
    try:
        _READERS[type_](value)
    except (ValueError, KeyError, OverflowError):
        return False
    return True


def _int(bits: int) -> Callable[[str], object]:
    def read(text: str) -> int:
        value = int(text)
        if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise ValueError(text)
        return value

    return read


_READERS: Mapping[str, Callable[[str], object]] = {
    "uuid": UUID, "timestamptz": datetime.fromisoformat, "date": date.fromisoformat, "bigint": _int(64),
    "int": _int(32), "text": str,
}  # fmt: skip
