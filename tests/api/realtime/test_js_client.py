"""The official JavaScript client against the engine: nobody can tell the difference."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.realtime.events import TECHNICIAN
from tests.api.realtime.conftest import Running, Serve, until

CLIENT = Path(__file__).parents[2] / "clients" / "js"
#: The newest, and two of which apps that nobody updates have one.
VERSIONS = ["socket.io-client", "client-4.0", "client-3.1"]


@pytest.fixture
def node() -> str:
    """The node binary, where the client is installed too; skips in words otherwise."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not installed")
    if not all((CLIENT / "node_modules" / version).is_dir() for version in VERSIONS):
        pytest.skip("run `npm ci` in tests/clients/js first")
    return found


async def run(node: str, script: str, *arguments: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        node,
        str(CLIENT / script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 240)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return orjson.loads(out)


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_official_javascript_client(serve: Serve, node: str, version: str) -> None:
    running: Running = await serve(ping_interval_s=1, ping_timeout_s=60)
    session = "phone"
    checking = asyncio.create_task(run(node, "check.mjs", running.url, f"good:{session}", version))
    await until(lambda: running.world.joined or checking.done(), "the client joined")
    if not checking.done():
        for n in range(3):
            running.server.emit_fact(running.sid_of(session), TECHNICIAN, "job.updated", {"n": n})
    seen = await checking
    assert seen["hot"] == {"ok": True, "data": {"accepted": 2}}
    assert seen["wrong"]["error"]["code"] == "validation_error"
    assert list(seen["wrong"]["error"]["details"]) == ["extra"]
    assert seen["accepted"]["ok"] is True
    assert seen["facts"] == [0, 1, 2]
    assert seen["reconnected"] == {"ok": True, "data": {"accepted": 1}}
    assert seen["connects"] == 2
    assert seen["refused"]["data"]["code"] == "unauthorized"
    assert len(running.world.hot) == 2 and running.world.slow == []
    await until(lambda: len(running.world.left) == 2, "both connections ended")
