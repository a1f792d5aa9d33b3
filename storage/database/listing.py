"""The one place that composes SQL: where a list takes its rows from, and the sorts, filters and search declared for it.

A page is found by its keys alone (an index gives them in order), and only its own rows are read whole. How many there
are in all is a question of its own: exact up to MAX_COUNTED, "more than that" beyond. Of a million rows a list stays
under 10 ms for the pairs of sort and filters that it is `indexed` for; the others must stay under 300 ms.

A list over everything (bookings, transactions) is declared like one's own, without an owner, and holds to four things:

1. **An index for each order, and for each filter that is used with it.** `(created_at, id)` gives the list and every
   filter that many rows pass, because a walk in that order soon comes upon a page of them. A filter that few pass (an
   owner, one status of eight, an area) needs `(that, created_at, id)`, else the walk goes past everything. An index
   on a hot table costs every booking that is made or moved: what is asked once a day is not indexed but stays under
   300 ms by a narrow date range beside it.
2. **One value is `=`, several are `ANY`**: only `=` keeps the index's order. So a list that always shows some of its
   rows (who waits, what is open) has that condition in its `keys` and a partial index with the same words.
3. **Words stand in a table beside** (`booking_words`) and are searched by `Words`, which is right for rare words and
   for common ones, with `beside` naming the booking's id in the list's rows: a list of transactions searches the words
   of their bookings by `beside="p.booking_id"`. What stands on a row of few thousand may be searched by a condition.
4. **What few rows have costs the others nothing**: a `Flag`, and `Mostly` where nearly all have one value, have a
   partial index with the same words; values that stand among the row's words are `Worded`, which needs no index more.

`dispatch bench lists` fills a database of so many rows, runs every list of LISTS for every pair, and says which miss. A
list that names no pair says there why it needs none.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from cachetools import TTLCache

from storage.database.binder import Statements, columns_of, to_positional
from storage.database.filters import (
    AnyOf,
    Filter,
    Flag,
    Mostly,
    Shape,
    Worded,
    condition,
    made_on_days,
    shape_of,
    words_asked,
    words_query,
)
from storage.database.orders import MAX_SORTS, BadCursor, Order, Place, Sort, after, cursor_to, direction, place_of
from storage.database.pool import Conn, translated
from storage.database.searching import QUERY, Words, search_query

__all__ = [
    "LISTS", "MAX_COUNTED", "MAX_LIMIT", "MAX_OFFSET", "MAX_SORTS", "AnyOf", "BadCursor", "Filter", "Flag", "Listed",
    "Mostly", "Pair", "Slice", "Sort", "TooDeep", "UnknownName", "Wanted", "Worded", "Words", "made_on_days",
    "search_query",
]  # fmt: skip

T = TypeVar("T")
R = TypeVar("R")

#: The most rows that one page has, for every audience (C41).
MAX_LIMIT = 100
#: Pages are found by their number up to this row; beyond it they go on from a cursor.
MAX_OFFSET = 10_000
#: Rows are counted one by one up to here.
MAX_COUNTED = 10_000
#: Where no index answers order and filters together, so few rows are found by their filters and then put in order. By
#: itself the planner walks an order that it has an index for until enough fit, which for rare ones is the whole table.
FEW = 1_000
#: How many rows a stream reads at once.
STREAM_ROWS = 500
#: Composed texts that are kept per list.
_MAX_TEXTS = 500
#: What had more than MAX_COUNTED rows is not counted again for so many seconds; of so many questions this is kept.
_MANY_S, _MAX_MANY = 60.0, 500


#: A sort by names, and the filters beside it, that an index answers.
Pair = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see of a list, by the names that it declares; `cursor` is one that a page gave."""

    page: int = 1
    limit: int = 20
    sorts: tuple[tuple[str, bool], ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    search: str | None = None
    cursor: str | None = None

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    @property
    def is_too_deep(self) -> bool:
        """Whether this page can only be reached by a cursor."""
        return self.cursor is None and self.offset + self.limit > MAX_OFFSET


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """The rows of a page. `total` is exact or, where there are more, MAX_COUNTED; `cursor` leads to the next page."""

    rows: list[T]
    total: int
    is_exact: bool
    page: int
    cursor: str | None

    def of(self, rows: list[R]) -> Slice[R]:
        """The same page with its rows made into something else."""
        return Slice(rows, self.total, self.is_exact, self.page, self.cursor)


class UnknownName(LookupError):
    """Nothing of this name was declared; callers check before, so this is a bug."""


class TooDeep(ValueError):
    """This page begins beyond MAX_OFFSET: only a cursor leads there."""


#: Every list that is declared; tests and the bench run each of their sorts and filters.
LISTS: list[Listed[Any]] = []


class Listed(Generic[T]):
    """A list of a noun's .sql file, made of its parts.

    `keys` is the part `FROM ... WHERE ...` that says which rows belong to the list (with :names for what is given);
    `columns` and `source` are the parts of the row type. `key` tells one row from another and makes the order total.
    `sorts`, `filters` and `search` are literals of our own: what comes from outside is only ever a parameter. `search`
    is where the words stand, or a condition in which `{}` is the query. `indexed` names the pairs that an index
    answers, at any depth and size ("" is the default order).
    """

    def __init__(
        self,
        sql: Statements,
        keys: str,
        row_type: type[T],
        *,
        key: Sort,
        sorts: Mapping[str, Sort],
        default_sort: tuple[tuple[str, bool], ...],
        filters: Mapping[str, Filter] | None = None,
        search: str | Words | None = None,
        columns: str = "columns",
        source: str = "source",
        indexed: Sequence[Pair] = (),
    ) -> None:
        self.name = f"{sql.noun}.{keys}"
        self._keys = sql.part(keys)
        self._rows = sql.part(columns), sql.part(source)
        self._row_type, self._width = row_type, len(columns_of(row_type))
        self.key, self.sorts, self.filters = key, dict(sorts), dict(filters or {})
        self.search, self.default_sort, self.indexed = search, default_sort, tuple(indexed)
        conditions = " ".join(f for f in self.filters.values() if isinstance(f, str))
        self.parameters = frozenset(to_positional(f"{self._keys} {self._rows[1]} {conditions}")[1])
        self._texts: dict[tuple[Any, ...], Texts] = {}
        #: What was asked lately and was more than is counted.
        self._many: TTLCache[tuple[str, str], None] = TTLCache(_MAX_MANY, _MANY_S)
        LISTS.append(self)

    # ------------------------------------------------------------ reading

    async def page(self, conn: Conn, wanted: Wanted, **given: Any) -> Slice[T]:
        """One page. Raises UnknownName for what is not declared, TooDeep, BadCursor."""
        if wanted.is_too_deep:
            raise TooDeep
        place = None if wanted.cursor is None else self.read_cursor(wanted.cursor, wanted.sorts)
        values = self._values(wanted, given)
        offset = 0 if place else wanted.offset
        # One more than wanted, to know whether there is another page.
        values |= {"listed_limit": wanted.limit + 1, "listed_offset": offset, **(place.named if place else {})}
        texts = self.texts(wanted, place)
        counted: int | None = None
        if wanted.filters and wanted.search is None and not self.is_indexed(wanted):
            counted = await self._count(conn, texts.count, values)
        text = texts.page if counted is None or counted > FEW else texts.few
        with translated():
            records = await conn.fetch(text.text, *text.take(values))
        page = place.page if place else wanted.page
        found, has_more = records[: wanted.limit], len(records) > wanted.limit
        cursor = self._cursor(wanted, page + 1, found[-1][self._width]) if has_more else None
        if place is None and not has_more and (found or offset == 0):
            total, is_exact = offset + len(found), True
        else:
            total = await self._count(conn, texts.count, values) if counted is None else counted
            total, is_exact = min(total, MAX_COUNTED), total <= MAX_COUNTED
        return Slice([self._row(r) for r in found], total, is_exact, page, cursor)

    def is_indexed(self, wanted: Wanted) -> bool:
        """Whether an index answers it: its filters in any order, and its sort, also where that is the default one and
        named, or not named. Of several values of a filter no index gives the order.
        """
        if any(self._takes_one(name) and shape_of(self.filters[name], v).is_many for name, v in wanted.filters.items()):
            return False
        names = {wanted.sorts[0][0] if wanted.sorts else ""}
        if not wanted.sorts or wanted.sorts == self.default_sort:
            names |= {"", *(name for name, _ in self.default_sort[:1])}
        return any(sort in names and wanted.filters.keys() == {*filters} for sort, filters in self.indexed)

    async def _count(self, conn: Conn, count: Text, values: Mapping[str, Any]) -> int:
        """How many there are, up to one more than MAX_COUNTED: where there were more they are counted now and then."""
        taken = count.take(values)
        asked = count.text, repr(taken)
        if asked in self._many:
            return MAX_COUNTED + 1
        with translated():
            counted = int(await conn.fetchval(count.text, *taken))
        if counted > MAX_COUNTED:
            self._many[asked] = None
        return counted

    async def first(self, conn: Conn, wanted: Wanted, *, skipped: int = 0, **given: Any) -> list[T]:
        """The first rows after some that are skipped, not counted."""
        values = self._values(wanted, given) | {"listed_limit": wanted.limit, "listed_offset": skipped}
        text = self.texts(wanted).page
        with translated():
            records = await conn.fetch(text.text, *text.take(values))
        return [self._row(record) for record in records]

    async def stream(self, conn: Conn, wanted: Wanted, **given: Any) -> AsyncGenerator[list[T], None]:
        """Every row in order, some hundred at a time, in bounded memory. Wants a transaction with one snapshot."""
        texts, values = self.texts(wanted), self._values(wanted, given)
        with translated():
            cursor = await conn.cursor(texts.keys.text, *texts.keys.take(values))
            while keys := [record[0] for record in await cursor.fetch(STREAM_ROWS)]:
                records = await conn.fetch(texts.rows.text, *texts.rows.take(values | {"listed_keys": keys}))
                yield [self._row(record) for record in records]

    def _row(self, record: Sequence[Any]) -> T:
        return self._row_type(*tuple(record)[: self._width])

    def _values(self, wanted: Wanted, given: Mapping[str, Any]) -> dict[str, Any]:
        if given.keys() != self.parameters:
            raise TypeError(f"{self.name} takes {sorted(self.parameters)}")
        values = dict(given)
        for name, value in wanted.filters.items():
            if self._takes_one(name) and isinstance(value, list | tuple) and len(value) == 1:
                value = value[0]
            values[f"filter_{name}"] = value
        values["words_query"] = words_query(self.filters, wanted.filters)
        if wanted.search is not None:
            values["search_query"] = search_query(wanted.search)
        return values

    def _takes_one(self, name: str) -> bool:
        """Whether one value of this filter is asked for otherwise than several."""
        return isinstance(_known(self.filters, name), AnyOf | Mostly)

    def _order(self, sorts: tuple[tuple[str, bool], ...]) -> Order:
        """The sorts and, last, the key, which goes the way of the last sort."""
        chosen = (sorts or self.default_sort)[:MAX_SORTS]
        order = [(_known(self.sorts, name), is_down) for name, is_down in chosen]
        return [*order, (self.key, order[-1][1] if order else False)]

    def _cursor(self, wanted: Wanted, page: int, values: Sequence[str | None]) -> str:
        return cursor_to(wanted.sorts or self.default_sort, page, values)

    def read_cursor(self, text: str, sorts: tuple[tuple[str, bool], ...]) -> Place:
        """Where a page goes on. Raises BadCursor."""
        return place_of(text, sorts or self.default_sort, self._order(sorts))

    # ------------------------------------------------------------ composing

    def texts(self, wanted: Wanted, place: Place | None = None) -> Texts:
        """The statements for what is wanted. Raises UnknownName."""
        filters = tuple((name, shape_of(_known(self.filters, name), value)) for name, value in wanted.filters.items())
        key = (wanted.sorts, filters, wanted.search is not None, place and place.missing)
        if key not in self._texts:
            if len(self._texts) >= _MAX_TEXTS:
                self._texts.clear()
            self._texts[key] = self._compose(wanted.sorts, filters, wanted.search is not None, place)
        return self._texts[key]

    def _compose(
        self,
        sorts: tuple[tuple[str, bool], ...],
        filters: tuple[tuple[str, Shape], ...],
        searches: bool,
        place: Place | None,
    ) -> Texts:
        conditions = [condition(self.filters[name], f":filter_{name}", shape) for name, shape in filters]
        words = self.search if searches and isinstance(self.search, Words) else None
        hint = words_asked(self.filters, filters)
        if searches and words is None:
            if self.search is None:
                raise UnknownName("search")
            conditions.append(str(self.search).replace("{}", QUERY))
        listed = " AND ".join([self._keys, *(f"({c})" for c in conditions)])
        order = self._order(sorts)
        order_text = ", ".join(direction(sort, is_down) for sort, is_down in order)
        columns, source = self._rows
        at = ", ".join(f"({sort.expression})::text" for sort, _ in order)
        key = self.key.expression
        rows = f"SELECT {columns}, ARRAY[{at}] AS listed_at FROM {source} WHERE {key} = ANY("  # noqa: S608
        beyond = "" if place is None else f" AND ({after(order, place.missing)})"
        everything = f"{listed} AND {words.is_found}" if words else listed
        before = f"WITH {words.hits()} " if words else ""

        def chosen(of: str) -> str:
            text = f"SELECT {key} {of}{beyond} ORDER BY {order_text} LIMIT :listed_limit OFFSET :listed_offset"
            is_whole = searches or hint or not order[0][0].is_nullable
            return text if is_whole else _in_halves(of + beyond, order)

        def counted(of: str) -> str:
            return f"SELECT 1 {of} LIMIT {MAX_COUNTED + 1}"

        page, count = chosen(listed), counted(listed)
        if words:
            page, count = (_rare_or_common(words, query, listed, words.has_them) for query in (chosen, counted))
        elif hint:
            before = f"WITH {hint.hits('lower(:words_query::text)::tsquery')} "
            page, count = (_rare_or_common(hint, query, listed, "true") for query in (chosen, counted))
        few = page if hint else chosen(f"{listed} AND {key} = ANY(ARRAY(SELECT {key} {listed}))")
        return Texts(
            page=Text.of(f"{before}{rows}ARRAY({page})) ORDER BY {order_text}"),
            few=Text.of(f"{before}{rows}ARRAY({few})) ORDER BY {order_text}"),
            count=Text.of(f"{before}SELECT count(*) FROM ({count}) AS counted"),  # noqa: S608
            keys=Text.of(f"SELECT {key} {everything} ORDER BY {order_text}"),
            rows=Text.of(f"{rows}:listed_keys::{self.key.type}[]) ORDER BY {order_text}"),
        )

    def every_wanted(self) -> Iterator[Wanted]:
        """Each sort in both directions, alone and with each filter: for those who try them all. Values are None."""
        names: list[Mapping[str, Any]] = [{}, *({name: None} for name in self.filters)]
        for filters in names:
            yield Wanted(filters=filters)
            for sort in self.sorts:
                for is_down in (False, True):
                    yield Wanted(sorts=((sort, is_down),), filters=filters)
        if self.search is not None:
            yield Wanted(search="a")


@dataclass(frozen=True, slots=True)
class Text:
    """A statement with $n, and the names of its values in that order."""

    text: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, source: str) -> Text:
        return cls(*to_positional(source))

    def take(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[name] for name in self.names]


@dataclass(frozen=True, slots=True)
class Texts:
    """One way to look at a list: a page of it, the same where only FEW fit the filters, how many there are, all keys in
    order, and rows by their keys.
    """

    page: Text
    few: Text
    count: Text
    keys: Text
    rows: Text


def _rare_or_common(words: Words, query: Callable[[str], str], listed: str, common: str) -> str:
    """The query on those rows of the list that have the words: two ways, of which only one gives rows.

    `common` is what says of a row that was come upon that it has them.
    """
    by_hits = query(f"{listed} AND {words.are_all} AND {words.is_hit}")
    return f"({by_hits}) UNION ALL ({query(f'{listed} AND NOT {words.are_all} AND {common}')})"


def _in_halves(of: str, order: Order) -> str:
    """The keys of a page of rows that may lack what they are sorted by, who come last: those that have it and those
    that lack it are each found in an order that an index gives, and put in order together.
    """
    first, is_down = order[0]
    columns = ", ".join(f"{sort.expression} AS at_{n}" for n, (sort, _) in enumerate(order))
    rest = [direction(sort, is_down) for sort, is_down in order[1:]]
    halves = [("NOT NULL", [f"{first.expression} {'DESC' if is_down else 'ASC'}", *rest]), ("NULL", rest)]
    found = " UNION ALL ".join(
        f"(SELECT {columns} {of} AND {first.expression} IS {what} ORDER BY {', '.join(order_of)}"
        " LIMIT :listed_limit::bigint + :listed_offset::bigint)"
        for what, order_of in halves
    )
    by = ", ".join(direction(replace(sort, expression=f"at_{n}"), is_down) for n, (sort, is_down) in enumerate(order))
    return (
        f"SELECT at_{len(order) - 1} FROM ({found}) AS halves"  # noqa: S608 (literals of our own)
        f" ORDER BY {by} LIMIT :listed_limit::bigint OFFSET :listed_offset::bigint"
    )


def _known(table: Mapping[str, Any], name: str) -> Any:
    if name not in table:
        raise UnknownName(name)
    return table[name]
