"""Many processes on one port: started and awaited, restarted when one dies, stopped together."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from dispatch.cli.failure import Refused
from dispatch.cli.setup import note

if TYPE_CHECKING:
    from dispatch.cli.companion import Companion
    from dispatch.config import Settings

#: A worker must answer within this after its start.
START_S = 60.0
#: Workers get so long to end by themselves.
STOP_S = 6.0
#: A worker that dies is started again, but not more often than this in a row.
MOST_RESTARTS = 5
#: Before a worker is started again it is waited for at most this.
LONGEST_PAUSE_S = 2.0
#: A worker that ran so long has its earlier deaths forgiven.
FORGIVEN_S = 60.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """For preexec_fn: the child is told to stop when its parent dies, however it dies."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


async def supervise(
    settings: Settings,
    dsn: str,
    url: str,
    ready: Callable[[str], None],
    companion: Companion | None = None,
) -> int:
    """Runs the workers until cancelled. The exit code is 1 when one of them can't be kept alive."""
    from dispatch.cli.companion import accompany

    env = {
        **os.environ, "DATABASE_URL": dsn,
        "DISPATCH_HTTP__PORT": url.rsplit(":", 1)[1], "DISPATCH_HTTP__WORKERS": "1",
    }  # fmt: skip
    workers = [Worker(n, env) for n in range(1, settings.http.workers + 1)]
    try:
        await asyncio.gather(*(worker.start() for worker in workers))
        ready(url)
        kept = [asyncio.create_task(worker.keep()) for worker in workers]
        beside = asyncio.create_task(accompany(companion, url, dsn))
        done, _ = await asyncio.wait({*kept, beside}, return_when=asyncio.FIRST_COMPLETED)
        for task in (*kept, beside):
            task.cancel()
        return max(task.result() for task in done)
    finally:
        await asyncio.gather(*(worker.stop() for worker in workers))


class Worker:
    """One process, which writes a byte to its pipe when it answers."""

    def __init__(
        self, number: int, env: dict[str, str], *, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    ) -> None:
        self.number = number
        self._env, self._sleep = env, sleep
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns when the worker answers. Raises Refused when it ends or says nothing for START_S."""
        mine, its = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "dispatch", "node", "--ready-fd", str(its), env=self._env,
                stdin=subprocess.DEVNULL, pass_fds=(its,), preexec_fn=die_with_parent,
            )  # fmt: skip
        finally:
            os.close(its)
        # The pipe ends without a byte when the worker does.
        try:
            said = await asyncio.wait_for(_read_byte(mine), START_S)
        except TimeoutError:
            said = b""
        if not said:
            # One that lives and never answers would be kept for ever in the place of one that does.
            with suppress(ProcessLookupError):
                self._process.kill()
            raise Refused(f"Worker {self.number} did not start: its own words above say why.")

    async def keep(self) -> int:
        """Restarts the worker whenever it dies; returns 1 when it keeps dying."""
        loop, deaths = asyncio.get_running_loop(), 0
        while True:
            began = loop.time()
            assert self._process is not None, "a worker is kept after it has been started"
            code = await self._process.wait()
            deaths = 1 if loop.time() - began > FORGIVEN_S else deaths + 1
            note(f"worker {self.number} ended with code {code}")
            if deaths > MOST_RESTARTS:
                return 1
            await self._sleep(min(2.0 ** (deaths - 1) / 10, LONGEST_PAUSE_S))
            with suppress(Refused):
                await self.start()

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL for one that does not listen."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _read_byte(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        return await reader.read(1)
    finally:
        transport.close()
