"""The HTTP load of the bench: what it counts is what was answered."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dispatch.bench.load import build
from dispatch.bench.rest import NATIVE

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")


async def test_the_load_counts_what_was_answered(tmp_path: Path) -> None:
    seen = {"good": 0, "bad": 0}

    async def answer(request: web.Request) -> web.Response:
        seen[request.match_info["kind"]] += 1
        return web.Response(status=200 if request.match_info["kind"] == "good" else 429, body=b"x" * 5000)

    app = web.Application()
    app.router.add_get("/{kind}", answer)
    binary = build(tmp_path, NATIVE / "http.c")
    async with TestServer(app) as server:
        for kind in ("good", "bad"):
            process = await asyncio.create_subprocess_exec(
                str(binary), str(server.port), "4", "0.2", stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            said, _ = await process.communicate(f"GET /{kind} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
            found = json.loads(said)
            assert found["requests"] > 0 and 0 <= seen[kind] - found["requests"] <= 4
            assert found["bad"] == (0 if kind == "good" else found["requests"])
            assert found["bytes"] > 5000 and 0 < found["p50_us"] <= found["p99_us"]


async def test_of_several_requests_each_is_sent_once(tmp_path: Path) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(await request.text())
        return web.json_response({"status": "taken" if int(seen[-1]) % 5 else "free"})

    app = web.Application()
    app.router.add_post("/", answer)
    binary = build(tmp_path, NATIVE / "http.c")
    async with TestServer(app) as server:
        process = await asyncio.create_subprocess_exec(
            str(binary), str(server.port), "4", "60", '"free"', stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        asked = [f"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: {len(str(n))}\r\n\r\n{n}" for n in range(30)]
        said, _ = await process.communicate("\0".join(asked).encode())
    found = json.loads(said)
    assert sorted(map(int, seen)) == list(range(30))
    assert (found["requests"], found["bad"], found["found"]) == (30, 0, 6) and found["took_s"] > 0
