"""Questions of one kind, asked of the database together: a storm of callers is a handful of statements."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

#: Keys of one question; the rest goes with the next.
MOST_KEYS = 256
#: After a question during which others came, the next one gathers for so long, or until it has all the keys that it
#: may: a statement costs as much as thirty of its keys.
GATHER_S = 0.01
#: So many callers go on with their answer in one turn of the loop; what they do with it is a millisecond for ten.
ANSWERED = 16


class Together(Generic[K, V]):
    """Whoever asks while an answer is awaited goes with the next question; each key is asked once in it."""

    def __init__(self, ask: Callable[[list[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`ask` answers for as many keys as it knows; what it raises, every caller of that question gets."""
        self._ask = ask
        #: Each caller has a future of its own: one who gives up must not take the answer from the others.
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_full = asyncio.Event()

    async def __call__(self, key: K) -> V | None:
        """The answer for one key; None when there is none. It is asked after this call, never before."""
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        callers = self._waiting.get(key)
        if callers is not None:
            callers.append(answer)
        else:
            self._waiting[key] = [answer]
            if len(self._waiting) >= MOST_KEYS:
                self._is_full.set()
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="asking together")
        return await answer

    async def _run(self) -> None:
        try:
            await asyncio.sleep(0)  # whoever asks in this turn comes along
            while self._waiting:
                await self._ask_some()
                if self._waiting:
                    await self._gather()
        finally:
            self._task = None

    async def _gather(self) -> None:
        if len(self._waiting) < MOST_KEYS:
            self._is_full.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHER_S):
                    await self._is_full.wait()

    async def _ask_some(self) -> None:
        keys = list(self._waiting)[:MOST_KEYS]
        asked = {key: self._waiting.pop(key) for key in keys}
        try:
            answers = await self._ask(keys)
        except BaseException as error:
            for future in (one for callers in asked.values() for one in callers):
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # a caller who gave up hears of it nowhere else
            if not isinstance(error, Exception):
                raise
        else:
            answered = [(one, answers.get(key)) for key, callers in asked.items() for one in callers]
            for number, (future, answer) in enumerate(answered, 1):
                if not future.done():
                    future.set_result(answer)
                if number % ANSWERED == 0:
                    await asyncio.sleep(0)
