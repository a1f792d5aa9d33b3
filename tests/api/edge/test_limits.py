"""Limits: per address where nobody is known, per caller where somebody is."""

from __future__ import annotations

from typing import Any

import pytest

from dispatch.access.networks import WIDE_FACTOR
from dispatch.config.limits import Limits
from tests.api.demo import DEMO
from tests.api.edge.clients import settings
from tests.api.support import FakeServices, bearer, serving

pytestmark = pytest.mark.usefixtures("still_windows")


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
    async with serving(FakeServices(settings=settings(limits=Limits(technician_per_minute=2))), DEMO) as client:
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


async def test_a_site_of_many_addresses_is_a_caller_too() -> None:
    services = FakeServices(settings=settings(http={"trusted_hops": 1}, limits=Limits(customer_per_minute=2)))
    async with serving(services, DEMO) as client:

        async def ask(n: int) -> int:
            async with client.get("/kind/head", headers={"X-Forwarded-For": f"[2001:db8:9:{n:x}::1]:80"}) as response:
                return response.status

        assert [await ask(n) for n in range(2 * WIDE_FACTOR + 1)] == [200] * (2 * WIDE_FACTOR) + [429]
