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
ANSWERED = 32


class Together(Generic[K, V]):
    """Whoever asks while an answer is awaited goes with the next question; each key is asked once in it."""

    def __init__(self, ask: Callable[[list[K]], Awaitable[Mapping[K, V]]]) -> None:
        """`ask` answers for as many keys as it knows; what it raises, every caller of that question gets."""
        self._ask = ask
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_full = asyncio.Event()

    async def __call__(self, key: K) -> V | None:
        """The answer for one key; None when there is none. It is asked after this call, never before."""
        found = self._waiting.get(key)
        if found is None:
            found = self._waiting[key] = asyncio.get_running_loop().create_future()
            if len(self._waiting) >= MOST_KEYS:
                self._is_full.set()
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="asking together")
        # One caller who gives up must not take the answer from the others.
        return await asyncio.shield(found)

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
            for future in asked.values():
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # a caller who gave up hears of it nowhere else
            if not isinstance(error, Exception):
                raise
        else:
            for number, (key, future) in enumerate(asked.items(), 1):
                if not future.done():
                    future.set_result(answers.get(key))
                if number % ANSWERED == 0:
                    await asyncio.sleep(0)
