"""Timers for many sockets with one delay: a queue and a single alarm in place of a timer each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

#: Items that one turn of the loop works through; the rest follows in the next, so that thousands due at one
#: time delay nobody's ping.
SLICE = 16


class Delayed(Generic[T]):
    """Calls `act` with each item `delay_s` after it was added, in order.

    Nothing is taken back: whoever was added and has no more need says so when it is asked.
    """

    __slots__ = ("_act", "_alarm", "_delay_s", "_due", "_loop")

    def __init__(self, delay_s: float, act: Callable[[T], None]) -> None:
        self._delay_s, self._act = delay_s, act
        self._due: deque[tuple[float, T]] = deque()
        self._alarm: asyncio.Handle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, item: T) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        at = self._loop.time() + self._delay_s
        self._due.append((at, item))
        if self._alarm is None:
            self._alarm = self._loop.call_at(at, self._fire)

    def stop(self) -> None:
        """Forgets everybody."""
        self._due.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _fire(self) -> None:
        loop, due = self._loop, self._due
        assert loop is not None, "only an added item sets the alarm"
        now = loop.time()
        for _ in range(SLICE):
            if not due or due[0][0] > now:
                break
            self._act(due.popleft()[1])
        if not due:
            self._alarm = None
        elif due[0][0] > now:
            self._alarm = loop.call_at(due[0][0], self._fire)
        else:
            self._alarm = loop.call_later(0, self._fire)
