"""A connection that knows whether it holds anything that the next user must not find, and the types that others met."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any, NamedTuple

import asyncpg

#: Comments and quoted text, in which no statement stands.
_TEXT = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
#: Statements that leave nothing behind once their transaction has ended, by their first words.
_PASSING = re.compile(
    r"[\s(]*(?:(?:select|insert|update|delete|merge|with|values|table|copy|begin|start|commit|end|rollback|savepoint"
    r"|release|explain|notify|lock|analyze|truncate|close|fetch|move)\b|set\s+(?:local|transaction|constraints)\b)",
    re.IGNORECASE,
)
#: What such a statement may do to the session nevertheless, by a function or a second statement; what is set for one
#: transaction ends with it.
_STAYING = re.compile(
    r"set_config(?!\(, , true\))|advisory_(?:un)?lock|\btemp(?:orary)?\b|dblink|lo_open|;\s*\S", re.IGNORECASE
)
#: Texts are few: they stand in files. Whoever composes them pays for the look each time.
_MOST_TEXTS = 4096
_known: dict[str, bool] = {}

#: The types below are PostgreSQL's own: the same in every database and of every version that has them.
_FIRST_OF_OTHERS = 16384
#: What the first connection that met these types was told of them.
_types: dict[frozenset[int], list[Any]] = {}


class _Asked(NamedTuple):
    """Stands for the driver's statement about types where none was sent; named, it displaced nobody's."""

    name: str = "none"


def leaves_state(text: str) -> bool:
    """Whether a statement may change its session beyond its transaction: settings, locks, cursors, LISTEN, temporary
    tables. What is not known to be harmless counts as leaving something.
    """
    known = _known.get(text)
    if known is None:
        bare = _TEXT.sub("", text)
        known = _PASSING.match(bare) is None or _STAYING.search(bare) is not None
        if len(_known) < _MOST_TEXTS:
            _known[text] = known
    return known


def _looking(method: Callable[..., Any]) -> Any:
    """The method, which looks at its text first. No coroutine of its own: that would cost as much as the look."""

    @wraps(method)
    def looked(self: Connection, query: str, *args: Any, **options: Any) -> Any:
        if leaves_state(query):
            self.mark()
        return method(self, query, *args, **options)

    return looked


class Connection(asyncpg.Connection):
    """Resets itself on the way back to its pool only when a statement may have left something, or one failed."""

    __slots__ = ("_is_marked",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_marked = False

    execute = _looking(asyncpg.Connection.execute)
    executemany = _looking(asyncpg.Connection.executemany)
    fetch = _looking(asyncpg.Connection.fetch)
    fetchrow = _looking(asyncpg.Connection.fetchrow)
    fetchval = _looking(asyncpg.Connection.fetchval)
    prepare = _looking(asyncpg.Connection.prepare)
    cursor = _looking(asyncpg.Connection.cursor)

    async def _introspect_types(self, typeoids: Collection[int], timeout: float | None) -> Any:
        """What the driver asks of types that it has no codec for: of PostgreSQL's own, arrays mostly, once a process.

        Otherwise each connection asks for itself, three statements for every new set of types, and one of them costs
        both sides more than all that it was opened for.
        """
        kinds = frozenset(typeoids)
        if kinds in _types:
            return _types[kinds], _Asked()
        found, asked = await super()._introspect_types(typeoids, timeout)  # type: ignore[misc]
        if max(kinds) < _FIRST_OF_OTHERS:
            _types[kinds] = found
        return found, asked

    async def add_listener(self, channel: str, callback: Any) -> None:
        self.mark()
        await super().add_listener(channel, callback)

    def mark(self) -> None:
        """From now on it is to be reset before anybody else gets it."""
        self._is_marked = True

    async def clean(self) -> None:
        """Resets the session if there may be anything to reset. What was open has been rolled back before."""
        if self._is_marked:
            await self.execute(self.get_reset_query())
            self._is_marked = False
