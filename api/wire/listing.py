"""One grammar for lists, the same for every audience: page, limit, cursor, sort, filters, search and fields.

A filter takes one value or several: a repeated key, `key[]` and a comma list all mean any of them. `date_from` and
`date_to` (also `from` and `to`) are days, both included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import GenericAlias
from typing import TYPE_CHECKING, Any, get_args

from pydantic import TypeAdapter, ValidationError

from api.wire.complaints import complaints
from api.wire.contents import Fields
from api.wire.models import Day, Long
from api.wire.parsing import is_list, split_list
from storage.database.listing import MAX_LIMIT, MAX_OFFSET, MAX_SORTS, BadCursor, Listed, Wanted

if TYPE_CHECKING:
    from api.wire.dialects import Dialect

MAX_PAGE = 1_000_000
#: A limit that was asked for is told back up to here.
MAX_ASKED = 10**9
_PAGE = ("page", "current_page")
_LIMIT = ("limit", "per_page", "perPage", "page_size", "pageSize")
_SORT = ("sort", "sort_by", "sortBy", "order_by", "orderBy")
_ORDER = ("order", "sort_order", "sortOrder", "direction")
_SEARCH = ("search", "q")
_FIELDS = ("fields",)
_CURSOR = ("cursor",)
MAX_SEARCH = 200
#: How many values one filter takes.
MAX_VALUES = 100
#: Shorter names of the ends of a span.
_ENDS = {"from": "date_from", "to": "date_to", "dateFrom": "date_from", "dateTo": "date_to"}


@dataclass(frozen=True, slots=True)
class Once:
    """Marks a filter that takes one value only: the end of a span, a switch."""

    kind: Any


#: The days of a span.
DAYS: Mapping[str, Any] = {"date_from": Once(Day), "date_to": Once(Day)}


@dataclass(frozen=True, slots=True)
class Grammar:
    """What one list understands. Declared beside its route.

    `filters` maps a public name to the type of one value (any of several is always taken, but of `Once`); `aliases`
    maps further public names to those. `sorts` maps public names to the list's own, None takes the list's. `key` is
    what the items stand under. With a `source`, each filter must be declared there under the name that `names` gives
    (the public one by default).
    """

    key: str | None = None
    source: Listed[Any] | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    sorts: Mapping[str, str] | None = None
    has_search: bool | None = None
    limit: int | None = None
    is_paged: bool = True

    @property
    def public_sorts(self) -> Mapping[str, str]:
        if self.sorts is not None:
            return self.sorts
        return {name: name for name in self.source.sorts} if self.source else {}

    @property
    def searches(self) -> bool:
        if self.has_search is not None:
            return self.has_search
        return self.source is not None and self.source.search is not None

    @property
    def has_cursor(self) -> bool:
        return self.is_paged and self.source is not None

    @property
    def every_alias(self) -> Mapping[str, str]:
        return {a: n for a, n in _ENDS.items() if n in self.filters and a not in self.filters} | dict(self.aliases)

    def check(self) -> None:
        """Raises TypeError when a name is declared here and not in the source."""
        if self.source is None:
            return
        missing = {self.names.get(n, n) for n in self.filters} - self.source.filters.keys()
        missing |= set(self.public_sorts.values()) - self.source.sorts.keys()
        if self.searches and self.source.search is None:
            missing.add("search")
        if missing:
            raise TypeError(f"the list {self.source.name} does not declare {sorted(missing)}")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a request wants to see: `wanted` for the storage, and `filters` by their public names.

    `clamped_from` is the limit that was asked for, where it was too high.
    """

    wanted: Wanted
    filters: Mapping[str, Any]
    fields: frozenset[str] | None
    clamped_from: int | None = None

    @property
    def page(self) -> int:
        return self.wanted.page

    @property
    def limit(self) -> int:
        return self.wanted.limit

    @property
    def offset(self) -> int:
        return self.wanted.offset

    @property
    def search(self) -> str | None:
        return self.wanted.search

    def pick(self, item: Any) -> Any:
        """The part of one rendered item that was asked for; its id always comes along."""
        if self.fields is None or not isinstance(item, Mapping):
            return item
        return {key: value for key, value in item.items() if key in self.fields or key in ("id", "_id")}


class Reader:
    """Reads one route's grammar; made once, when the route is declared."""

    def __init__(self, grammar: Grammar, default_limit: int, item_fields: frozenset[str]) -> None:
        grammar.check()
        self._grammar = grammar
        self._default_limit = grammar.limit or default_limit
        self._item_fields = item_fields
        self._aliases = grammar.every_alias
        self._adapters: dict[str, TypeAdapter[Any]] = {n: TypeAdapter(taken(k)) for n, k in grammar.filters.items()}
        self._once = {name for name, kind in grammar.filters.items() if isinstance(kind, Once)}

    @property
    def known(self) -> frozenset[str]:
        """Every name that means something here."""
        g = self._grammar
        names = {*g.filters, *self._aliases, *_SORT, *_ORDER}
        if g.is_paged:
            names |= {*_PAGE, *_LIMIT}
        if g.has_cursor:
            names |= {*_CURSOR}
        if g.searches:
            names |= {*_SEARCH}
        if self._item_fields:
            names |= {*_FIELDS}
        return frozenset(names)

    def read(self, given: Mapping[str, list[str]], dialect: Dialect) -> tuple[Listing | None, Fields]:
        """The listing, or the bad fields by name."""
        bad: Fields = {}
        page = _whole(given, _PAGE, 1, MAX_PAGE, bad)
        asked = _whole(given, _LIMIT, self._default_limit, None, bad)
        sorts = self._sorts(given, bad)
        filters = self._filters(given, dialect, bad)
        search = self._search(given, bad)
        fields = self._fields(given, bad)
        cursor = self._cursor(given, sorts, bad)
        limit = min(asked, MAX_LIMIT)
        if not self._grammar.is_paged:
            page, asked, limit = 1, MAX_LIMIT, MAX_LIMIT
        names = self._grammar.names
        wanted = Wanted(page, limit, sorts, {names.get(n, n): v for n, v in filters.items()}, search, cursor)
        if wanted.is_too_deep and not bad:
            bad[_first(given, _PAGE)[0]] = [
                f"Pages are numbered up to row {MAX_OFFSET:,}: go on with the cursor that each page carries, or narrow "
                "the list."
            ]
        if bad:
            return None, bad
        return Listing(wanted, filters, fields, asked if asked > limit else None), bad

    def _sorts(self, given: Mapping[str, list[str]], bad: Fields) -> tuple[tuple[str, bool], ...]:
        sorts = self._grammar.public_sorts
        name, values = _first(given, _SORT)
        order_name, orders = _first(given, _ORDER)
        order = orders[-1].strip().lower() if orders else "asc"
        if order not in ("asc", "desc"):
            bad[order_name] = ["must be asc or desc"]
        elif orders and not values and self._grammar.source is not None:
            return _turned(self._grammar.source.default_sort, order == "desc")
        chosen: dict[str, bool] = {}
        for part in split_list(values):
            word = part.lstrip("+-")
            if word not in sorts:
                bad[name] = [f"must be one of {', '.join(sorts)}" if sorts else "is not known: this list has one order"]
                return ()
            chosen.setdefault(sorts[word], part.startswith("-") or order == "desc")
        if len(chosen) > MAX_SORTS:
            bad[name] = [f"must be at most {MAX_SORTS} sorts"]
        return tuple(chosen.items())[:MAX_SORTS]

    def _filters(self, given: Mapping[str, list[str]], dialect: Dialect, bad: Fields) -> dict[str, Any]:
        values: dict[str, list[str]] = {}
        written: dict[str, str] = {}
        for name in given:
            own = self._aliases.get(name, name)
            if own in self._adapters:
                values.setdefault(own, []).extend(given[name])
                written.setdefault(own, name)
        found: dict[str, Any] = {}
        for name, texts in values.items():
            if complaint := self._uncountable(name, texts):
                bad[written[name]] = [complaint]
                continue
            raw = texts[0].strip() if name in self._once else list(dict.fromkeys(split_list(texts)))
            try:
                found[name] = self._adapters[name].validate_python(raw, context=dialect)
            except ValidationError as error:
                bad[written[name]] = list(dict.fromkeys(t for texts in complaints(error).values() for t in texts))
        _check_spans(found, written, bad)
        return {name: value for name, value in found.items() if value != []}

    def _uncountable(self, name: str, texts: list[str]) -> str | None:
        if any("\x00" in text for text in texts):
            return "must be text"
        if name in self._once and len(texts) > 1:
            return "must be given once"
        return f"must be at most {MAX_VALUES} values" if len(split_list(texts)) > MAX_VALUES else None

    def _search(self, given: Mapping[str, list[str]], bad: Fields) -> str | None:
        name, values = _first(given, _SEARCH)
        if not values or not self._grammar.searches:
            return None
        text = " ".join(value.strip() for value in values)
        if len(text) > MAX_SEARCH or "\x00" in text:
            bad[name] = [f"must be text of at most {MAX_SEARCH} characters"]
        return text

    def _fields(self, given: Mapping[str, list[str]], bad: Fields) -> frozenset[str] | None:
        name, values = _first(given, _FIELDS)
        chosen = frozenset(split_list(values))
        if not chosen or not self._item_fields:
            return None
        if unknown := sorted(chosen - self._item_fields):
            bad[name] = [f"must name fields of this list: {', '.join(unknown)} is none"]
        return chosen

    def _cursor(self, given: Mapping[str, list[str]], sorts: tuple[tuple[str, bool], ...], bad: Fields) -> str | None:
        source = self._grammar.source
        if source is None or not self._grammar.has_cursor or "cursor" not in given:
            return None
        text = given["cursor"][-1].strip()
        try:
            if len(text) > _MAX_CURSOR:
                raise BadCursor
            source.read_cursor(text, sorts)
        except BadCursor:
            bad["cursor"] = ["must be the cursor of a page of this list, in the same order"]
        return text


#: A cursor may carry some texts, whose letters may take four bytes each.
_MAX_CURSOR = 6_000


def taken(kind: Any) -> Any:
    """The type of what a filter takes: several values, but of `Once`."""
    if isinstance(kind, Once):
        return _bounded(kind.kind)
    kind = _bounded(kind)
    return GenericAlias(list, (get_args(kind)[0] if is_list(kind) and get_args(kind) else kind,))


def _bounded(kind: Any) -> Any:
    """A whole number of a list is compared with a column: of what none holds the database would say nothing useful."""
    return Long if kind is int else kind


def _check_spans(found: dict[str, Any], written: Mapping[str, str], bad: Fields) -> None:
    for name, most in found.items():
        lower = f"min{name.removeprefix('max')}" if name.startswith("max") else None
        if lower in found and most < found[lower]:
            bad[written[name]] = [f"must not be less than {written[lower]}"]
    for name, end in found.items():
        start = found.get(name.removesuffix("_to") + "_from") if name.endswith("_to") else None
        if start is not None and end < start:
            bad[written[name]] = [f"must not be before {written[name.removesuffix('_to') + '_from']}"]


def _first(given: Mapping[str, list[str]], names: tuple[str, ...]) -> tuple[str, list[str]]:
    for name in names:
        if name in given:
            return name, given[name]
    return names[0], []


def _turned(sorts: tuple[tuple[str, bool], ...], is_down: bool) -> tuple[tuple[str, bool], ...]:
    """The default order, the other way round where its first sort goes another way than is asked."""
    if not sorts or sorts[0][1] == is_down:
        return ()
    return tuple((name, not was_down) for name, was_down in sorts)


def _whole(given: Mapping[str, list[str]], names: tuple[str, ...], default: int, most: int | None, bad: Fields) -> int:
    """A number from 1; without a `most` a larger one than anybody means is as good as any, and said to be MAX_ASKED."""
    name, values = _first(given, names)
    if not values:
        return default
    text = values[-1].strip()
    if text.isascii() and text.isdecimal():
        # Of thousands of digits no number is made.
        digits = text.lstrip("0")
        number = int(digits or "0") if len(digits) <= len(str(MAX_ASKED)) else MAX_ASKED
        if number >= 1 and (most is None or number <= most):
            return min(number, MAX_ASKED)
    bad[name] = ["must be a whole number of at least 1" if most is None else f"must be a whole number from 1 to {most}"]
    return default
