"""Around every request: ids, addresses, headers, limits, health, and what the logs do not hold."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from api.edge import limits
from api.route import SIGNED_BODY
from dispatch import logs
from storage.database.errors import DatabaseAway, DatabaseBusy, DatabaseFull
from tests.api.demo import DEMO
from tests.api.edge.clients import settings
from tests.api.support import Client, FakeServices, bearer, serving
from tests.costs import Budget

# ---------------------------------------------------------------- one answer, two ways to write it

ASKED = [
    ("GET", "/kind/head"), ("HEAD", "/kind/head"), ("GET", "/kind/items"), ("GET", "/kind/nothing"),
    ("GET", "/kind/whole"), ("GET", "/healthz"), ("HEAD", "/healthz"), ("GET", "/nowhere"), ("PUT", "/healthz"),
    ("OPTIONS", "/healthz"), ("GET", "/kind/things/1?x=1"), ("GET", "/metrics"),
]  # fmt: skip


async def raw(client: Client, method: str, path: str, version: str, *lines: str) -> tuple[str, list[str], str]:
    """The status, the sorted headers but those of the moment and of the connection, and the body of an answer."""
    reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
    head = [f"{method} {path} HTTP/{version}", "Host: here", "X-Request-ID: request-1", "Connection: close", *lines]
    writer.write("\r\n".join([*head, "", ""]).encode())
    async with asyncio.timeout(60):
        told, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    status, *headers = told.split("\r\n")
    kept = [h for h in headers if not h.startswith(("Date: ", "Connection: "))]
    assert len(headers) - len(kept) <= 2 and sum(h.startswith("Date: ") for h in headers) == 1
    return status.partition(" ")[2], sorted(kept), body


@pytest.mark.parametrize("method, path", ASKED)
async def test_an_answer_is_the_same_to_old_and_new(friend: Client, method: str, path: str) -> None:
    """What HTTP/1.1 gets with one call is what the library writes for HTTP/1.0, header by header."""
    for lines in ((), (f"Origin: {ORIGIN}",), ("Origin: https://evil.example.com",)):
        new, old = [await raw(friend, method, path, version, *lines) for version in ("1.1", "1.0")]
        if path != "/metrics":
            assert new == old
        assert new[:1] == old[:1] and [h.partition(":")[0] for h in new[1]] == [h.partition(":")[0] for h in old[1]]


# ---------------------------------------------------------------- who and from where


async def test_headers_of_safety(client: Client) -> None:
    for path in ("/kind/head", "/kind/nothing", "/healthz"):
        async with client.get(path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["X-Frame-Options"] == "DENY"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Server"] == "dispatch"


ORIGIN = "https://app.example.com"
#: Everything that some audience's front end sends (the contract's words).
SENT = {
    "Authorization", "Cache-Control", "Content-Type", "If-None-Match", "X-API-Key", "X-API-Secret", "x-client-id",
    "x-client-secret", "X-Idempotency-Key", "X-Onboarding-Token", "X-Organization-ID", "X-Request-ID",
    "X-Step-Up-Token",
}  # fmt: skip


@pytest.fixture
async def friend() -> AsyncIterator[Client]:
    """A client of a server that knows one origin."""
    async with serving(FakeServices(settings=settings(http={"allowed_origins": [ORIGIN]})), DEMO) as made:
        yield made


def words(header: str) -> set[str]:
    return {word.strip().lower() for word in header.split(",")}


async def test_a_friendly_origin_may_ask_before(friend: Client) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    async with friend.options("/kind/items", headers=asked) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        assert words(response.headers["Access-Control-Allow-Headers"]) >= {name.lower() for name in SENT}
        assert words(response.headers["Access-Control-Allow-Methods"]) >= {"get", "post", "put", "patch", "delete"}


@pytest.mark.parametrize("path", ["/kind/head", "/kind/items", "/kind/nothing", "/nowhere"])
async def test_a_friendly_origin_reads_every_answer(friend: Client, path: str) -> None:
    async with friend.get(path, headers={"Origin": ORIGIN}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
        exposed = words(response.headers["Access-Control-Expose-Headers"])
        assert exposed >= {"content-disposition", "etag", "retry-after", "x-request-id", "x-ignored-fields"}


@pytest.mark.parametrize("foreign", ["https://evil.example.com", "null", f"{ORIGIN}.evil.example.com", ORIGIN + "/"])
async def test_a_strange_origin_gets_no_word(friend: Client, foreign: str) -> None:
    async with friend.options("/kind/items", headers={"Origin": foreign}) as response:
        assert response.status == 405
        assert "Access-Control-Allow-Origin" not in response.headers
    async with friend.get("/kind/head", headers={"Origin": foreign}) as response:
        assert not [name for name in response.headers if name.startswith("Access-Control")]


async def test_caches_keep_answers_apart_by_origin(friend: Client, client: Client) -> None:
    for headers in ({}, {"Origin": ORIGIN}, {"Origin": "https://evil.example.com"}):
        async with friend.get("/kind/head", headers=headers) as response:
            assert "Origin" in response.headers["Vary"]
    async with client.get("/kind/head") as response:
        assert "Vary" not in response.headers, "where no origin is known, none makes a difference"


# ---------------------------------------------------------------- what no client should send


# ---------------------------------------------------------------- limits


# ---------------------------------------------------------------- logs


async def test_a_request_leaves_one_line_without_secrets(lines: io.StringIO, client: Client) -> None:
    signed = bearer(FakeServices(), "customer")
    headers = signed | {"X-Request-ID": "trace-1234"}
    async with client.post("/strict/things?phone=%2B911234567890", json={"name": "top secret"}, headers=headers):
        pass
    written = [orjson.loads(line) for line in lines.getvalue().splitlines()]
    [line] = [w for w in written if w.get("event") == "request"]
    assert {k: line[k] for k in ("method", "route", "status", "request_id", "level")} == {
        "method": "POST", "route": "/strict/things", "status": 200, "request_id": "trace-1234",
        "level": "info",
    }  # fmt: skip
    for secret in ("top secret", "1234567890", signed["Authorization"]):
        assert secret not in lines.getvalue()


async def test_a_bug_is_logged_with_its_request(lines: io.StringIO, client: Client) -> None:
    async with client.get("/kind/fails/bug", headers={"X-Request-ID": "trace-1234"}):
        pass
    [line] = [w for w in map(orjson.loads, lines.getvalue().splitlines()) if w.get("event") == "bug"]
    assert "ZeroDivisionError" in line["exception"]
    assert (line["request_id"], line["level"]) == ("trace-1234", "error")


def test_secrets_are_hidden_from_every_logger(lines: io.StringIO) -> None:
    token = FakeServices().tokens.mint("customer", "me", None, 60)
    logging.getLogger("x").warning("sent %s to %s", token, "+911234567890")
    logs.get_logger("y").info("e", access_token="abc", at={"phone": "1", "n": [token]}, ok="fine")
    text = lines.getvalue()
    assert token not in text and "911234567890" not in text and "abc" not in text
    second = orjson.loads(text.splitlines()[1])
    assert (second["access_token"], second["at"], second["ok"]) == (
        logs.HIDDEN, {"phone": logs.HIDDEN, "n": [logs.HIDDEN]}, "fine",
    )  # fmt: skip


# ---------------------------------------------------------------- what is not the caller's fault, and what is


@pytest.mark.parametrize(
    "error", [DatabaseFull("no room", "53100"), DatabaseAway("gone"), DatabaseBusy("slow"), TimeoutError()]
)
async def test_what_cannot_be_done_just_now_is_to_be_tried_again(
    client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fails(*args: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(limits, "count_address", fails)
    async with client.get("/kind/head") as response:
        body = await response.json()
        assert response.status == 503 and int(response.headers["Retry-After"]) >= 1
        assert body["error"]["code"] == "SERVICE_UNAVAILABLE" and "room" not in str(body)


@pytest.mark.parametrize("as_chunks", [False, True])
async def test_a_body_that_is_too_large_is_not_read(client: Client, as_chunks: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b'"' + b"x" * 1000

    signed = bearer(FakeServices(), "customer")
    data: Any = pieces() if as_chunks else b'{"name": "' + b"x" * SIGNED_BODY + b'"}'
    async with client.post("/strict/things", data=data, headers=signed) as response:
        body = await response.json()
        assert response.status == 413 and body["error"]["code"] == "PAYLOAD_TOO_LARGE"
        assert body["message"] == f"The body is too large: this address takes {SIGNED_BODY // 1024} KB."


async def test_many_unknown_keys_get_a_short_answer(client: Client) -> None:
    signed = bearer(FakeServices(), "customer")
    for count in (60, 250, 3_000, 9_000):
        async with client.post("/strict/things", json={f"k{n}": n for n in range(count)}, headers=signed) as response:
            text = await response.text()
            assert response.status in (400, 413, 422) and len(text) < 10_000


# ---------------------------------------------------------------- what a head may cost

#: Each line is as long as the parser lets through; all of them together are more than anybody sends.
LINE = 8_000
HEADS: dict[str, bytes] = {
    "many addresses on the way": (b"X-Forwarded-For: " + b"1.2.3.4," * 900 + b"\r\n") * 20,
    "many cookies": (b"Cookie: " + b"a=b;" * 1_900 + b"\r\n") * 20,
    "many wishes": (b"Accept: " + b"a/b;q=0.1," * 790 + b"\r\n") * 20,
    "many tags": b"If-None-Match: " + b'"a",' * 1_900 + b'"b"\r\n',
    "many ranges": b"Range: bytes=" + b"0-1," * 1_900 + b"\r\n",
    "a token of points": b"Authorization: Bearer " + b"." * LINE + b"\r\n",
    "a token that begins well": b"Authorization: Bearer " + b"eyJ" * 2_600 + b".a.b\r\n",
    "an agent in another script": b"User-Agent: " + "\u00e9".encode() * 4_000 + b"\r\n",
    "a long name of the request": b"X-Request-ID: " + b"a" * LINE + b"\r\n",
    "an origin of many parts": b"Origin: https://" + b"a." * 3_900 + b"\r\n",
    "a long key": b"X-Idempotency-Key: " + b"a" * LINE + b"\r\n",
    "a hundred headers": b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1_000) for n in range(100)),
    "a path that goes nowhere": b"",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
async def test_the_costliest_heads_cost_little(client: Client, head: bytes) -> None:
    """Up to the answer, the client's part in this thread included."""
    target = b"/" + b"%2e/" * 1_900 if not head else b"/kind/head"
    budget = Budget()
    while budget.goes_on():
        reader, writer = await asyncio.open_connection(client.server.host, client.server.port)
        with budget.measured():
            writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" + head + b"\r\n")
            async with asyncio.timeout(60):
                answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 "), answer
        assert len(answer) < 20_000
    assert budget.is_kept(), budget.costs
