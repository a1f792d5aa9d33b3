"""Starting, stopping and starting again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp

from dispatch.local_gateway.server import KEY_ID, KEY_SECRET, LocalGateway


def test_the_program_says_when_it_is_ready_and_stops_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dispatch.local_gateway", "--port", "0", "--data", str(tmp_path)]
    root = Path(__file__).resolve().parents[3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env=dict(os.environ)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert line.startswith("gateway ready http://127.0.0.1:")
    assert (tmp_path / "gateway.sqlite3").exists()


def test_its_keys_say_that_they_are_for_tests() -> None:
    assert KEY_ID.startswith("rzp_test_local")
    assert "test" in KEY_SECRET


async def test_the_bare_address_says_what_it_is() -> None:
    async with LocalGateway() as gw, aiohttp.ClientSession() as http, http.get(gw.url) as reply:
        assert reply.status == 200
        assert reply.content_type == "text/html"
        assert "moves no money" in await reply.text()
