"""The pages: every asset is our own, and the bare address leads to them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from api.audiences import AUDIENCES
from api.documents.schemas import references
from api.registry import all_routes
from tests.api.demo import DEMO
from tests.api.support import Client, FakeServices, serving


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    async with serving(FakeServices(), AUDIENCES) as made:
        yield made


@pytest.mark.parametrize("page", ["/", "/docs", "/docs/events"])
async def test_pages_need_nothing_from_elsewhere(client: Client, page: str) -> None:
    async with client.get(page) as reply:
        assert (reply.status, reply.content_type) == (200, "text/html")
        assert reply.url.path.startswith("/docs")
        text, policy = await reply.text(), reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "http" not in policy
    named = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert named and not [n for n in named if "//" in n]
    for path in named:
        if path.startswith("/"):
            async with client.get(path) as asset:
                assert asset.status == 200 and await asset.read(), path


async def test_each_audience_has_a_document_of_its_own(client: Client) -> None:
    found: dict[str, list[str]] = {}
    for name in ("customer", "technician", "nobody"):
        async with client.get("/openapi.json", params={"audience": name}) as reply:
            found[name] = list((await reply.json()).get("paths", {})) if reply.status == 200 else []
    async with client.get("/openapi.json") as reply:
        every = (await reply.json())["paths"]
    assert "/v1/auth/send-otp" in found["customer"] and "/v1/partner/auth/login" in found["technician"]
    assert {*found["customer"], *found["technician"]} < every.keys() and not found["nobody"]
    assert not {*found["customer"]} & {*found["technician"]}


@pytest.mark.parametrize("audience", sorted({route.audience.name for route in all_routes()}))
async def test_what_a_document_of_an_audience_names_stands_in_it(client: Client, audience: str) -> None:
    async with client.get("/openapi.json", params={"audience": audience}) as reply:
        part = await reply.json()
    operations = {(method.upper(), path) for path, item in part["paths"].items() for method in item}
    assert operations == {(route.method, route.path) for route in all_routes() if route.audience.name == audience}
    known = {name for kind in part["components"].values() for name in kind}
    assert {*references(part)} <= known


async def test_pages_ask_nobody_else() -> None:
    async with serving(FakeServices(), DEMO) as client:
        for path, kind_, word in (
            ("/docs", "text/html", "swagger-ui-bundle.js"),
            ("/docs/events", "text/html", "offer.made"),
            ("/docs/assets/start.js", "text/javascript", "/openapi.json"),
            ("/docs/assets/page.css", "text/css", "main"),
            ("/docs/assets/swagger-ui.css", "text/css", ".swagger-ui"),
            ("/docs/assets/swagger-ui-bundle.js", "text/javascript", "SwaggerUIBundle"),
            ("/openapi.json", "application/json", "3.1.0"),
            ("/asyncapi.json", "application/json", "3.0.0"),
        ):
            async with client.get(path) as response:
                text = await response.text()
                assert (response.status, response.content_type) == (200, kind_)
                assert word in text
                if kind_ == "text/html":
                    assert "http://" not in text and "https://" not in text and 'src="//' not in text
                    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        for path in (
            "/docs/assets/index.html",
            "/docs/assets/..%2f__init__.py",
            "/docs/assets/swagger-ui.js",
        ):
            async with client.get(path) as response:
                assert response.status == 404
