"""News for those who wait: kept until it is dealt with, and told again to a look that it came too late for."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import pytest

from dispatch.live import freed
from dispatch.live.freed import Freed, News

ONE, TWO, BOOKING, OTHER = (UUID(int=n) for n in range(1, 5))


def test_what_somebody_was_told_of_counts_until_there_is_news() -> None:
    news = Freed()
    news.put(ONE)
    assert news.take() == {ONE: News()} and news.take() == {}
    told = News({BOOKING})
    assert not told.is_for(BOOKING) and told.is_for(OTHER)
    news.again({ONE: told})
    assert news.take() == {ONE: told}
    # Whoever changes meanwhile may take now what they could not before.
    news.put(ONE)
    news.again({ONE: told, TWO: told})
    assert news.take() == {ONE: News(), TWO: told}
    news.again({ONE: told})
    news.put(ONE)
    assert news.take() == {ONE: News()}


def test_a_look_hears_of_what_came_after_its_beginning() -> None:
    news = Freed()
    news.put(ONE)
    news.take()
    began = time.monotonic()
    news.looked(BOOKING, began)
    assert news.take() == {}
    news.put(TWO)
    news.put(ONE)
    news.take()
    news.looked(BOOKING, began)
    news.looked(OTHER, began)
    # It is news for those that looked, and for nobody else.
    assert news.take() == {ONE: News(only={BOOKING, OTHER}), TWO: News(only={BOOKING, OTHER})}
    assert not News(only={BOOKING}).is_for(OTHER)
    news.again({ONE: News({BOOKING, OTHER})})
    news.looked(BOOKING, began)
    assert news.take()[ONE] == News({OTHER})
    news.looked(BOOKING, time.monotonic())
    assert news.take() == {}


def test_it_remembers_no_more_than_a_look_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed, "REMEMBERED_MOST", 3)
    news, began = Freed(), time.monotonic()
    for n in range(3):
        news.put(UUID(int=n))
    monkeypatch.setattr(freed, "REMEMBERED_S", 0.0)
    news.put(UUID(int=9))
    news.take()
    news.looked(BOOKING, began)
    assert set(news.take()) <= {UUID(int=9)}


def test_ten_thousand_young_ones_are_not_walked_through_for_each_who_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    news = Freed()

    class Counted(UUID):
        """An id that tells how often it was looked at."""

        looked = 0

        def __hash__(self) -> int:
            Counted.looked += 1
            return super().__hash__()

    monkeypatch.setattr(freed, "REMEMBERED_MOST", 100)
    for n in range(300):
        news.put(Counted(int=n))
    assert Counted.looked < 300 * 10
    assert len(news.take()) == 300


async def test_listeners_are_called_once_for_what_comes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed, "GATHER_S", 0.0)
    news, called = Freed(), []
    news.on_news(lambda: called.append(1))
    for one in (ONE, TWO):
        news.put(one)
    news.put_rule(None)
    await asyncio.sleep(0.001)
    assert called == [1] and news.take_rules() == {None} and news.take_rules() == set()
    news.again({})
    await asyncio.sleep(0.001)
    assert called == [1]
    news.again({ONE: News({BOOKING})})
    await asyncio.sleep(0.001)
    assert called == [1, 1]
