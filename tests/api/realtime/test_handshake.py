"""What is refused before there is a socket: origins, tokens in the address, other transports, bodies."""

from __future__ import annotations

import aiohttp
import pytest

from api.realtime.guard import Origins, carries_token
from tests.api.realtime.conftest import Dial, Serve, refused


async def test_origins_are_an_exact_list(serve: Serve, dial: Dial) -> None:
    running = await serve(origins=["https://app.example"])
    await dial(running)  # a native app sends no Origin
    await dial(running, origin="https://app.example")
    await dial(running, origin=f"http://127.0.0.1:{running.port}")  # our own pages
    for origin in ("https://app.example.evil", "http://app.example", "https://evil.example", "null"):
        assert await refused(running, Origin=origin) == (403, "origin")
    assert running.stats["refused.origin"] == 4


async def test_without_a_list_only_the_own_host_is_an_origin(serve: Serve, dial: Dial) -> None:
    running = await serve()
    await dial(running, origin=f"http://127.0.0.1:{running.port}")
    for origin in (
        "https://evil.example",
        f"http://127.0.0.1:{running.port + 1}",
        "null",
        "http://127.0.0.1",
    ):
        assert await refused(running, Origin=origin) == (403, "origin")


def test_own_host_ignores_default_ports_and_refuses_the_odd() -> None:
    own = Origins()
    assert own.admits(["https://Ops.example"], "ops.example")
    assert own.admits(["https://ops.example"], "ops.example:443")
    assert not own.admits(["https://ops.example/path"], "ops.example")
    assert not own.admits(["file://ops.example"], "ops.example")
    assert not own.admits(["https://ops.example", "https://evil.example"], "ops.example")
    assert not own.admits(["https://[bad"], "ops.example")
    with pytest.raises(ValueError, match="wildcard"):
        Origins(["*"])


@pytest.mark.parametrize("query", ["&token=abc", "&Access_Token=abc", "&auth=abc", "&q=eyJhbGciOi.eyJzdWIi.sig"])
async def test_a_token_in_the_url_isrefused(serve: Serve, query: str) -> None:
    running = await serve()
    assert await refused(running, query) == (400, "token_in_url")


def test_harmless_queries_are_no_tokens() -> None:
    assert not carries_token([("EIO", "4"), ("transport", "websocket"), ("t", "abc.def.ghi"), ("v", "1.2.3")])


async def test_long_polling_and_post_arerefused(serve: Serve) -> None:
    running = await serve()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{running.url}/socket.io/?EIO=4&transport=polling") as response:
            assert response.status == 400
        async with session.post(f"{running.url}/socket.io/?EIO=4&transport=websocket") as response:
            assert response.status == 405
        async with session.get(f"{running.url}/socket.io/?EIO=4&transport=websocket") as response:
            assert response.status == 400  # no upgrade
        headers = {"Connection": "Upgrade", "Upgrade": "websocket"}
        url = f"{running.url}/socket.io/?EIO=4&transport=websocket"
        async with session.get(url, headers=headers) as response:
            assert response.status == 400  # a handshake without its key
    assert running.server.eio.sockets == {} and running.server.environ == {}


async def test_an_upgrade_with_a_body_isrefused(serve: Serve) -> None:
    running = await serve()
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }  # fmt: skip
    assert await refused(running, **upgrade, **{"Content-Length": "0005"}) == (400, "body")
    assert await refused(running, **upgrade, **{"Transfer-Encoding": "chunked"}) == (400, "body")


async def test_a_polling_client_hears_what_to_do(serve: Serve) -> None:
    running = await serve()
    url = f"{running.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        told = await response.json()
    assert (response.status, told["error"]["code"]) == (400, "transport")
    assert 'transports: ["websocket"]' in told["message"]
