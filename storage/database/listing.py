"""The one place that composes SQL: a base statement, and the sorts, filters and search declared for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from storage.database.binder import Statements, columns_of
from storage.database.pool import Conn, translated

T = TypeVar("T")

#: The most rows that one page has, for every audience (C41).
MAX_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see of a list. Names are those that the list declares."""

    page: int = 1
    limit: int = 20
    sorts: tuple[tuple[str, bool], ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    search: str | None = None

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit


class UnknownName(LookupError):
    """Nothing of this name was declared; callers check before, so this is a bug."""


#: Every list that is declared; a test prepares each of their sorts and filters.
LISTS: list[Listed[Any]] = []


class Listed(Generic[T]):
    """A list: the statement `name` of a noun's .sql file, which may have more columns than the row type.

    `sorts` maps a name to an expression over the statement's columns, `filters` to a condition in which `{}`
    stands for the value; `search` is a condition of the same form, for a text with wildcards on both sides
    (ILIKE). `tie` makes the order total. All of these are literals of our own: what comes from outside is
    only ever a parameter.
    """

    def __init__(
        self,
        sql: Statements,
        name: str,
        row_type: type[T],
        *,
        sorts: Mapping[str, str],
        filters: Mapping[str, str] | None = None,
        search: str | None = None,
        default_sort: tuple[tuple[str, bool], ...] = (),
        tie: str = "id",
    ) -> None:
        base = sql.run(name)
        self.name = f"{sql.noun}.{name}"
        self._base, self._parameters = base.text, base.parameters
        self._row_type = row_type
        self._columns = ", ".join(columns_of(row_type))
        self.sorts, self.filters, self.search_condition = dict(sorts), dict(filters or {}), search
        self._default_sort, self._tie = default_sort, tie
        self._texts: dict[tuple[Any, ...], tuple[str, str]] = {}
        LISTS.append(self)

    async def page(self, conn: Conn, wanted: Wanted, **given: Any) -> tuple[list[T], int]:
        """The rows of one page, and how many there are in all. Raises UnknownName if it is not declared."""
        if given.keys() != set(self._parameters):
            raise TypeError(f"{self.name} takes {sorted(self._parameters)}")
        rows_text, count_text = self.texts(wanted)
        values = [given[p] for p in self._parameters] + list(wanted.filters.values())
        if wanted.search is not None:
            values.append(f"%{_escaped(wanted.search)}%")
        with translated():
            records = await conn.fetch(rows_text, *values, wanted.limit, wanted.offset)
            if records:
                total = int(records[0]["listed_total"])
            else:
                # Beyond the last page the window function has no row to say the total on.
                total = int(await conn.fetchval(count_text, *values)) if wanted.offset else 0
        width = len(columns_of(self._row_type))
        return [self._row_type(*tuple(record)[:width]) for record in records], total

    def texts(self, wanted: Wanted) -> tuple[str, str]:
        """The statements for the page and for the count, with $n for every value."""
        sorts = wanted.sorts or self._default_sort
        key = (sorts, tuple(wanted.filters), wanted.search is not None)
        if key not in self._texts:
            self._texts[key] = self._compose(sorts, tuple(wanted.filters), wanted.search is not None)
        return self._texts[key]

    def _compose(
        self, sorts: tuple[tuple[str, bool], ...], filters: tuple[str, ...], searches: bool
    ) -> tuple[str, str]:
        number = len(self._parameters)
        conditions = []
        for name in filters:
            number += 1
            conditions.append(f"({_known(self.filters, name)})".replace("{}", f"${number}"))
        if searches:
            if self.search_condition is None:
                raise UnknownName("search")
            number += 1
            conditions.append(f"({self.search_condition})".replace("{}", f"${number}"))
        order = [
            f"{_known(self.sorts, name)} {'DESC NULLS LAST' if down else 'ASC NULLS LAST'}"
            for name, down in sorts
        ]
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        source = f"FROM ({self._base}) AS listed{where}"
        page = (
            f"SELECT {self._columns}, count(*) OVER () AS listed_total {source} "  # noqa: S608
            f"ORDER BY {', '.join([*order, self._tie])} LIMIT ${number + 1} OFFSET ${number + 2}"
        )
        return page, f"SELECT count(*) {source}"  # noqa: S608

    def every_text(self) -> Iterator[str]:
        """Each sort in both directions, each filter and the search, once: for the test that prepares them."""
        for name in self.sorts:
            for is_descending in (False, True):
                yield from self.texts(Wanted(sorts=((name, is_descending),)))
        for name in self.filters:
            yield from self.texts(Wanted(filters={name: None}))
        if self.search_condition is not None:
            yield from self.texts(Wanted(search=""))
        yield from self.texts(Wanted())


def _known(table: Mapping[str, str], name: str) -> str:
    if name not in table:
        raise UnknownName(name)
    return table[name]


def _escaped(text: str) -> str:
    """A text in which the wildcards of LIKE stand for themselves."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
