"""No collection is long, whatever comes and goes."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import deque
from collections.abc import Iterator

import pytest

from dispatch.process import memory


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector of the other tests is left as it was."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


async def test_while_as_much_goes_as_comes_the_young_do_not_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "YOUNG_S", 0.0)
    things: deque[list[int]] = deque([] for _ in range(20_000))
    gc.collect()
    seen: list[int] = []
    async with memory.short_pauses():
        for _ in range(50):
            for _ in range(400):
                things.popleft()
                things.append([])
            seen.append(len(gc.get_objects(generation=0)))
            await asyncio.sleep(0)
    assert len(things) == 20_000
    assert max(seen) < 4 * 400


class Circle:
    """Only the collector undoes it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.parametrize("turns", [0, 3, 30], ids=["young", "survivor", "old"])
async def test_circles_go_however_long_they_have_lived(monkeypatch: pytest.MonkeyPatch, turns: int) -> None:
    monkeypatch.setattr(memory, "YOUNG_S", 0.0)
    monkeypatch.setattr(memory, "SURVIVORS_EVERY", 2)
    monkeypatch.setattr(memory, "ALL_EVERY", 50)
    async with memory.short_pauses():
        one = Circle()
        for _ in range(turns):
            await asyncio.sleep(0)
        is_there = weakref.ref(one)
        del one
        for _ in range(200):
            await asyncio.sleep(0)
        assert is_there() is None


async def test_what_was_loaded_is_not_walked_again() -> None:
    loaded: list[list[int]] = [[] for _ in range(1000)]
    async with memory.short_pauses():
        assert gc.get_freeze_count() > 1000
        assert gc.get_threshold() == memory.THRESHOLDS
        walked = {id(one) for one in gc.get_objects()}
        assert not walked & {id(one) for one in loaded}


async def test_where_nearly_all_that_comes_stays_survivors_do_not_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "YOUNG_S", 0.0)
    monkeypatch.setattr(memory, "SURVIVORS_EVERY", 1_000)
    things: list[list[int]] = []
    gc.collect()
    seen: list[int] = []
    async with memory.short_pauses():
        for _ in range(100):
            things += [[number] for number in range(1_000)]
            await asyncio.sleep(0)
            seen.append(len(gc.get_objects(generation=1)))
    assert len(things) == 100_000
    assert max(seen) < memory.MOST_SURVIVORS + 2 * memory.THRESHOLDS[0]


async def test_everything_is_walked_by_hand_alone() -> None:
    walked: list[int] = []

    def look(phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            walked.append(about["generation"])

    gc.collect()
    async with memory.short_pauses():
        gc.callbacks.append(look)
        things: list[list[int]] = []
        try:
            for _ in range(100):
                things += [[number] for number in range(6_000)]
                gc.collect(1)
        finally:
            gc.callbacks.remove(look)
    assert len(things) == 600_000
    assert 0 in walked and 2 not in walked


async def test_what_lived_long_is_not_walked_again_until_it_is_thawed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "YOUNG_S", 0.0)
    monkeypatch.setattr(memory, "ALL_EVERY", 5)
    monkeypatch.setattr(memory, "THAW_EVERY", 10_000_000)
    async with memory.short_pauses():
        one = Circle()
        is_there = weakref.ref(one)
        for _ in range(20):
            await asyncio.sleep(0)
        assert not any(found is one for found in gc.get_objects())
        del one
        for _ in range(20):
            await asyncio.sleep(0)
        assert is_there() is not None
        monkeypatch.setattr(memory, "THAW_EVERY", 5)
        for _ in range(20):
            await asyncio.sleep(0)
        assert is_there() is None
