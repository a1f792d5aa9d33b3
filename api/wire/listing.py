"""One grammar for lists: page, sort, filter, search and fields, the same for every audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from api.wire.parsing import Fields, complaints, is_list, split_list
from storage.database.listing import MAX_LIMIT, Listed, Wanted

if TYPE_CHECKING:
    from api.wire.dialects import Dialect

MAX_PAGE = 1_000_000
_PAGE = ("page", "current_page")
_LIMIT = ("limit", "per_page", "perPage", "page_size", "pageSize")
_SORT = ("sort", "sort_by", "sortBy", "order_by", "orderBy")
_ORDER = ("order", "sort_order", "sortOrder", "direction")
_SEARCH = ("search", "q")
_FIELDS = ("fields",)
_MAX_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Grammar:
    """What one list understands. Declared beside its route.

    `filters` maps a public name to the type of its value (a list type takes key[], repeated keys and comma
    lists); `aliases` maps further public names to those. `sorts` maps public names to the list's own, None
    takes the list's. `key` is what the items stand under. With a `source`, each filter must be declared there
    under the name that `names` gives (the public one by default).
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
        return self.source is not None and self.source.search_condition is not None

    def check(self) -> None:
        """Raises TypeError when a name is declared here and not in the source."""
        if self.source is None:
            return
        missing = {self.names.get(n, n) for n in self.filters} - self.source.filters.keys()
        missing |= set(self.public_sorts.values()) - self.source.sorts.keys()
        if self.searches and self.source.search_condition is None:
            missing.add("search")
        if missing:
            raise TypeError(f"the list {self.source.name} does not declare {sorted(missing)}")


@dataclass(frozen=True, slots=True)
class Listing:
    """What a request wants to see: `wanted` for the storage, and `filters` by their public names."""

    wanted: Wanted
    filters: Mapping[str, Any]
    fields: frozenset[str] | None

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
        self._adapters = {name: TypeAdapter(kind) for name, kind in grammar.filters.items()}
        self._lists = {name for name, kind in grammar.filters.items() if is_list(kind)}

    @property
    def known(self) -> frozenset[str]:
        """Every name that means something here."""
        g = self._grammar
        names = {*g.filters, *g.aliases, *_SORT, *_ORDER}
        if g.is_paged:
            names |= {*_PAGE, *_LIMIT}
        if g.searches:
            names |= {*_SEARCH}
        if self._item_fields:
            names |= {*_FIELDS}
        return frozenset(names)

    def read(self, given: Mapping[str, list[str]], dialect: Dialect) -> tuple[Listing | None, Fields]:
        """The listing, or the bad fields by name."""
        bad: Fields = {}
        page = _whole(given, _PAGE, 1, MAX_PAGE, bad)
        limit = min(_whole(given, _LIMIT, self._default_limit, 10**6, bad), MAX_LIMIT)
        sorts = self._sorts(given, bad)
        filters = self._filters(given, dialect, bad)
        search = self._search(given, bad)
        fields = self._fields(given, bad)
        if bad:
            return None, bad
        if not self._grammar.is_paged:
            page, limit = 1, MAX_LIMIT
        names = self._grammar.names
        wanted = Wanted(page, limit, sorts, {names.get(n, n): v for n, v in filters.items()}, search)
        return Listing(wanted, filters, fields), bad

    def _sorts(self, given: Mapping[str, list[str]], bad: Fields) -> tuple[tuple[str, bool], ...]:
        sorts = self._grammar.public_sorts
        name, values = _first(given, _SORT)
        order_name, orders = _first(given, _ORDER)
        order = orders[-1].lower() if orders else "asc"
        if order not in ("asc", "desc"):
            bad[order_name] = ["must be asc or desc"]
        chosen = []
        for part in split_list(values):
            word = part.lstrip("+-")
            if word not in sorts:
                bad[name] = [
                    f"must be one of {', '.join(sorts)}" if sorts else "this list has one order only"
                ]
                return ()
            chosen.append((sorts[word], part.startswith("-") or order == "desc"))
        return tuple(chosen[:5])

    def _filters(self, given: Mapping[str, list[str]], dialect: Dialect, bad: Fields) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for alias in (*self._grammar.filters, *self._grammar.aliases):
            name = self._grammar.aliases.get(alias, alias)
            if alias not in given or name in found:
                continue
            values = given[alias]
            raw = split_list(values) if name in self._lists else values[-1].strip()
            if isinstance(raw, str) and "\x00" in raw:
                bad[alias] = ["must be text"]
                continue
            try:
                found[name] = self._adapters[name].validate_python(raw, context=dialect)
            except ValidationError as error:
                bad[alias] = [text for texts in complaints(error).values() for text in texts]
        return found

    def _search(self, given: Mapping[str, list[str]], bad: Fields) -> str | None:
        name, values = _first(given, _SEARCH)
        if not values or not self._grammar.searches:
            return None
        text = values[-1].strip()
        if len(text) > _MAX_SEARCH or "\x00" in text:
            bad[name] = [f"must be text of at most {_MAX_SEARCH} characters"]
        return text

    def _fields(self, given: Mapping[str, list[str]], bad: Fields) -> frozenset[str] | None:
        name, values = _first(given, _FIELDS)
        chosen = frozenset(split_list(values))
        if not chosen or not self._item_fields:
            return None
        if unknown := sorted(chosen - self._item_fields):
            bad[name] = [f"there is no {', '.join(unknown)} here"]
        return chosen


def _first(given: Mapping[str, list[str]], names: tuple[str, ...]) -> tuple[str, list[str]]:
    for name in names:
        if name in given:
            return name, given[name]
    return names[0], []


def _whole(
    given: Mapping[str, list[str]], names: tuple[str, ...], default: int, most: int, bad: Fields
) -> int:
    name, values = _first(given, names)
    if not values:
        return default
    text = values[-1].strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        bad[name] = [f"must be a whole number from 1 to {most}"]
        return default
    return int(text)
