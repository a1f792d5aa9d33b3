"""Asks the small audiences of `demo` as somebody who has signed in."""

from __future__ import annotations

from typing import Any

import orjson

from tests.api.support import Client, FakeServices, bearer

ID = "11111111-1111-4111-8111-111111111111"


async def post(client: Client, path: str, body: Any, **headers: str) -> tuple[int, Any, Any]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    signed = bearer(FakeServices(), "technician" if path.startswith("/camel") else "customer")
    async with client.post(path, data=data, headers=signed | headers) as response:
        return response.status, await response.json(), response.headers


async def get(client: Client, path: str, **headers: str) -> tuple[int, Any, Any]:
    async with client.get(path, headers=bearer(FakeServices(), "customer") | headers) as response:
        raw = await response.read()
        return response.status, orjson.loads(raw) if raw else None, response.headers
