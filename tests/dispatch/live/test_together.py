"""Questions asked together: few statements, everybody answered, failures shared, none of it in advance."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from dispatch.live import together
from dispatch.live.together import MOST_KEYS, Together


class Book:
    """Answers with the square of each even key, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.gate, self.was_asked = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.failure: Exception | None = None

    async def __call__(self, keys: list[int]) -> dict[int, int]:
        self.asked.append(keys)
        self.was_asked.set()
        await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        return {key: key * key for key in keys if key % 2 == 0}


async def test_a_storm_is_a_handful_of_questions() -> None:
    book = Book()
    ask = Together(book)
    keys = list(range(3 * MOST_KEYS // 2))
    assert await asyncio.gather(*(ask(key) for key in keys)) == [k * k if k % 2 == 0 else None for k in keys]
    assert [len(one) for one in book.asked] == [MOST_KEYS, MOST_KEYS // 2]


async def test_a_question_under_way_answers_nobody_who_asks_later() -> None:
    book = Book()
    book.gate.clear()
    ask = Together(book)
    first = asyncio.create_task(ask(2))
    await book.was_asked.wait()
    second = asyncio.create_task(ask(2))
    await asyncio.sleep(0)
    book.gate.set()
    assert (await first, await second) == (4, 4) and book.asked == [[2], [2]]


async def test_in_a_storm_a_question_waits_until_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "GATHER_S", 3600)
    book = Book()
    book.gate.clear()
    ask = Together(book)
    first = asyncio.create_task(ask(2))
    await book.was_asked.wait()
    second = asyncio.create_task(ask(4))
    await asyncio.sleep(0)
    book.gate.set()
    assert await first == 4 and book.asked == [[2]]
    storm = await asyncio.gather(*(ask(2 * key) for key in range(3, MOST_KEYS + 2)))
    assert await second == 16 and storm[0] == 36
    assert book.asked == [[2], [2 * key for key in range(2, MOST_KEYS + 2)]]


async def test_those_who_go_on_leave_the_loop_to_others_in_between() -> None:
    ask = Together(Book())
    callers = [asyncio.create_task(ask(key)) for key in range(MOST_KEYS)]
    seen = [0]
    while seen[-1] < MOST_KEYS:
        await asyncio.sleep(0)
        seen.append(sum(caller.done() for caller in callers))
    assert max(after - before for before, after in pairwise(seen)) == together.ANSWERED


async def test_a_failure_is_everybodys_and_the_next_question_is_asked_again() -> None:
    book = Book()
    book.failure = ConnectionError("away")
    ask = Together(book)
    assert [type(e) for e in await asyncio.gather(ask(2), ask(4), return_exceptions=True)] == [ConnectionError] * 2
    book.failure = None
    assert await ask(2) == 4


async def test_one_who_gives_up_takes_nobodys_answer() -> None:
    book = Book()
    book.gate.clear()
    ask = Together(book)
    patient = asyncio.create_task(ask(2))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(2), 0.01)
    book.gate.set()
    assert await patient == 4
