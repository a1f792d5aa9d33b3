"""Posting to others: local servers of every temper, and nowhere but to public machines."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer

from dispatch.adapters.webhooks import READ_BYTES, HttpPoster
from dispatch.ports.webhooks import NoAnswer

HITS = web.AppKey("hits", list)


class Names(AbstractResolver):
    """Says what a name resolves to, look by look."""

    def __init__(self, *looks: list[str]) -> None:
        self.looks = list(looks)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        addresses = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [
            ResolveResult(hostname=host, host=a, port=port, family=socket.AF_INET, proto=0, flags=0) for a in addresses
        ]

    async def close(self) -> None:
        return None


@pytest.fixture(scope="module")
async def receiver() -> AsyncIterator[TestServer]:
    """Takes everything; `/ok`, `/moved`, `/endless`, `/slow`, `/never`, `/garbage` answer as they are called."""
    hits: list[tuple[str, bytes, str]] = []

    async def ok(request: web.Request) -> web.Response:
        hits.append((request.path, await request.read(), request.headers.get("webhook-id", "")))
        return web.Response(text="thank\x00 you", status=int(request.query.get("status", "200")),
                            headers={"Retry-After": "30"})  # fmt: skip

    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPFound("/ok")

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 4096)
        except ConnectionError:
            return response

    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        await asyncio.Event().wait()
        return response

    async def never(_: web.Request) -> web.Response:
        await asyncio.Event().wait()
        raise AssertionError

    async def garbage(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.write(b"this is not http\r\n\r\n")
        request.transport.close()
        return web.Response()

    app = web.Application()
    for handler in (ok, moved, endless, slow, never, garbage):
        app.router.add_post(f"/{handler.__name__}", handler)
    app[HITS] = hits
    server = TestServer(app, handler_cancellation=True)
    await server.start_server(shutdown_timeout=0.1)
    yield server
    await server.close()


@pytest.fixture
async def poster(request: pytest.FixtureRequest) -> AsyncIterator[HttpPoster]:
    """The parameter is how long an answer is waited for, where a test lets it wait in vain."""
    made = HttpPoster(["127.0.0.1"], total_s=getattr(request, "param", 60.0))
    yield made
    await made.close()


async def test_what_is_posted_arrives_and_the_answer_is_told(receiver: TestServer, poster: HttpPoster) -> None:
    answer = await poster.post(str(receiver.make_url("/ok")), b'{"a": 1}', {"webhook-id": "msg_1"})
    assert (answer.status, answer.text, answer.is_success, answer.retry_after_s) == (200, "thank you", True, 30)
    assert receiver.app[HITS][-1] == ("/ok", b'{"a": 1}', "msg_1")
    refused = await poster.post(str(receiver.make_url("/ok?status=503")), b"{}", {})
    assert (refused.status, refused.is_success) == (503, False)


async def test_a_redirect_is_an_answer_and_is_not_followed(receiver: TestServer, poster: HttpPoster) -> None:
    before = len(receiver.app[HITS])
    answer = await poster.post(str(receiver.make_url("/moved")), b"{}", {})
    assert (answer.status, answer.is_success) == (302, False)
    assert len(receiver.app[HITS]) == before


async def test_of_an_endless_answer_only_the_beginning_is_read(receiver: TestServer, poster: HttpPoster) -> None:
    answer = await poster.post(str(receiver.make_url("/endless")), b"{}", {})
    assert answer.is_success and len(answer.text) == READ_BYTES


@pytest.mark.parametrize("poster", [1.0], indirect=True)
async def test_a_slow_rest_of_an_answer_changes_nothing(receiver: TestServer, poster: HttpPoster) -> None:
    answer = await poster.post(str(receiver.make_url("/slow")), b"{}", {})
    assert (answer.is_success, answer.text) == (True, "begun")


@pytest.mark.parametrize(
    ("poster", "path", "why"), [(0.5, "/never", "within"), (60.0, "/garbage", "HTTP|broke")], indirect=["poster"]
)
async def test_what_is_no_answer_says_why(receiver: TestServer, poster: HttpPoster, path: str, why: str) -> None:
    with pytest.raises(NoAnswer, match=why):
        await poster.post(str(receiver.make_url(path)), b"{}", {})


async def test_a_machine_that_is_not_there_is_no_answer(poster: HttpPoster) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NoAnswer, match="No connection"):
            await poster.post(f"http://127.0.0.1:{taken.getsockname()[1]}/", b"{}", {})


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "192.168.0.1"], ["64:ff9b::7f00:1"],
     ["::ffff:8.8.8.8"]],
)  # fmt: skip
async def test_a_name_that_leads_inside_is_never_connected_to(addresses: list[str]) -> None:
    poster = HttpPoster(resolver=Names(addresses))
    with pytest.raises(NoAnswer, match="private network"):
        await poster.post("https://hooks.example.com/in", b"{}", {})
    await poster.close()


async def test_a_name_that_changes_between_two_looks_is_caught_at_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(["192.0.2.1"], ["127.0.0.1"])
    poster = HttpPoster(resolver=names, total_s=0.2)
    # An address of documentation stands for a public one that does not answer.
    monkeypatch.setattr("dispatch.adapters.webhooks.urls.is_public", lambda address: address == "192.0.2.1")
    with pytest.raises(NoAnswer, match="within|No connection"):
        await poster.post("https://hooks.example.com/in", b"{}", {})
    with pytest.raises(NoAnswer, match="private network"):
        await poster.post("https://hooks.example.com/in", b"{}", {})
    await poster.close()


@pytest.mark.parametrize("host", ["10.0.0.1", "127.0.0.1", "[::1]", "2130706433", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_literal_that_is_inside_is_not_even_tried(host: str) -> None:
    poster = HttpPoster(resolver=Names(["8.8.8.8"]))
    with pytest.raises(NoAnswer, match="must"):
        await poster.post(f"https://{host}/", b"{}", {})
    await poster.close()


async def test_no_proxy_of_the_environment_is_used(
    receiver: TestServer, poster: HttpPoster, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert (await poster.post(str(receiver.make_url("/ok")), b"{}", {})).is_success
