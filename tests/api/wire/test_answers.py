"""Answers in pieces over real HTTP: what HEAD gets, and what becomes of those that fail or are left half-way."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.api.demo import LEFT
from tests.api.support import Client


async def said(client: Client, method: str, path: str) -> bytes:
    """Every byte of the answer to one request, until the server ends the connection."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n".encode())
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def test_a_whole_list(client: Client) -> None:
    async with client.get("/kind/whole/two") as response:
        assert await response.json() == {
            "success": True, "data": [{"id": 0, "name": "two"}, {"id": 1, "name": "two"}], "total": 2,
        }  # fmt: skip
    async with client.get("/kind/whole/empty") as response:
        assert await response.json() == {"success": True, "data": [], "total": 0}


@pytest.mark.parametrize("path", ["/kind/file/whole", "/kind/file/pieces", "/kind/whole/two"])
async def test_files_tell_what_meant_nothing_as_lists_do(client: Client, path: str) -> None:
    async with client.get(f"{path}?stauts=pending") as response:
        assert response.status == 200 and response.headers["X-Ignored-Fields"] == "stauts"
    async with client.get(path) as response:
        assert "X-Ignored-Fields" not in response.headers


@pytest.mark.parametrize("path", ["/kind/file/whole", "/kind/file/pieces", "/kind/file/breaks", "/kind/whole/two"])
async def test_head_gets_the_head_alone(client: Client, path: str, caplog: pytest.LogCaptureFixture) -> None:
    head, _, body = (await said(client, "HEAD", path)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ") and body == b""
    for method in ("HEAD", "GET"):
        async with client.request(method, "/kind/file/refuses") as response:
            assert response.status == 503
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


@pytest.mark.parametrize("path", ["/kind/file/breaks", "/kind/whole/breaks"])
async def test_what_fails_half_way_looks_like_nothing_whole(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = await said(client, "GET", path)
    # One answer at most, without the end of its last chunk and without words of the error.
    assert given.count(b"HTTP/1.1") <= 1 and not given.endswith(b"0\r\n\r\n")
    assert b'success":false' not in given
    assert [r for r in caplog.records if r.levelno >= logging.ERROR and "broke off" in r.getMessage()]


async def test_who_leaves_half_way_is_no_failure_of_ours(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    LEFT.clear()
    async with client.get("/kind/file/endless") as response:
        await response.content.readany()
        response.close()
    await asyncio.wait_for(LEFT.wait(), 60)
    async with client.get("/kind/file/pieces") as response:
        assert await response.read() == b"a,b"
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
