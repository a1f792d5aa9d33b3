"""What a request asks of a list: read from any query string, however it is made, at a small price."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from api.registry import all_routes
from api.wire.complaints import MOST_COMPLAINTS
from api.wire.contents import leaves, unclean
from api.wire.dialects import MINUTESERV
from api.wire.listing import DAYS, MAX_ASKED, Grammar, Listing, Once, Reader
from api.wire.parsing import query_of
from storage import payouts
from tests.costs import Budget

#: The longest target that the server's parser lets through, and what one turn of the loop may cost.
LONGEST = 8_000
READER = Reader(Grammar(filters={**DAYS, "status": str, "number": int}, sorts={"made": "made"}), 20, frozenset({"id"}))


def full(piece: str) -> str:
    return piece * (LONGEST // len(piece))


COSTLY = {
    "pairs": full("a=1&"),
    "names": "&".join(f"k{n}=1" for n in range(900)),
    "one filter again and again": full("status=a&"),
    "a filter of many values": "status=" + full("a,"),
    "numbers of many digits": "number=" + full("9"),
    "many bad numbers": "number=" + full("x,"),
    "a sort of many words": "sort=" + full("-made,"),
    "signs before a sort": "sort=" + full("-"),
    "many fields": "fields=" + full("id,"),
    "unknown fields": "fields=" + full("x,"),
    "a page of many digits": "page=" + full("9"),
    "a limit in exponents": "limit=" + full("1e9"),
    "a long cursor": "cursor=" + full("A"),
    "a day that never ends": "date_from=" + full("2"),
    "separators only": full("&"),
    "equal signs": full("="),
    "blanks": "status=" + full("+"),
    "escapes": "status=" + full("%C3%A9"),
    "escapes that are no text": "status=" + full("%FF"),
    "brackets": full("status[]=a&"),
    "brackets in brackets": full("[") + "=1",
}


READERS = {route.template: route.inputs.listing for route in all_routes() if route.inputs.listing is not None}


def read(query: str, reader: Reader) -> None:
    """What a route does with a query string before anything is looked up."""
    given = query_of(make_mocked_request("GET", f"/list?{query}"))
    for _, _, value in leaves(given):
        unclean(value)
    _, bad = reader.read(given, MINUTESERV)
    assert len(bad) <= MOST_COMPLAINTS
    assert len(str(bad)) <= LONGEST + 1_000


@pytest.mark.parametrize("query", COSTLY.values(), ids=COSTLY)
def test_the_costliest_queries_cost_little(query: str) -> None:
    budget = Budget()
    while budget.goes_on():
        with budget.measured():
            read(query, READER)
    assert budget.is_kept(), budget.costs


@pytest.mark.parametrize("name", ["status", "sort", "fields", "search", "page", "limit", "cursor", "date_from"])
def test_every_list_reads_what_is_costly_for_it(name: str) -> None:
    assert READERS
    for reader in READERS.values():
        for value in (full("a,"), full("9"), full("-"), full("%FF")):
            read(f"{name}={value}", reader)


ENDS = {"minAmount": Once(int), "maxAmount": Once(int), "min_stars": Once(int), "max_stars": Once(int), "ids": int}


@pytest.mark.parametrize(
    ("query", "bad"),
    [
        ({"date_from": ["2026-02-02"], "to": ["2026-02-01"]}, {"to": ["must not be before date_from"]}),
        ({"minAmount": ["2"], "maxAmount": ["1"]}, {"maxAmount": ["must not be less than minAmount"]}),
        ({"max_stars": ["1"], "min_stars": ["2"]}, {"max_stars": ["must not be less than min_stars"]}),
        ({"min_stars": ["2"], "max_stars": ["2"], "maxAmount": ["1"]}, {}),
        ({"ids": [str(2**63)]}, {"ids": [f"must be at most {2**63 - 1}"]}),
        ({"ids": [str(2**63 - 1)]}, {}),
    ],
)
def test_what_no_row_can_be_is_refused(query: dict[str, list[str]], bad: dict[str, list[str]]) -> None:
    assert Reader(Grammar(filters={**DAYS, **ENDS}), 20, frozenset()).read(query, MINUTESERV)[1] == bad


PAYOUTS = Reader(Grammar(source=payouts.everybodys), 20, frozenset())


def listed(**given: str) -> Listing:
    found, bad = PAYOUTS.read({name: [value] for name, value in given.items()}, MINUTESERV)
    assert found is not None, bad
    return found


def test_an_order_without_a_sort_turns_the_default_one() -> None:
    ((first, is_down), *_) = payouts.everybodys.default_sort
    assert is_down and listed(order="desc").wanted.sorts == ()
    assert listed(order="asc").wanted.sorts[0] == (first, False)
    assert listed(sort_order="ASC").wanted.sorts[0] == (first, False)


@pytest.mark.parametrize(("asked", "told"), [
    ("101", 101), ("2000000", 2_000_000), ("0000000000000200", 200), ("9" * 5_000, MAX_ASKED), ("100", None),
])  # fmt: skip
def test_a_limit_is_clamped_whatever_its_size(asked: str, told: int | None) -> None:
    found = listed(limit=asked)
    assert (found.limit, found.clamped_from) == (100, told)


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "-5"}, {"limit": "1e3"}, {"page": "2000000"}])
def test_what_is_no_number_of_a_page_is_refused(query: dict[str, str]) -> None:
    _, bad = PAYOUTS.read({name: [value] for name, value in query.items()}, MINUTESERV)
    assert set(bad) == set(query)


def test_a_sort_too_many_is_refused_by_name() -> None:
    reader = Reader(Grammar(sorts={name: name for name in "abcd"}), 20, frozenset())
    assert reader.read({"sort": ["a,-b,c,c"]}, MINUTESERV)[1] == {}
    assert reader.read({"sort": ["a,-b,c,d"]}, MINUTESERV)[1] == {"sort": ["must be at most 3 sorts"]}
