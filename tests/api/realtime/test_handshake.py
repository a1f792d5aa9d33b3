"""What is refused before there is a socket: origins, tokens in the address, other transports, bodies, odd headers."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from api.realtime.guard import Origins, carries_token
from api.realtime.handshake import plain_handshake
from tests.api.realtime.conftest import PATIENCE_S, Dial, Serve, refused
from tests.api.realtime.rfc6455 import ACK, EVENT, TEXT, Peer, connected, frame, handshake, sign_in


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


# -- the plainest request, which needs no HTTP server ----------------------------------------------------------------

QUERY = b"?EIO=4&transport=websocket"
LINES = (
    b"Host: api.example", b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)  # fmt: skip


def asking(*more: bytes, query: bytes = QUERY, lines: tuple[bytes, ...] = LINES) -> bytes:
    return b"\r\n".join((b"GET /socket.io/" + query + b" HTTP/1.1", *lines, *more, b"", b""))


def test_what_clients_send_is_plain() -> None:
    browser = (
        b"Pragma: no-cache", b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)", b"Origin: https://app.example",
        b"Accept-Encoding: gzip, deflate, br", b"Accept-Language: en-GB,en;q=0.9", b"Cookie: a=b; c=d",
        b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", b"X-Forwarded-For: 1.2.3.4, 10.0.0.1",
    )  # fmt: skip
    found = plain_handshake(asking(*browser))
    assert found is not None and found.accept == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert (found.host, found.origins) == ("api.example", ("https://app.example",))
    assert found.forwarded == ("1.2.3.4, 10.0.0.1",)
    for query in (b"?transport=websocket&EIO=4&t=1764115200.1234", b"?EIO=4&transport=websocket&t=PeR2x_-"):
        found = plain_handshake(asking(query=query))
        assert found is not None and (found.origins, found.forwarded) == ((), ())
    firefox = tuple(line.replace(b"Connection: Upgrade", b"Connection: keep-alive, Upgrade") for line in LINES)
    assert plain_handshake(asking(lines=firefox)) is not None


@pytest.mark.parametrize(
    "data",
    [
        asking()[:-1], asking()[:-2], asking() + b"\x81", b" " + asking(), asking().replace(b"\r\n", b"\n"),
        asking().replace(b"GET", b"POST", 1), asking().replace(b"HTTP/1.1", b"HTTP/1.0"),
        asking(query=b""), asking(query=b"?EIO=3&transport=websocket"), asking(query=QUERY + b"&sid=abc"),
        asking(query=QUERY + b"&t=eyJh.eyJz.sig"), asking(query=QUERY + b"&token=x"), asking(query=QUERY + b"&EIO=4"),
        asking(b"Content-Length: 0"), asking(b"Transfer-Encoding: chunked"), asking(b"Expect: 100-continue"),
        asking(b"host: other"), asking(b"Origin: a", b"origin: b"), asking(b"Cookie: a", b"Cookie: a"),
        asking(b"Upgrade: h2c"), asking(b"Cookie : a"), asking(b" folded: a"), asking(b"Cookie: \x01"),
        asking(b"Cookie: caf\xc3\xa9"), asking(b"Empty:"), asking(b"no colon"), asking(b"Cookie: " + b"x" * 4096),
        *(asking(lines=LINES[:n] + LINES[n + 1 :]) for n in range(len(LINES))),
        asking().replace(b"-Version: 13", b"-Version: 8"), asking().replace(b"jZQ==", b"jZQ="),
        asking().replace(b"dGhl", b"dGh*"), asking().replace(b"Connection: Upgrade", b"Connection: close"),
    ],
)  # fmt: skip
def test_all_others_are_read_by_the_http_server(data: bytes) -> None:
    assert plain_handshake(data) is None


async def test_both_ways_lead_to_a_socket(serve: Serve, dial: Dial) -> None:
    running = await serve()
    http = running.runner.server
    assert http is not None
    plain = await dial(running)
    await plain.sign_in()
    assert (http.requests_count, running.server.stats["joined"]) == (0, 1)
    other = await dial(running, "&more=1")
    await other.sign_in("s2")
    assert (http.requests_count, running.server.stats["joined"]) == (1, 2)
    assert len(running.server.live) == len(running.server.environ) == len(running.server.eio.sockets) == 2


async def test_a_plain_one_is_judged_as_any_other(serve: Serve, dial: Dial) -> None:
    running = await serve(max_per_address=1, origins=["https://app.example"])
    sound = {line.split(b": ")[0].decode(): line.split(b": ")[1].decode() for line in LINES[1:]}
    assert await refused(running, **sound, Origin="https://evil.example") == (403, "origin")
    _held = await dial(running)
    assert await refused(running, **sound) == (429, "too_many_connections")
    running.server.is_closing = True
    assert await refused(running, **sound) == (503, "shutdown")
    assert len(running.server.live) == len(running.server.environ) == len(running.server.eio.sockets) == 1


# -- byte by byte ----------------------------------------------------------------------------------------------------


async def _status(peer: Peer, *pieces: bytes) -> tuple[int, bytes]:
    await peer.send(*pieces)
    head = await asyncio.wait_for(peer.head(), PATIENCE_S)
    return int(head.split()[1]), head


@pytest.mark.parametrize(
    ("but", "lines"),
    [
        ("Upgrade", ["Upgrade: WebSocket"]), ("Connection", ["Connection: keep-alive, Upgrade"]),
        ("", ["Sec-WebSocket-Extensions: permessage-deflate"]),
        ("", ["Sec-WebSocket-Protocol: chat"]), ("", ["Content-Length: 0"]),
    ],
)  # fmt: skip
async def test_sound_handshakes(serve: Serve, but: str, lines: list[str]) -> None:
    running = await serve()
    async with connected(running) as peer:
        status, head = await _status(peer, handshake(running, *lines, but=but) + sign_in())
        assert status == 101 and b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in head
        assert b"Extensions" not in head and b"Protocol:" not in head, "nothing is agreed on"
        assert (await peer.frame())[1].startswith(b"0{") and (await peer.frame())[1].startswith(b"40/technician,")


@pytest.mark.parametrize(
    ("but", "lines", "version"),
    [
        ("Sec-WebSocket-Key", [], "1.1"), ("Sec-WebSocket-Key", ["Sec-WebSocket-Key: c2hvcnQ="], "1.1"),
        ("Sec-WebSocket-Key", ["Sec-WebSocket-Key: not base64 at all!!"], "1.1"),
        ("Sec-WebSocket-Key", ["Sec-WebSocket-Key: " + "QUJD" * 12], "1.1"),
        ("", ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="], "1.1"), ("Sec-WebSocket-Version", [], "1.1"),
        ("Sec-WebSocket-Version", ["Sec-WebSocket-Version: 8"], "1.1"),
        ("Sec-WebSocket-Version", ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8"], "1.1"),
        ("Upgrade", [], "1.1"), ("Upgrade", ["Upgrade: h2c"], "1.1"), ("Upgrade", ["Upgrade: h2c, websocket"], "1.1"),
        ("Connection", [], "1.1"),
        ("Connection", ["Connection: close"], "1.1"), ("", [], "1.0"), ("", ["Content-Length: 4"], "1.1"),
        ("", ["Transfer-Encoding: chunked"], "1.1"),
    ],
)  # fmt: skip
async def test_unsound_handshakes_are_refused(serve: Serve, but: str, lines: list[str], version: str) -> None:
    running = await serve()
    async with connected(running) as peer:
        status, _ = await _status(peer, handshake(running, *lines, version=version, but=but))
        assert status == 400 and running.server.live == {} and running.server.eio.sockets == {}


async def test_a_handshake_may_come_in_pieces_and_frames_right_behind_it(serve: Serve) -> None:
    running = await serve()
    whole = handshake(running) + sign_in() + frame(TEXT, EVENT)
    head = len(whole) - len(frame(TEXT, EVENT)) - 40
    for at in (1, 20, head - 30, head, len(whole) - 5):
        async with connected(running) as peer:
            assert (await _status(peer, whole[:at], whole[at:]))[0] == 101
            seen = [(await asyncio.wait_for(peer.frame(), PATIENCE_S))[1] for _ in range(3)]
            assert seen[1].startswith(b"40/technician,") and seen[2] == ACK
