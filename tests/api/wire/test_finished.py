"""Finished bytes on the wire: whole, once, and with what only this request's answer has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.http import HttpVersion10
from aiohttp.test_utils import make_mocked_request

from api.wire.finished import Finished, FinishedBytes, can_finish, finished_of, is_whole
from tests.api.support import OurServer

KEPT = FinishedBytes(200, {"Content-Type": "text/plain", "ETag": '"1"'}, b"hello")
SAME = FinishedBytes(304, {"ETag": '"1"'}, b"")


async def _answer(request: web.Request) -> web.StreamResponse:
    if not can_finish(request):
        return web.Response(text="the long way")
    made = Finished(SAME if "If-None-Match" in request.headers else KEPT)
    made.more = b"X-Request-ID: r1\r\n"
    return made


@asynccontextmanager
async def wire() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    app = web.Application()
    app.router.add_get("/", _answer)
    async with OurServer(app) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        yield reader, writer
        writer.close()


async def asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str, body: int) -> tuple[str, str]:
    writer.write(request.encode())
    async with asyncio.timeout(60):
        head = await reader.readuntil(b"\r\n\r\n")
        return head.decode(), (await reader.readexactly(body)).decode()


async def test_a_connection_takes_one_after_another() -> None:
    async with wire() as (reader, writer):
        for _ in range(2):
            head, body = await asked(reader, writer, "GET / HTTP/1.1\r\nHost: here\r\n\r\n", 5)
            assert head.startswith("HTTP/1.1 200 OK\r\n") and body == "hello"
            assert "Content-Length: 5\r\n" in head and "X-Request-ID: r1\r\n" in head
            assert head.count("Date: ") == 1 and "Connection: close" not in head
        head, _ = await asked(reader, writer, 'GET / HTTP/1.1\r\nHost: here\r\nIf-None-Match: "1"\r\n\r\n', 0)
        assert head.startswith("HTTP/1.1 304 ") and "Content-Length" not in head
        head, _ = await asked(reader, writer, "HEAD / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n", 0)
        assert "Content-Length: 5\r\n" in head and "Connection: close\r\n" in head
        assert await reader.read() == b"", "nothing comes after it"


async def test_many_at_once_are_answered_in_their_order() -> None:
    async with wire() as (reader, writer):
        once = "GET / HTTP/1.1\r\nHost: here\r\n"
        known = once + 'If-None-Match: "1"\r\n\r\n'
        writer.write(f"{once}\r\n{known}HEAD{once[3:]}\r\n{once}Connection: close\r\n\r\n".encode())
        async with asyncio.timeout(60):
            answers = (await reader.read()).decode()
        statuses = [line for line in answers.split("\r\n") if "HTTP/1.1 " in line]
        assert [line[line.index("HTTP/1.1 ") :] for line in statuses] == [
            "HTTP/1.1 200 OK", "HTTP/1.1 304 Not Modified", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK",
        ]  # fmt: skip
        assert answers.count("hello") == 2 and answers.endswith("Connection: close\r\n\r\nhello")


async def test_an_older_http_takes_the_long_way() -> None:
    async with wire() as (reader, writer):
        writer.write(b"GET / HTTP/1.0\r\nHost: here\r\n\r\n")
        assert (await asyncio.wait_for(reader.read(), 60)).endswith(b"the long way")


@pytest.mark.parametrize("made, is_so", [
    (web.Response(body=b"x"), True),
    (web.Response(text="x", status=404, headers={"Allow": "GET"}), True),
    (web.Response(), False),
    (web.Response(status=304, body=b"x"), False),
    (web.StreamResponse(), False),
    (web.HTTPFound("/"), False),
])  # fmt: skip
async def test_what_has_a_whole_body_is_written_at_once(made: web.StreamResponse, is_so: bool) -> None:
    assert is_whole(made, make_mocked_request("GET", "/")) is is_so
    assert not is_whole(made, make_mocked_request("GET", "/", version=HttpVersion10))


async def test_what_the_library_has_to_do_something_about_is_left_to_it() -> None:
    request = make_mocked_request("GET", "/")
    packed, pieces, crumbs = (web.Response(body=b"x") for _ in range(3))
    packed.enable_compression()
    pieces.enable_chunked_encoding()
    crumbs.set_cookie("a", "b")
    assert not [made for made in (packed, pieces, crumbs) if is_whole(made, request)]


def test_no_header_ends_its_line() -> None:
    for name, value in (("A", "b\r\nC: d"), ("A\r\nC", "d"), ("A", "b\nC: d")):
        with pytest.raises(ValueError):
            finished_of(web.Response(body=b"x", headers={name: value}))
