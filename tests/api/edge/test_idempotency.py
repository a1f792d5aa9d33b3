"""One effect per key, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from storage import idempotency
from storage.database.pool import Pool
from tests.api.demo import DEMO, RUNS
from tests.api.support import Client, FakeServices, bearer, serving


@pytest.fixture
async def client(fresh_pool: Pool) -> AsyncIterator[Client]:
    RUNS.clear()
    async with serving(FakeServices(pool=fresh_pool), DEMO) as made:
        yield made


ME = uuid4()


def mine() -> dict[str, str]:
    """Made when it is sent: what is made on import may have run out by then."""
    return bearer(FakeServices(), "customer", ME)


async def send(
    client: Client, path: str, body: Any, key: str | None = None, who: dict[str, str] | None = None
) -> tuple[int, bytes, Any]:
    headers = (who or mine()) | ({"X-Idempotency-Key": key} if key else {})
    async with client.post(path, json=body, headers=headers) as response:
        return response.status, await response.read(), response.headers


def fresh() -> str:
    return uuid4().hex


async def test_the_same_request_gets_the_same_bytes(client: Client) -> None:
    key = fresh()
    first = await send(client, "/kind/pay", {"name": "a", "price": 1}, key)
    again = await send(client, "/kind/pay", {"price": 1, "name": "a"}, key)
    assert RUNS == ["a"]
    assert again[:2] == first[:2]
    assert first[0] == 201
    assert "Idempotent-Replayed" not in first[2] and again[2]["Idempotent-Replayed"] == "true"
    assert again[2]["Location"] == first[2]["Location"] == "/there"
    assert again[2]["Content-Type"] == first[2]["Content-Type"]
    assert again[2]["X-Request-ID"] != first[2]["X-Request-ID"]


async def test_another_body_is_refused(client: Client) -> None:
    key = fresh()
    await send(client, "/kind/pay", {"name": "a"}, key)
    status, body, _ = await send(client, "/kind/pay", {"name": "b"}, key)
    assert (status, b"IDEMPOTENCY_KEY_REUSED" in body, RUNS) == (422, True, ["a"])


async def test_keys_belong_to_one_caller_and_one_route(client: Client) -> None:
    key = fresh()
    await send(client, "/kind/pay", {"name": "a"}, key)
    await send(client, "/kind/pay", {"name": "a"}, key, bearer(FakeServices(), "customer"))
    await send(client, "/kind/confirm", {"name": "a"}, key)
    assert RUNS == ["a", "a", "a"]


@pytest.mark.parametrize("key", [None, "short", "x" * 256, "with ümlaut 0123456789"])
async def test_bad_keys(client: Client, key: str | None) -> None:
    status, body, _ = await send(client, "/kind/pay", {"name": ""}, key)
    assert status == 422
    assert b"X-Idempotency-Key" in body and b'"name"' in body


async def test_definitive_refusals_are_repeated_too(client: Client) -> None:
    key = fresh()
    first = await send(client, "/kind/pay", {"name": "late"}, key)
    again = await send(client, "/kind/pay", {"name": "late"}, key)
    assert (first[0], first[:2], RUNS) == (409, again[:2], ["late"])
    assert again[2]["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("name", "status"), [("away", 503), ("bug", 500)])
async def test_passing_troubles_are_not_kept(client: Client, name: str, status: int) -> None:
    key = fresh()
    assert (await send(client, "/kind/pay", {"name": name}, key))[0] == status
    assert (await send(client, "/kind/pay", {"name": name}, key))[0] == status
    assert [name, name] == RUNS


async def test_an_invalid_request_does_not_use_the_key_up(client: Client) -> None:
    key = fresh()
    assert (await send(client, "/kind/pay", {"name": ""}, key))[0] == 422
    assert (await send(client, "/kind/pay", {"name": "a"}, key))[0] == 201


async def test_eight_at_once_have_one_effect(client: Client) -> None:
    key = fresh()
    results = await asyncio.gather(*[send(client, "/kind/pay", {"name": "a"}, key) for _ in range(8)])
    assert RUNS == ["a"]
    done = [r for r in results if r[0] == 201]
    assert len({r[1] for r in done}) == 1
    for status, body, headers in results:
        if status != 201:
            assert (status, b"REQUEST_IN_PROGRESS" in body) == (409, True)
            assert int(headers["Retry-After"]) >= 1


async def test_a_natural_key(client: Client) -> None:
    first = await send(client, "/kind/confirm", {"name": "preview"})
    assert (await send(client, "/kind/confirm", {"name": "preview"}))[1] == first[1]
    assert (await send(client, "/kind/confirm", {"name": "preview", "lat": 1}))[0] == 422
    assert RUNS == ["preview"]


async def test_a_refused_natural_key_may_be_mended(client: Client) -> None:
    assert (await send(client, "/kind/confirm", {"name": "p2", "price": 0.01}))[0] == 409
    assert (await send(client, "/kind/confirm", {"name": "p2", "price": 2}))[0] == 200


async def test_a_dead_holders_claim_is_taken_over(client: Client, fresh_pool: Pool) -> None:
    key = fresh()
    await send(client, "/kind/pay", {"name": "a"}, key)
    async with fresh_pool.connection() as conn:
        await conn.execute("UPDATE idempotency_keys SET state = 'claimed', locked_until = clock_timestamp() + '1 min'")
        assert (await send(client, "/kind/pay", {"name": "a"}, key))[0] == 409
        await conn.execute("UPDATE idempotency_keys SET locked_until = clock_timestamp() - interval '1 s'")
        assert (await send(client, "/kind/pay", {"name": "b"}, key))[0] == 422
        assert (await send(client, "/kind/pay", {"name": "a"}, key))[0] == 201
    assert RUNS == ["a", "a"]


async def test_a_quota_counts_what_is_valid_and_not_replayed(client: Client) -> None:
    key = fresh()
    assert (await send(client, "/kind/scarce", {"name": ""}))[0] == 422
    assert [(await send(client, "/kind/scarce", {"name": "a"}, key))[0] for _ in range(3)] == [200, 200, 200]
    assert [(await send(client, "/kind/scarce", {"name": "b"}))[0] for _ in range(2)] == [200, 200]
    status, body, headers = await send(client, "/kind/scarce", {"name": "c"}, other := fresh())
    assert (status, b"RATE_LIMIT_EXCEEDED" in body) == (429, True)
    assert 3500 < int(headers["Retry-After"]) <= 3600
    # The refusal is not kept under the key, what the quota does not mean passes, and others have their own.
    assert (await send(client, "/kind/scarce", {"name": "c"}, other))[0] == 429
    assert (await send(client, "/kind/scarce", {"name": "free"}))[0] == 200
    assert (await send(client, "/kind/scarce", {"name": "a"}, who=bearer(FakeServices(), "customer")))[0] == 200


async def test_a_claim_waits_for_no_disk_and_leaves_its_connection_as_it_was(fresh_pool: Pool) -> None:
    """Only it: what its holder does on the same connection is durable."""
    async with fresh_pool.connection() as conn:
        await conn.execute("SET synchronous_commit = on")
        name = {"principal": "customer:1", "route": "POST /x", "key": fresh()}
        assert await idempotency.claim(conn, **name, body_hash=b"h", lease_s=90) is not None
        assert await conn.fetchval("SHOW synchronous_commit") == "on"
        assert await idempotency.claim(conn, **name, body_hash=b"h", lease_s=90) is None
        async with conn.transaction():
            assert await idempotency.claim(conn, **name | {"key": fresh()}, body_hash=b"h", lease_s=90) is not None
            assert await conn.fetchval("SHOW synchronous_commit") == "off", "until the transaction ends"
