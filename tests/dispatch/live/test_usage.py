"""Calls counted in memory: nothing is lost on the way to the database, nothing counts twice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

from dispatch.live.usage import Usage
from storage.integration_usage import Standing

NOW = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)
NEXT = datetime(2026, 2, 1, 0, 1, tzinfo=UTC)
DAY, NEXT_DAY = date(2026, 1, 31), date(2026, 2, 1)


def standing(used: int = 0) -> Standing:
    return Standing("active", 100, 10, used)


def test_what_is_on_its_way_still_counts_until_it_has_arrived() -> None:
    usage, id = Usage(), uuid4()
    for _ in range(3):
        usage.count(id, NOW, "GET /a")
    usage.learn(id, standing(7))
    assert usage.used(id, standing(7), DAY) == 10
    batch = usage.take()
    assert batch is not None and batch.counts[id, DAY, "GET /a"].requests == 3
    usage.count(id, NOW, "GET /a")
    assert usage.used(id, standing(7), DAY) == 11
    assert usage.take() is None, "one batch is under way"
    usage.gone()
    # Whoever asks next learns the month anew.
    assert usage.known(id) is None and usage.used(id, standing(10), DAY) == 11


def test_what_did_not_arrive_counts_on() -> None:
    usage, id = Usage(), uuid4()
    usage.count(id, NOW, "GET /a")
    usage.take()
    usage.count(id, NOW, "GET /a")
    usage.count(id, NOW, "GET /a", is_refused=True)
    usage.came_back()
    batch = usage.take()
    assert batch is not None
    counted = batch.counts[id, DAY, "GET /a"]
    assert (counted.requests, counted.refused) == (2, 1)


def test_a_month_begins_at_nothing_and_refusals_take_nothing_from_it() -> None:
    usage, id, other = Usage(), uuid4(), uuid4()
    usage.count(id, NOW, "GET /a")
    usage.count(id, NEXT, "GET /b")
    usage.count(id, NEXT, "GET /b", is_refused=True)
    usage.count(other, NEXT, "GET /b")
    assert (usage.used(id, standing(), DAY), usage.used(id, standing(), NEXT_DAY)) == (1, 1)


def test_what_was_learned_is_believed_for_a_while_and_forgotten_at_once() -> None:
    usage, id = Usage(), uuid4()
    usage.learn(id, standing())
    assert usage.known(id) == standing()
    usage.forget(id)
    assert usage.known(id) is None and usage.take() is None
