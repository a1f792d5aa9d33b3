"""A path that is looked up is answered as the library's walk answers it."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.api.support import OurServer

NAME = web.AppKey("name", str)


@web.middleware
async def _marked(request: web.Request, handler: Any) -> web.StreamResponse:
    response: web.StreamResponse = await handler(request)
    response.headers["Route"] = request.match_info.route.name or "none"
    return response


async def _told(request: web.Request) -> web.Response:
    found = [request.path, request.method, dict(request.match_info), dict(request.query), await request.text()]
    return web.json_response([*found, request.app[NAME]])


def application() -> web.Application:
    app = web.Application(middlewares=[_marked])
    app[NAME] = "one"
    app.router.add_get("/a", _told, name="first")
    app.router.add_post("/a", _told, name="second")
    app.router.add_get("/", _told, name="root")
    app.router.add_get("/{x}", _told, name="free")
    app.router.add_get("/b", _told, name="late")
    app.router.add_get("/c d", _told, name="blank")
    app.router.add_get("/moved", _moved)
    return app


async def _moved(request: web.Request) -> web.Response:
    raise web.HTTPFound("/a")


ASKED = [
    ("GET", "/a", {}), ("HEAD", "/a", {}), ("POST", "/a", {}), ("PUT", "/a", {}), ("OPTIONS", "/a", {}),
    ("GET", "/", {}), ("GET", "/a?x=1&y=%20", {}), ("GET", "/%61", {}), ("GET", "/a/", {}), ("GET", "//a", {}),
    ("GET", "/a%2F", {}), ("GET", "/A", {}), ("GET", "/b", {}), ("GET", "/c%20d", {}), ("GET", "/c+d", {}),
    ("GET", "/a/b/c", {}), ("GET", "/moved", {}), ("POST", "/a", {"Expect": "100-continue"}),
    ("POST", "/a", {"Expect": "200-nothing"}),
]  # fmt: skip


async def _answers(server: type[TestServer]) -> list[tuple[Any, ...]]:
    found = []
    async with TestClient(server(application())) as client:
        for method, path, headers in ASKED:
            data = b"body" if method == "POST" else None
            url = client.make_url("/").with_path(path.partition("?")[0], encoded=True)
            if "?" in path:
                url = url.with_query("x=1&y=%20")
            async with client.session.request(method, url, data=data, headers=headers, allow_redirects=False) as answer:
                told = {name: answer.headers.get(name) for name in ("Allow", "Route", "Location", "Content-Length")}
                found.append((method, path, answer.status, told, await answer.text()))
    return found


async def test_both_ways_answer_the_same() -> None:
    ours, theirs = await _answers(OurServer), await _answers(TestServer)
    assert ours == theirs
    assert [status for _, _, status, _, _ in ours] == [
        200, 200, 200, 405, 405, 200, 200, 200, 404, 404, 200, 200, 200, 200, 200, 404, 302, 200, 417,
    ]  # fmt: skip


async def test_a_body_that_waits_for_a_word_gets_it() -> None:
    async with OurServer(application()) as server:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"POST /a HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        async with asyncio.timeout(60):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"body")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        writer.close()
