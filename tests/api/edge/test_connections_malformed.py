"""What is no HTTP is answered in our words, and leaves neither its bytes nor many lines in the log."""

from __future__ import annotations

import io

import pytest

from tests.api.edge.wires import POST, WHOLE, book, connected, serving

SECRET = b"eyJhbGciOiJIUzI1NiJ9.c2VjcmV0.c2ln"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " + SECRET + b"\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nBad Name: " + SECRET + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nContent-Length: " + SECRET + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\nX-Long: " + SECRET * 400 + b"\r\n\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: here\r\n" + b"A: b\r\n" * 500 + b"\r\n",
        POST.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked") + SECRET + b"\r\n",
        POST.replace(b"Content-Length: 4", b"Transfer-Encoding: chunked\r\nContent-Length: 4") + b"abcd",
    ],
)
async def test_bad_http_is_answered_in_our_words(sent: bytes, lines: io.StringIO) -> None:
    async with serving(book()) as address, connected(address) as wire:
        wire.send(sent)
        status, headers, body = await wire.refusal()
        async with connected(address) as other:
            other.send(WHOLE)
            assert await other.answer() == b"none", "nobody else notices"
    assert status.startswith(b"HTTP/1.1 4"), status
    assert headers["Server"] == "dispatch" and headers["Content-Type"].startswith("application/json")
    assert body["success"] is False and body["error"]["code"] and body["message"].endswith(".")
    assert "aiohttp" not in f"{headers}{body}".lower() and SECRET.decode() not in str(body)
    assert SECRET.decode() not in lines.getvalue() and "Traceback" not in lines.getvalue()


async def test_bad_http_leaves_one_line_in_a_while(lines: io.StringIO) -> None:
    async with serving(book()) as address:
        for _ in range(20):
            async with connected(address) as wire:
                wire.send(b"no http\r\n\r\n")
                await wire.refusal()
    assert lines.getvalue().count("no HTTP") == 1
