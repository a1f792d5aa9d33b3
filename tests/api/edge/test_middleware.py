"""Around every request: ids, addresses, headers, limits, health, and what the logs do not hold."""

from __future__ import annotations

import io
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import orjson
import pytest

from api.app import drain
from api.edge.health import LIFE
from api.edge.request_info import client_ip
from dispatch import logs
from dispatch.config import Limits, Settings
from tests.api.demo import DEMO
from tests.api.support import Client, FakeServices, bearer, serving
from tests.world import World


def settings(**changes: Any) -> Settings:
    return Settings(env="test", database_url="postgresql://nowhere", **changes)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with serving(FakeServices(), DEMO) as made:
        yield made


# ---------------------------------------------------------------- who and from where


async def test_request_ids(client: Client) -> None:
    async with client.get("/kind/head", headers={"X-Request-ID": "abc-123.DEF"}) as response:
        assert response.headers["X-Request-ID"] == "abc-123.DEF"
    for insane in ("short", "with space in it", "x" * 200):
        async with client.get("/kind/head", headers={"X-Request-ID": insane}) as response:
            assert len(response.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    ("peer", "forwarded", "hops", "seen"),
    [
        ("10.0.0.1", ["6.6.6.6"], 0, "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4"], 1, "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4, 10.0.0.2"], 2, "1.2.3.4"),
        ("10.0.0.1", ["1.2.3.4"], 3, "1.2.3.4"),
        ("10.0.0.1", [], 1, "10.0.0.1"),
        ("10.0.0.1", ["garbage"], 1, "10.0.0.1"),
        ("10.0.0.1", ["::ffff:1.2.3.4"], 1, "1.2.3.4"),
        ("2001:DB8::1", [], 0, "2001:db8::1"),
        (None, [], 0, "unknown"),
    ],
)
def test_the_client_is_who_the_trusted_hops_saw(
    peer: Any, forwarded: list[str], hops: int, seen: str
) -> None:
    assert client_ip(peer, forwarded, hops) == seen


async def test_headers_of_safety(client: Client) -> None:
    for path in ("/kind/head", "/kind/nothing", "/healthz"):
        async with client.get(path) as response:
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.headers["X-Frame-Options"] == "DENY"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["Server"] == "dispatch"


async def test_friendly_origins() -> None:
    origin = "https://app.example.com"
    async with serving(FakeServices(settings=settings(http={"allowed_origins": [origin]})), DEMO) as client:
        async with client.options("/kind/items", headers={"Origin": origin}) as response:
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
        async with client.get("/kind/head", headers={"Origin": origin}) as response:
            assert response.headers["Access-Control-Allow-Origin"] == origin
        for foreign in ("https://evil.example.com", "null", f"{origin}.evil.example.com"):
            async with client.options("/kind/items", headers={"Origin": foreign}) as response:
                assert response.status == 405
                assert "Access-Control-Allow-Origin" not in response.headers


# ---------------------------------------------------------------- limits


async def test_a_limit_per_address() -> None:
    services = FakeServices(settings=settings(http={"trusted_hops": 1}, limits=Limits(customer_per_minute=3)))
    async with serving(services, DEMO) as client:

        async def ask(ip: str, path: str = "/kind/head") -> Any:
            async with client.get(path, headers={"X-Forwarded-For": ip}) as response:
                await response.read()
                return response

        assert [(await ask("1.1.1.1")).status for _ in range(4)] == [200, 200, 200, 429]
        refused = await ask("1.1.1.1")
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await refused.json())["error"]["code"] == "RATE_LIMIT_EXCEEDED"
        # A request without a token counts all the same, and another address is another caller.
        assert (await ask("2.2.2.2", "/kind/items")).status == 401
        assert (await ask("1.1.1.1", "/kind/items")).status == 429
        # The whole /64 is one.
        statuses = [(await ask(f"2001:db8::{n}")).status for n in range(1, 5)]
        assert statuses == [200, 200, 200, 429]
        async with client.post("/kind/raw", data=b"x", headers={"X-Forwarded-For": "1.1.1.1"}) as response:
            assert response.status == 200


async def test_a_limit_per_caller() -> None:
    async with serving(
        FakeServices(settings=settings(limits=Limits(technician_per_minute=2))), DEMO
    ) as client:
        one, two = (bearer(FakeServices(), "technician") for _ in range(2))

        async def ask(headers: dict[str, str]) -> int:
            async with client.post(
                "/camel/things", json={"fullName": "a", "unitPrice": 1}, headers=headers
            ) as response:
                body = await response.json()
                assert ("timestamp" in body) and body["timestamp"].endswith(".000Z")
                return response.status

        assert [await ask(one) for _ in range(3)] == [200, 200, 429]
        assert await ask(two) == 200
        # Guessing tokens is counted by address.
        assert [await ask({"Authorization": "Bearer x"}) for _ in range(3)] == [401, 401, 429]


# ---------------------------------------------------------------- health


async def test_alive_and_not_ready_without_a_database(client: Client) -> None:
    async with client.get("/healthz") as response:
        assert response.status == 200
    async with client.get("/readyz") as response:
        assert response.status == 503
        assert (await response.json())["checks"] == {"database": "unreachable", "jobs": "unknown"}


async def test_ready(world: World) -> None:
    behind = [0.0]

    async def lag() -> float:
        return behind[0]

    async with serving(world.services, DEMO) as client:
        app = client.app
        assert app is not None
        app[LIFE].lag = lag

        async def ready() -> tuple[int, Any]:
            async with client.get("/readyz") as response:
                return response.status, (await response.json())["checks"]

        assert await ready() == (200, {"database": "ok", "jobs": "ok"})
        behind[0] = 500
        assert await ready() == (503, {"database": "ok", "jobs": "500 s behind"})
        behind[0] = 0
        drain(app)
        assert await ready() == (503, {"database": "ok", "jobs": "ok", "draining": "yes"})
        async with client.get("/metrics") as response:
            text = await response.text()
        assert 'dispatch_http_requests_total{method="GET",route="/readyz",status="503"}' in text
        assert 'dispatch_database_connections{state="open"}' in text


async def test_measures_name_templates_only(client: Client) -> None:
    phone = "911234567890"
    for path in (f"/kind/file/{phone}", f"/kind/things/{phone}"):
        async with client.get(path):
            pass
    async with client.get("/healthz"):
        pass
    from prometheus_client import generate_latest

    text = generate_latest().decode()
    assert phone not in text
    assert 'route="/kind/file/{name}"' in text
    assert 'route="unmatched",status="404"' in text


# ---------------------------------------------------------------- logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure("info", stream=stream)
    yield stream
    logs.unconfigure()
    root.handlers[:] = handlers
    root.setLevel(level)


async def test_a_request_leaves_one_line_without_secrets(lines: io.StringIO, client: Client) -> None:
    signed = bearer(FakeServices(), "customer")
    headers = signed | {"X-Request-ID": "trace-1234"}
    async with client.post(
        "/strict/things?phone=%2B911234567890", json={"name": "top secret"}, headers=headers
    ):
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
