"""One way to start, stop, wake and repeat with backoff: every loop of a process is one of these."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

log = logging.getLogger(__name__)

#: One round; what it returns is the pause before the next in real seconds: None the usual one, 0 none at all.
Step = Callable[[], Awaitable[float | None]]

#: After the first failed round, in real seconds; it doubles with every further one, up to the most.
FIRST_PAUSE_S, MOST_PAUSE_S = 1.0, 5.0
#: A loop that did not end is told again after this, in real seconds.
STOP_AGAIN_S = 0.5


def backoff_s(failures: int, first_s: float = FIRST_PAUSE_S, most_s: float = MOST_PAUSE_S) -> float:
    """The pause after so many failures in a row (from 1), in seconds: doubled each time, half of it by chance."""
    full = min(most_s, first_s * 2.0 ** min(failures - 1, 32))
    return full * random.uniform(0.5, 1.0)


async def end(tasks: Iterable[asyncio.Task[Any]], *, again_s: float = STOP_AGAIN_S) -> None:
    """Cancels tasks until they have ended; what became of them is the caller's to ask.

    They are told again, after `again_s` real seconds each time, while they go on: one may lose a cancellation that
    meets the end of what it waits for, as Python 3.11's wait_for does.
    """
    tasks = list(tasks)
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=again_s)


class Loop:
    """Repeats `step` until it is stopped. A round that fails is told in the log and tried again, later and later.

    `wake()` ends a pause; one that comes while a round is running makes the next follow at once, so that nothing that
    happened meanwhile waits. Pauses after failures are not cut short.
    """

    def __init__(
        self, name: str, step: Step, *, every_s: float, after_s: float = 0.0, gathers_s: float = 0.0
    ) -> None:  # fmt: skip
        """The first round comes `after_s` real seconds after the start.

        `gathers_s`: for so long after a round nothing wakes it, unless it asked for none at all: of a burst the first
        goes at once and the others together.
        """
        self.name = name
        self._step = step
        self._every_s, self._after_s, self._gathers_s = every_s, after_s, gathers_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        self._wake.set()

    def start(self) -> None:
        self._task = asyncio.create_task(self.run(), name=self.name)

    async def stop(self) -> None:
        """Ends it wherever it is; the round that was under way is the business of whoever comes next."""
        task, self._task = self._task, None
        if task is not None:
            await end([task])

    async def run(self) -> None:
        """Until cancelled."""
        await asyncio.sleep(self._after_s)
        failures = 0
        while True:
            self._wake.clear()
            try:
                pause_s = await self._step()
            except Exception as e:
                failures += 1
                # The whole story once; then that it goes on.
                log.warning("%s failed and goes on (%d in a row): %s", self.name, failures, e, exc_info=failures == 1)
                await asyncio.sleep(backoff_s(failures))
                continue
            failures = 0
            if pause_s is None:
                pause_s = self._every_s
            if pause_s and self._gathers_s:
                await asyncio.sleep(self._gathers_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
