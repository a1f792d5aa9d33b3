"""Who may look inside in production."""

from __future__ import annotations

from typing import Any

from dispatch.config import Settings
from tests.api.demo import DEMO
from tests.api.support import FakeServices, serving
from tests.near import near_misses, sendable

TOKEN = "an operations token of some length"


CLOSED = ("/metrics", "/docs", "/docs/events", "/openapi.json", "/asyncapi.json", "/docs/assets/start.js", "/")


def production(**http: Any) -> FakeServices:
    return FakeServices(settings=Settings(env="production", database_url="postgresql://nowhere", http=http))


async def test_production_tells_strangers_nothing_of_its_inside() -> None:
    async with serving(production(operations_token=TOKEN), DEMO) as client:
        for path in CLOSED:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN[:-1]}"}):
                async with client.get(path, headers=headers, allow_redirects=False) as response:
                    assert response.status == 404, path
        for path in CLOSED[1:]:
            signed = {"Authorization": f"Bearer {TOKEN}"}
            async with client.get(path, headers=signed, allow_redirects=False) as response:
                assert response.status in (200, 302), path
        async with client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            assert response.status != 404
        async with client.get("/readyz") as response:
            assert await response.json() == {"status": "not ready"}
        async with client.get("/readyz", headers={"Authorization": f"Bearer {TOKEN}"}) as response:
            assert "checks" in await response.json()
        async with client.get("/healthz") as response:
            assert response.status == 200


async def test_without_a_token_nobody_is_an_operator_in_production() -> None:
    async with serving(production(), DEMO) as client:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
            async with client.get("/metrics", headers=headers) as response:
                assert response.status == 404


async def test_the_documents_may_be_open() -> None:
    async with serving(production(open_documents=True), DEMO) as client:
        for path in CLOSED[1:]:
            async with client.get(path, allow_redirects=False) as response:
                assert response.status in (200, 302)
        async with client.get("/metrics") as response:
            assert response.status == 404


async def test_what_is_nearly_the_operations_token_shows_nothing() -> None:
    async with serving(production(operations_token=TOKEN), DEMO) as client:
        for guess in sendable(near_misses(TOKEN)):
            async with client.get("/metrics", headers={"Authorization": f"Bearer {guess}"}) as response:
                assert response.status == 404, guess
