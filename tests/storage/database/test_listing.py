"""Lists: what was declared runs, what was not is refused, and values are never part of the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from storage.database import listing
from storage.database.binder import REGISTRY, Statements
from storage.database.listing import LISTS, Listed, UnknownName, Wanted
from storage.database.pool import Conn


@dataclass(frozen=True, slots=True)
class Thing:
    n: int
    word: str


class Inline(Statements):
    """Statements without a file."""

    def __init__(self) -> None:
        self.noun = "inline"
        self._sources = {
            "things": """SELECT n, 'w' || n AS word, n % 3 AS rest, CASE WHEN n > 2 THEN n END AS late
                         FROM generate_series(1, :most::int) AS n"""
        }


@pytest.fixture
def things() -> Iterator[Listed[Thing]]:
    made = Listed(
        Inline(), "things", Thing,
        sorts={"n": "n", "rest": "rest", "late": "late"},
        filters={"rest": "rest = ANY({}::int[])", "from": "n >= {}"},
        search="word ILIKE {}", default_sort=(("n", True),), tie="n",
    )  # fmt: skip
    yield made
    LISTS.remove(made)
    REGISTRY.pop()


async def numbers(db: Conn, things: Listed[Thing], wanted: Wanted) -> tuple[list[int], int]:
    rows, total = await things.page(db, wanted, most=25)
    return [row.n for row in rows], total


async def test_pages(db: Conn, things: Listed[Thing]) -> None:
    assert await numbers(db, things, Wanted(limit=3)) == ([25, 24, 23], 25)
    assert await numbers(db, things, Wanted(page=9, limit=3)) == ([1], 25)
    # Beyond the last page the total is still told.
    assert await numbers(db, things, Wanted(page=10, limit=3)) == ([], 25)
    assert await things.page(db, Wanted(), most=0) == ([], 0)


async def test_sorts_and_their_tie(db: Conn, things: Listed[Thing]) -> None:
    assert await numbers(db, things, Wanted(limit=3, sorts=(("rest", True),))) == ([2, 5, 8], 25)
    assert await numbers(db, things, Wanted(limit=3, sorts=(("rest", False), ("n", True)))) == (
        [24, 21, 18],
        25,
    )
    # What has no value comes last, whichever way the list goes.
    assert (await numbers(db, things, Wanted(limit=2, sorts=(("late", False),))))[0] == [3, 4]
    assert (await numbers(db, things, Wanted(limit=2, sorts=(("late", True),))))[0] == [25, 24]


async def test_filters_and_search(db: Conn, things: Listed[Thing]) -> None:
    wanted = Wanted(filters={"rest": [0, 1], "from": 20}, sorts=(("n", False),))
    assert await numbers(db, things, wanted) == ([21, 22, 24, 25], 4)
    assert await numbers(db, things, Wanted(search="W2", sorts=(("n", False),))) == (
        [2, 20, 21, 22, 23, 24, 25],
        7,
    )
    # Wildcards stand for themselves, and text is only ever text.
    for text in ("%", "_", "\\", "'; DROP TABLE quotas; --"):
        assert await numbers(db, things, Wanted(search=text)) == ([], 0)


async def test_what_is_not_declared_is_refused(db: Conn, things: Listed[Thing]) -> None:
    for wanted in (Wanted(sorts=(("n; DROP", False),)), Wanted(filters={"word": 1})):
        with pytest.raises(UnknownName):
            await things.page(db, wanted, most=1)
    with pytest.raises(TypeError):
        await things.page(db, Wanted())


def test_wanted_counts_from_one() -> None:
    assert Wanted(page=3, limit=20).offset == 40
    assert listing.MAX_LIMIT == 100


async def test_every_declared_sort_and_filter_prepares(db: Conn, things: Listed[Thing]) -> None:
    assert things in LISTS
    for listed in LISTS:
        for text in listed.every_text():
            await db.prepare(text)
