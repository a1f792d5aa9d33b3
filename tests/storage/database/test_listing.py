"""Lists: what was declared runs, what was not is refused, and values are never part of the text."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from storage.database import listing, searching
from storage.database.binder import Statements
from storage.database.listing import (
    LISTS,
    MAX_COUNTED,
    MAX_OFFSET,
    AnyOf,
    BadCursor,
    Flag,
    Listed,
    Mostly,
    Sort,
    TooDeep,
    UnknownName,
    Wanted,
    Worded,
    Words,
    search_query,
)
from storage.database.orders import cursor_to
from storage.database.pool import Conn
from tests.storage.database.test_binder import REGISTRY

assert REGISTRY, "importing it imports every module of storage, and so declares every list"


@dataclass(frozen=True, slots=True)
class Thing:
    n: int
    word: str


class Inline(Statements):
    """Parts without a file."""

    def __init__(self, **parts: str) -> None:
        self.noun = "inline"
        self._sources = {}
        self._parts = {
            "columns": "t.n, t.word",
            "source": "(SELECT n, 'w' || n AS word FROM generate_series(1, :most::int) AS n) t",
            "things": "FROM (SELECT n, 'w' || n AS word, n % 3 AS rest, CASE WHEN n > 2 THEN n END AS late"
            " FROM generate_series(1, :most::int) AS n) t WHERE true",
        } | parts


@pytest.fixture
def things() -> Iterator[Listed[Thing]]:
    late = "CASE WHEN t.n > 2 THEN t.n END"
    made = Listed(
        Inline(), "things", Thing,
        key=Sort("t.n", "int"),
        sorts={"n": Sort("t.n", "int"), "rest": Sort("(t.n % 3)", "int"), "late": Sort(late, "int", is_nullable=True)},
        filters={"rest": AnyOf("(t.n % 3)", "int"), "from": "t.n >= {}", "is_early": Flag("t.n < 3", "t.n >= 3")},
        search="to_tsvector('simple', t.word) @@ {}", default_sort=(("n", True),),
    )  # fmt: skip
    yield made
    LISTS.remove(made)


async def numbers(db: Conn, things: Listed[Thing], wanted: Wanted, most: int = 25) -> tuple[list[int], int]:
    found = await things.page(db, wanted, most=most)
    return [row.n for row in found.rows], found.total


async def test_pages(db: Conn, things: Listed[Thing]) -> None:
    assert await numbers(db, things, Wanted(limit=3)) == ([25, 24, 23], 25)
    assert await numbers(db, things, Wanted(page=9, limit=3)) == ([1], 25)
    # Beyond the last page the total is still told.
    assert await numbers(db, things, Wanted(page=10, limit=3)) == ([], 25)
    assert await numbers(db, things, Wanted(), most=0) == ([], 0)
    assert await things.first(db, Wanted(limit=2), most=25) == [Thing(25, "w25"), Thing(24, "w24")]


async def test_sorts_and_their_tie(db: Conn, things: Listed[Thing]) -> None:
    assert await numbers(db, things, Wanted(limit=3, sorts=(("rest", True),))) == ([23, 20, 17], 25)
    assert await numbers(db, things, Wanted(limit=3, sorts=(("rest", False), ("n", True)))) == ([24, 21, 18], 25)
    # What has no value comes last, whichever way the list goes.
    assert (await numbers(db, things, Wanted(limit=2, sorts=(("late", False),))))[0] == [3, 4]
    assert (await numbers(db, things, Wanted(limit=2, sorts=(("late", True),))))[0] == [25, 24]


async def test_filters_and_search(db: Conn, things: Listed[Thing]) -> None:
    wanted = Wanted(filters={"rest": [0, 1], "from": 20}, sorts=(("n", False),))
    assert await numbers(db, things, wanted) == ([21, 22, 24, 25], 4)
    assert await numbers(db, things, Wanted(filters={"rest": [0], "from": 20})) == ([24, 21], 2)
    assert await numbers(db, things, Wanted(filters={"rest": 1, "from": 20})) == ([25, 22], 2)
    assert await numbers(db, things, Wanted(filters={"rest": []})) == ([], 0)
    for is_early, found in ((True, ([2, 1], 2)), (False, ([4, 3], 2)), (True, ([2, 1], 2))):
        assert await numbers(db, things, Wanted(filters={"is_early": is_early}), most=4) == found
    assert await numbers(db, things, Wanted(search="W2", sorts=(("n", False),))) == ([2, 20, 21, 22, 23, 24, 25], 7)
    # Signs are no words, and text is only ever text.
    for text in ("%", "_", "\\", "'; DROP TABLE quotas; --", "!", "w2 & w3", "x | w2", "(", "ключ", "\u202a"):
        assert await numbers(db, things, Wanted(search=text)) == ([], 0)


async def test_what_is_usual_and_what_is_not_is_found_alike(db: Conn, things: Listed[Thing]) -> None:
    things.filters["kind"] = Mostly("(CASE WHEN t.n % 5 = 0 THEN 'odd' ELSE 'usual' END)", "text", usual="usual")
    for kinds, found in (
        ("odd", ([20, 15, 10, 5], 4)), (["odd"], ([20, 15, 10, 5], 4)), (["odd", "none"], ([20, 15, 10, 5], 4)),
        (["none"], ([], 0)), ("none", ([], 0)), ([], ([], 0)),
    ):  # fmt: skip
        assert await numbers(db, things, Wanted(filters={"kind": kinds}), most=20) == found
    for kinds, total in (("usual", 16), (["usual", "odd"], 20)):
        assert (await numbers(db, things, Wanted(filters={"kind": kinds}), most=20))[1] == total


async def test_values_by_their_words_are_found_whether_few_or_many(
    db: Conn, things: Listed[Thing], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words only lead to rows: what has the words and not the value is none of them."""
    monkeypatch.setattr(searching, "MAX_HITS", 40)
    kind = "CASE WHEN {n} % 4 = 0 THEN 'Hair-Cut' WHEN {n} % 7 = 0 THEN '-' ELSE 'Cut' END"
    words = (
        "(SELECT n AS thing, array_to_tsvector(CASE WHEN n % 4 = 0 THEN '{hair,cut}'::text[] ELSE '{cut}' END)"
        " AS words FROM generate_series(1, 120) AS n) AS w"
    )
    beside = Words(words, "w.thing", "w.words", beside="t.n")
    things.filters["kind"] = Worded(f"ARRAY[{kind.format(n='t.n')}] && {{}}::text[]", beside)
    for kinds, expected, total in (
        (["Hair-Cut"], [120, 116, 112], 30), (["Cut"], [118, 117, 115], 77), (["-"], [119, 105, 98], 13),
        (["Hair-Cut", "-"], [120, 119, 116], 43), (["hair"], [], 0), (["none"], [], 0), ([], [], 0),
    ):  # fmt: skip
        wanted = Wanted(limit=3, filters={"kind": kinds})
        found = await things.page(db, wanted, most=120)
        assert ([row.n for row in found.rows], found.total) == (expected, total), kinds
        if found.cursor:
            following = await things.page(db, Wanted(limit=3, filters={"kind": kinds}, cursor=found.cursor), most=120)
            assert following.rows and following.rows[0].n < expected[-1]
    # Two of them look for what has the words of both.
    things.filters["late"] = Worded("ARRAY[CASE WHEN t.n > 110 THEN 'cut' END] && {}::text[]", beside)
    for kinds, late in ((["Hair-Cut"], [120, 116, 112]), (["-"], [119]), (["Cut"], [118, 117, 115, 114, 113, 111])):
        wanted = Wanted(filters={"late": ["cut"], "kind": kinds})
        assert await numbers(db, things, wanted, most=120) == (late, len(late))
    found = await things.page(db, Wanted(limit=3, filters={"kind": ["Cut"], "rest": [0]}), most=120)
    assert [row.n for row in found.rows] == [117, 114, 111]
    assert [r.n async for batch in things.stream(db, Wanted(filters={"kind": ["-"]}), most=120) for r in batch][-1] == 7


async def test_rare_and_common_words_are_found_alike(
    db: Conn, things: Listed[Thing], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond MAX_HITS a list is walked in its order; it says the same as the way by the hits."""
    monkeypatch.setattr(searching, "MAX_HITS", 40)
    words = (
        "(SELECT n AS thing, array_to_tsvector(ARRAY['all', CASE WHEN n % 4 = 0 THEN 'few' ELSE 'many' END, 'n' || n])"
    )
    things.search = Words(
        f"{words} AS words FROM generate_series(1, 120) AS n) AS w", "w.thing", "w.words", beside="t.n"
    )
    for word, expected, total in (
        ("n77", [77], 1), ("n11", [119, 118, 117], 11), ("few", [120, 116, 112], 30), ("many", [119, 118, 117], 90),
        ("all", [120, 119, 118], 120), ("nobody", [], 0),
    ):  # fmt: skip
        found = await things.page(db, Wanted(limit=3, search=word), most=120)
        assert ([t.n for t in found.rows], found.total, found.is_exact) == (expected, total, True), word
        if found.cursor is not None:
            after = await things.page(db, Wanted(limit=3, search=word, cursor=found.cursor), most=120)
            both = await things.first(db, Wanted(limit=6, search=word), most=120)
            assert found.rows + after.rows == both and after.total == total
    rest = Wanted(limit=3, search="all", filters={"rest": 2}, sorts=(("n", False),))
    assert await numbers(db, things, rest, 120) == ([2, 5, 8], 40)
    pieces = [batch async for batch in things.stream(db, Wanted(search="all"), most=120)]
    assert [t.n for batch in pieces for t in batch] == list(range(120, 0, -1))


@pytest.mark.parametrize(
    "sorts",
    [(), (("n", False),), (("rest", True),), (("rest", True), ("n", False)), (("late", True),), (("late", False),)],
    ids=str,
)
async def test_cursors_lead_through_all_of_it(db: Conn, things: Listed[Thing], sorts: Any) -> None:
    whole = [t.n for t in await things.first(db, Wanted(limit=100, sorts=sorts), most=25)]
    cursor, seen, page = None, [], 0
    while True:
        found = await things.page(db, Wanted(limit=4, sorts=sorts, cursor=cursor), most=25)
        page += 1
        assert (found.page, found.total, found.is_exact) == (page, 25, True)
        seen += [t.n for t in found.rows]
        cursor = found.cursor
        if cursor is None:
            break
    assert seen == whole and page == 7


@pytest.mark.parametrize("sorts", [(), (("rest", True),), (("late", False), ("n", True)), (("late", True),)])
@pytest.mark.parametrize("filters", [{"rest": [0, 2]}, {"rest": 1, "from": 4}, {"is_early": True}, {"rest": []}])
async def test_where_few_fit_they_are_put_in_the_same_order(
    db: Conn, things: Listed[Thing], sorts: Any, filters: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for few in (0, 5, listing.FEW):
        monkeypatch.setattr(listing, "FEW", few)
        wanted = Wanted(limit=3, sorts=sorts, filters=filters)
        by_number = [await things.page(db, replace(wanted, page=n), most=25) for n in range(1, 9)]
        by_cursor = [by_number[0]]
        while by_cursor[-1].cursor is not None:
            by_cursor.append(await things.page(db, replace(wanted, cursor=by_cursor[-1].cursor), most=25))
        found.append([([row.n for row in one.rows], one.total) for one in (*by_number, *by_cursor)])
    assert found[0] == found[1] == found[2]
    assert found[0][0][1] == sum(
        (n % 3 in filters["rest"] if isinstance(filters.get("rest"), list) else n % 3 == filters.get("rest", n % 3))
        and n >= filters.get("from", 1) and (n < 3 or "is_early" not in filters)
        for n in range(1, 26)
    )  # fmt: skip


def test_an_index_answers_its_filters_in_any_order(things: Listed[Thing]) -> None:
    things.indexed = (("n", ()), ("rest", ("rest", "from")))
    for sorts, filters, is_indexed in (
        ((), {}, True), ((("n", True),), {}, True), ((("n", False),), {}, True), ((), {"rest": 1}, False),
        ((("rest", True),), {"rest": 1, "from": 2}, True), ((("rest", False),), {"from": 2, "rest": 1}, True),
        ((("rest", True),), {"rest": 1}, False), ((("late", True),), {}, False),
        ((("rest", True),), {"rest": [1], "from": 2}, True), ((("rest", True),), {"rest": [1, 2], "from": 2}, False),
    ):  # fmt: skip
        assert things.is_indexed(Wanted(sorts=sorts, filters=filters)) == is_indexed, (sorts, filters)


async def test_a_rare_value_is_found_by_its_filter_and_not_by_walking_the_order(db: Conn) -> None:
    await db.execute("CREATE TEMP TABLE wares (n int PRIMARY KEY, price int NOT NULL, kind text NOT NULL)")
    await db.execute("INSERT INTO wares SELECT n, n % 977, CASE WHEN n = 19999 THEN 'rare' ELSE 'usual' END"
                     " FROM generate_series(1, 20000) AS n")  # fmt: skip
    await db.execute("CREATE INDEX ON wares (price, n); CREATE INDEX ON wares (kind); ANALYZE wares")
    parts = Inline(columns="w.n, w.kind", source="wares w", wares="FROM wares w WHERE true")
    made = Listed(
        parts, "wares", Thing, key=Sort("w.n", "int"), sorts={"price": Sort("w.price", "int")},
        filters={"kind": AnyOf("w.kind", "text")}, default_sort=(("price", True),),
    )  # fmt: skip
    try:
        wanted = Wanted(filters={"kind": "rare"})
        found = await made.page(db, wanted)
        assert [row.n for row in found.rows] == [19999]
        values = {"filter_kind": "rare", "listed_limit": 21, "listed_offset": 0, "words_query": ""}
        # The worst that can be: the planner believes that half of them are rare.
        await db.execute("UPDATE wares SET kind = CASE WHEN n % 2 = 0 THEN 'rare' ELSE 'usual' END; ANALYZE wares")
        plans = {}
        for name in ("page", "few"):
            text = getattr(made.texts(wanted), name)
            lines = await db.fetch(f"EXPLAIN {text.text}", *text.take(values))
            plans[name] = "\n".join(line[0] for line in lines)
        assert "wares_price_n_idx" in plans["page"]
        assert "wares_price_n_idx" not in plans["few"]
    finally:
        LISTS.remove(made)


async def test_a_cursor_belongs_to_its_order(db: Conn, things: Listed[Thing]) -> None:
    cursor = (await things.page(db, Wanted(limit=2), most=25)).cursor
    assert cursor is not None
    made_up = [
        [], {}, ["-n", 2], ["-n", 2, ["1"]], ["-n", 2, ["1", "x"]], ["-n", 2, [None, "1"]], ["-n", 2, [1, 1]],
        ["-n", "2", ["1", "1"]], ["-n", 2, ["99999999999", "1"]], ["-n", 0, ["1", "1"]], ["n", 2, ["1", "1"]],
        ["-n", 2, ["1\x00", "1"]],
    ]  # fmt: skip
    texts = ["", "!", "é", "====", cursor[:-3], *(base64.urlsafe_b64encode(orjson.dumps(m)).decode() for m in made_up)]
    for text in texts:
        with pytest.raises(BadCursor):
            await things.page(db, Wanted(limit=2, cursor=text), most=25)
    with pytest.raises(BadCursor):
        await things.page(db, Wanted(limit=2, cursor=cursor, sorts=(("rest", True),)), most=25)


async def test_counting_ends_and_depth_needs_a_cursor(db: Conn, things: Listed[Thing]) -> None:
    most = MAX_COUNTED + 50
    last = await things.page(db, Wanted(page=MAX_OFFSET // 100, limit=100), most=most)
    assert (last.total, last.is_exact, len(last.rows)) == (MAX_COUNTED, False, 100)
    with pytest.raises(TooDeep):
        await things.page(db, Wanted(page=MAX_OFFSET // 100 + 1, limit=100), most=most)
    beyond = await things.page(db, Wanted(limit=100, cursor=last.cursor), most=most)
    assert [t.n for t in beyond.rows] == list(range(50, 0, -1)) and beyond.cursor is None
    assert (await things.page(db, Wanted(), most=MAX_COUNTED)).is_exact


async def test_a_stream_reads_all_in_order(db: Conn, things: Listed[Thing]) -> None:
    pieces = [batch async for batch in things.stream(db, Wanted(filters={"rest": [0]}), most=4000)]
    assert [t.n for batch in pieces for t in batch] == list(range(3999, 0, -3))
    assert max(len(batch) for batch in pieces) == listing.STREAM_ROWS


async def test_what_is_not_declared_is_refused(db: Conn, things: Listed[Thing]) -> None:
    for wanted in (Wanted(sorts=(("n; DROP", False),)), Wanted(filters={"word": 1})):
        with pytest.raises(UnknownName):
            await things.page(db, wanted, most=1)
    with pytest.raises(TypeError):
        await things.page(db, Wanted())


def test_wanted_counts_from_one() -> None:
    assert Wanted(page=3, limit=20).offset == 40
    assert listing.MAX_LIMIT == 100


def test_a_search_takes_beginnings_and_both_ends_of_a_phone() -> None:
    assert search_query("BK-2026 fac") == "'BK':* & '2026':* & 'fac':*"
    assert search_query("+91 98-76") == "('91':* & '98':* & '76':*) | '>919876':* | '<678919':*"
    assert search_query("12") == "'12':*"
    assert search_query(" %_' ") == ""


async def test_a_name_in_any_letters_is_found_by_the_beginnings_of_its_words(db: Conn) -> None:
    for name, found in (
        ("श्रीमती प्रज्ञा द्विवेदी", ("श्री", "प्र", "प्रज्ञा", "द्विवे श्रीमती")),
        ("অনির্বাণ চট্টোপাধ্যায়", ("অনি", "চট্টো")),
        ("தமிழ்ச்செல்வி கிருஷ்ணமூர்த்தி", ("தமிழ்", "கிருஷ்ண")),
        ("محمد علی خان", ("محم", "خان", "علی")),
    ):
        for typed, is_hit in (*((word, True) for word in found), (name[1:4], False)):
            query = "SELECT array_to_tsvector(search_words($1)) @@ lower($2)::tsquery"
            assert await db.fetchval(query, name, search_query(typed)) is is_hit, typed


# ---------------------------------------------------------------- the lists of the product

#: A value of each filter's and parameter's type, by what its text says.
_VALUES = {
    "uuid": UUID(int=1), "int": 1, "bigint": 1, "text": "x", "bpchar": "INR", "bool": True, "date": date(2026, 1, 5),
}  # fmt: skip
_GIVEN = {
    "timezone": "Asia/Kolkata", "currency": "INR",
    "since": datetime(2026, 1, 1, tzinfo=UTC), "owner_kind": "account", "type": "wallet",
}  # fmt: skip


def given_for(listed: Listed[Any]) -> dict[str, Any]:
    return {name: _GIVEN.get(name, UUID(int=1)) for name in listed.parameters}


def value_for(listed: Listed[Any], name: str) -> Any:
    filter_ = listed.filters[name]
    if isinstance(filter_, AnyOf | Mostly):
        return [_VALUES[filter_.type]]
    if isinstance(filter_, Flag):
        return True
    if isinstance(filter_, Worded):
        return ["x"]
    day = _VALUES["date"]
    values = {
        "date[]": [day], "text[]": ["x"], "timestamptz": _GIVEN["since"], "date": day, "boolean": True, "bigint": 1,
        "text": "x",
    }  # fmt: skip
    return next(value for kind, value in values.items() if f"{{}}::{kind}" in filter_)


def filled(listed: Listed[Any], wanted: Wanted) -> Wanted:
    return Wanted(sorts=wanted.sorts, filters={n: value_for(listed, n) for n in wanted.filters}, search=wanted.search)


@pytest.mark.parametrize("listed", [*LISTS], ids=lambda found: found.name)
async def test_every_declared_sort_filter_and_search_runs(db: Conn, listed: Listed[Any]) -> None:
    for wanted in listed.every_wanted():
        found = await listed.page(db, filled(listed, wanted), **given_for(listed))
        assert found.rows == [] and found.total == 0
    everything = Wanted(filters={n: value_for(listed, n) for n in listed.filters})
    assert [batch async for batch in listed.stream(db, everything, **given_for(listed))] == []


@pytest.mark.parametrize("listed", [*LISTS], ids=lambda found: found.name)
def test_what_a_list_is_sorted_by_is_read_from_its_cursors(listed: Listed[Any]) -> None:
    example = {
        "uuid": str(UUID(int=1)), "timestamptz": "2026-01-05 12:00:00.5+00", "date": "2026-01-05", "bigint": "1",
        "int": "1", "text": "x",
    }  # fmt: skip
    for name, sort in listed.sorts.items():
        assert "infinity" not in sort.expression, (name, "no cursor carries it")
        sorts = ((name, False),)
        place = listed.read_cursor(cursor_to(sorts, 2, [example[sort.type], example[listed.key.type]]), sorts)
        assert place.values[0] == example[sort.type]


@pytest.mark.parametrize(
    ("listed", "pair"), [(found, pair) for found in LISTS for pair in found.indexed],
    ids=lambda value: value.name if isinstance(value, Listed) else f"{value[0] or 'default'}-{'-'.join(value[1])}",
)  # fmt: skip
async def test_an_index_gives_each_named_pair_its_order(db: Conn, listed: Listed[Any], pair: Any) -> None:
    """With sorting discouraged, a plan that still sorts has no index to lean on."""
    sort, filters = pair
    is_down = sort in dict(listed.default_sort) and dict(listed.default_sort)[sort]
    wanted = filled(listed, Wanted(sorts=((sort, is_down),) if sort else (), filters=dict.fromkeys(filters)))
    values = given_for(listed)
    for name, value in wanted.filters.items():
        values[f"filter_{name}"] = value[0] if isinstance(listed.filters[name], AnyOf | Mostly) else value
    if "status" in filters and not isinstance(listed.filters["status"], AnyOf):
        values["filter_status"] = "open" if isinstance(values["filter_status"], str) else ["pending"]
    text = listed.texts(wanted).keys
    await db.execute("SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off")
    plan = "\n".join(r[0] for r in await db.fetch(f"EXPLAIN {text.text}", *text.take(values)))
    assert "Sort" not in plan and "Index" in plan, plan


@pytest.mark.parametrize("listed", [*LISTS], ids=lambda found: found.name)
def test_every_order_ends_with_the_key(listed: Listed[Any]) -> None:
    """Else rows that are alike in what they are sorted by change places between two pages."""
    for wanted in listed.every_wanted():
        texts = listed.texts(wanted)
        for text in (texts.page, texts.few, texts.keys, texts.rows):
            *_, last = text.text.rpartition("ORDER BY ")[2].split(", ")
            assert last.rstrip(")").split()[0] == listed.key.expression, text.text


#: Lists whose keys are one row's only among those of an owner: what they are read from is bound to that owner. Of an
#: organisation's bookings, what the view joins has the ids of its two tables.
BOUND = {
    "bulk_bookings.of_organisation", "enrolments.rows_of", "technician_bookings.ahead",
    "technician_bookings.of_technician",
}  # fmt: skip


async def test_a_key_names_one_row_of_what_a_page_is_read_from(db: Conn) -> None:
    """A page's rows are read by their keys: a key that others have too would bring theirs."""
    unique = {
        (row["table"], row["column"])
        for row in await db.fetch(
            "SELECT c.relname AS table, a.attname AS column FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
            " WHERE i.indisunique AND i.indpred IS NULL AND i.indnkeyatts = 1"
        )
    }
    for listed in LISTS:
        alias, column = listed.key.expression.split(".")
        source = re.sub(r"--.*", "", listed.texts(Wanted()).rows.text.partition("AS listed_at")[2])
        table = re.search(rf"(?:(?:FROM|JOIN)\s+(\w+)|\)) {alias}\b", source)
        assert table is not None, listed.name
        assert (listed.name in BOUND) is ((table[1], column) not in unique), listed.name
