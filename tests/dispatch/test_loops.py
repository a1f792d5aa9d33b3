"""The one loop: it repeats, wakes, backs off and stops."""

from __future__ import annotations

import asyncio
import logging

import pytest

from dispatch import loops
from dispatch.loops import Loop, backoff_s


async def test_a_wake_ends_the_pause_and_one_during_a_round_is_not_lost() -> None:
    rounds, go_on = asyncio.Queue[int](), asyncio.Event()
    done = 0

    async def step() -> None:
        nonlocal done
        done += 1
        rounds.put_nowait(done)
        await go_on.wait()

    loop = Loop("test", step, every_s=3600.0)
    loop.start()
    async with asyncio.timeout(60):
        assert await rounds.get() == 1
        # While the first round is under way.
        loop.wake()
        go_on.set()
        assert await rounds.get() == 2
        loop.wake()
        assert await rounds.get() == 3
    await loop.stop()
    assert rounds.empty()


async def test_a_round_says_how_long_to_pause() -> None:
    pauses: list[float | None] = [0.0, 0.0, None]
    left = asyncio.Event()

    async def step() -> float | None:
        if len(pauses) == 1:
            left.set()
        return pauses.pop(0)

    loop = Loop("test", step, every_s=3600.0)
    loop.start()
    await asyncio.wait_for(left.wait(), 60)
    await loop.stop()
    assert pauses == []


async def test_nothing_wakes_it_while_what_comes_is_gathered_unless_it_goes_on_at_once() -> None:
    rounds = asyncio.Queue[None]()
    pauses: list[float | None] = [0.0, None]

    async def step() -> float | None:
        rounds.put_nowait(None)
        return pauses.pop(0)

    loop = Loop("test", step, every_s=3600.0, gathers_s=3600.0)
    loop.start()
    async with asyncio.timeout(60):
        await rounds.get()
        await rounds.get()
    for _ in range(20):
        loop.wake()
        await asyncio.sleep(0)
    assert rounds.empty()
    await loop.stop()


async def test_what_came_while_it_was_gathered_is_a_round_when_that_is_over() -> None:
    rounds = asyncio.Queue[None]()

    async def step() -> None:
        rounds.put_nowait(None)

    loop = Loop("test", step, every_s=3600.0, gathers_s=0.01)
    loop.start()
    async with asyncio.timeout(60):
        await rounds.get()
        loop.wake()
        await rounds.get()
    await loop.stop()


async def test_a_failing_round_is_told_once_in_full_and_repeated(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(loops, "FIRST_PAUSE_S", 0.0)
    monkeypatch.setattr(loops, "backoff_s", lambda failures: 0.0)
    tries, worked = 0, asyncio.Event()

    async def step() -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise RuntimeError("away")
        worked.set()

    loop = Loop("test", step, every_s=3600.0)
    with caplog.at_level(logging.WARNING):
        loop.start()
        await asyncio.wait_for(worked.wait(), 60)
        await loop.stop()
    told = [r for r in caplog.records if "test failed" in r.message]
    assert len(told) == 3 and [bool(r.exc_info) for r in told] == [True, False, False]


async def test_stopping_ends_a_round_wherever_it_is_and_twice_is_once() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def step() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    loop = Loop("test", step, every_s=1.0)
    await loop.stop()
    loop.start()
    await asyncio.wait_for(begun.wait(), 60)
    await loop.stop()
    await loop.stop()
    assert ended.is_set()


def test_pauses_after_failures_grow_to_a_most() -> None:
    for failures, most in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (1000, 5.0)):
        seen = [backoff_s(failures) for _ in range(200)]
        assert most / 2 <= min(seen) <= max(seen) <= most
        assert len(set(seen)) > 1


async def test_a_round_that_loses_its_cancellation_is_told_again() -> None:
    """As wait_for of Python 3.11 does when what it waits for ends in the same turn."""
    begun, lost = asyncio.Event(), 0

    async def step() -> None:
        nonlocal lost
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            lost += 1
            if lost > 1:
                raise

    loop = Loop("deaf", step, every_s=3600)
    loop.start()
    await begun.wait()
    await asyncio.wait_for(loop.stop(), 60)
    assert lost >= 1


async def test_a_wake_in_the_turn_of_the_stop_does_not_keep_it_alive() -> None:
    for _ in range(50):
        loop = Loop("woken", _nothing, every_s=3600)
        loop.start()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        loop.wake()
        await asyncio.wait_for(loop.stop(), 60)


async def _nothing() -> None:
    return None
