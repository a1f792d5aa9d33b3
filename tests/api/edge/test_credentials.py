"""What is no token signs nobody in, and hurts nobody."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.support import Client


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": b"Bearer \xff"}, {"Authorization": b"Bearer \xc3\x28"}, {"Authorization": "Bearer é"},
        {"Authorization": b"\xff"}, {"Authorization": "Bearer " + "x" * 5000}, {"Authorization": "Bearer a b"},
        {"Authorization": "Basic dTpw"}, {"Authorization": ""}, {"Authorization": "Bearer"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/kind/items", "/strict/things"])
async def test_what_is_no_token_is_not_signed_in(client: Client, path: str, headers: dict[str, Any]) -> None:
    raw = {k: v.decode("utf-8", "surrogateescape") if isinstance(v, bytes) else v for k, v in headers.items()}
    method = client.get if path == "/kind/items" else client.post
    async with method(path, headers=raw) as response:
        assert response.status == 401, await response.text()


@pytest.mark.parametrize(
    "name", ["User-Agent", "X-Request-ID", "X-Forwarded-For", "Origin", "If-None-Match", "X-Anything", "Accept"]
)
async def test_bytes_that_are_no_text_hurt_nobody(client: Client, name: str) -> None:
    raw = b"\xff\xfe caf\xe9".decode("utf-8", "surrogateescape")
    async with client.get("/kind/head", headers={name: raw}) as response:
        assert response.status == 200
