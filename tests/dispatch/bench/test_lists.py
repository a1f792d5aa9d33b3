"""The bench of the lists runs small: every list is filled, every pair of it is measured, and its index answers it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from dispatch.bench import lists
from dispatch.bench.lists import Asked
from storage import bulk_bookings, technician_bookings
from storage.database.filters import AnyOf, Mostly
from storage.database.listing import LISTS, Wanted
from storage.database.pool import Conn, Pool
from storage.tools import many, many_lists
from tests.storage.database.test_binder import REGISTRY

assert REGISTRY, "importing it imports every module of storage, and so declares every list"

ROWS = 2_000
#: Named pairs of which an index finds a little more than is wanted, or not in its order, and what that is.
WALKED = {
    ("alerts.all", ("status", "kind")): "those that are open",
    ("customer_bookings.of_account", ("date_from", "date_to")): "the day before and the day after",
    ("queue.waiting", ("status",)): "those of a priority that wait, in order of their moments",
    ("technician_bookings.of_technician", ("date_from", "date_to")): "the day before and the day after",
}


@pytest.fixture
async def filled(fresh_pool: Pool) -> AsyncIterator[Conn]:
    """A connection to what the bench runs on, some hundred times smaller."""
    said: list[str] = []
    await many.fill(fresh_pool, ROWS, said.append)
    assert said
    async with fresh_pool.connection() as conn:
        await many_lists.fill(conn, ROWS)
        yield conn


def test_a_list_is_measured_or_says_why_not() -> None:
    asked = {one.listed.name: one.listed for one in lists.lists()}
    assert asked.keys() | lists.SMALL.keys() == {listed.name for listed in LISTS}
    assert not asked.keys() & lists.SMALL.keys()
    for listed in LISTS:
        is_excused = listed.name in lists.SMALL or listed.name in lists.SORTED
        assert bool(listed.indexed) is not is_excused, f"{listed.name} names no pair and no reason, or both"


async def test_every_list_is_filled_and_every_pair_measured(
    filled: Conn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "TIMES_OTHERS", 1)
    for asked in lists.lists():
        found = await asked.listed.page(filled, Wanted(), **asked.given)
        # Few jobs of one technician are still to come.
        assert found.total > 0 or asked.listed is technician_bookings.ahead, asked.listed.name
        figures = await lists.measure(filled, asked, 2)
        searches = len(lists.SEARCHES) if asked.listed.search else 0
        assert len(figures) >= len(asked.listed.indexed) + searches, asked.listed.name
        assert all(one.ours > 0 and one.wanted and "rows" in one.note for one in figures)


async def test_the_filters_of_a_named_pair_are_answered_by_its_index(filled: Conn) -> None:
    """A walk in the list's order that looks at every row would look at all of them where few fit."""
    await filled.execute("SET enable_sort = off; SET enable_seqscan = off; SET enable_hashjoin = off;"
                         " SET enable_mergejoin = off")  # fmt: skip
    walked = set()
    for asked in lists.lists():
        for sort, names in asked.listed.indexed:
            if not names:
                continue
            plan = await _plan(filled, asked, sort, names)
            looked_at = " ".join(_looked_at(plan))
            columns = {column for name in names for column in _columns(asked, name)}
            if any(re.search(rf"\b{column}\b", looked_at) for column in columns) or _sorts(plan):
                walked.add((asked.listed.name, names))
    assert walked == WALKED.keys()


async def test_pages_repeat_nothing_and_lose_nothing(filled: Conn) -> None:
    for asked in lists.lists():
        for sorts in [(), *(((name, is_down),) for name in asked.listed.sorts for is_down in (False, True))]:
            wanted = Wanted(limit=7, sorts=sorts)
            text = asked.listed.texts(wanted).keys
            keys = [row[0] for row in await filled.fetch(text.text, *text.take({**asked.given, "words_query": ""}))]
            assert len({*keys}) == len(keys), asked.listed.name
            pages = [
                row
                for number in (1, 2, 3)
                for row in (await asked.listed.page(filled, Wanted(number, 7, sorts), **asked.given)).rows
            ]
            assert pages == await asked.listed.first(filled, Wanted(limit=21, sorts=sorts), **asked.given)


async def test_what_an_organisation_booked_is_ordered_without_a_look_at_each_visit(filled: Conn) -> None:
    asked = next(one for one in lists.lists() if one.listed is bulk_bookings.of_organisation)
    nodes = [*_nodes(await _plan(filled, asked, "created", ()))]
    assert "bulk_locations" in {node.get("Relation Name") for node in nodes}
    assert "booking_items" not in {node.get("Relation Name") for node in nodes}
    assert "Aggregate" not in {node["Node Type"] for node in nodes}


async def _plan(conn: Conn, asked: Asked, sort: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    """How all of it would be read in order."""
    values = {name: lists.value_of(asked, name) for name in names}
    wanted = Wanted(sorts=((sort, True),) if sort else (), filters=values)
    text = asked.listed.texts(wanted).keys
    given = {**asked.given, "words_query": "", **{f"filter_{name}": value for name, value in values.items()}}
    found = await conn.fetchval(f"EXPLAIN (FORMAT JSON) {text.text}", *text.take(given))
    plan: Mapping[str, Any] = (orjson.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _looked_at(plan: Mapping[str, Any]) -> list[str]:
    """What is asked of each row that was read, because no index knew it."""
    return [node[name] for node in _nodes(plan) for name in ("Filter", "Join Filter") if name in node]


def _sorts(plan: Mapping[str, Any]) -> bool:
    return any("Sort" in node["Node Type"] for node in _nodes(plan))


def _columns(asked: Asked, name: str) -> set[str]:
    """The columns that a filter is about."""
    filter_ = asked.listed.filters[name]
    text = filter_.expression if isinstance(filter_, AnyOf | Mostly) else str(filter_)
    return {*re.findall(r"\b[a-z]\.(\w+)", text)}
