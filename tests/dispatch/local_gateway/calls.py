"""Short words for the gateway's HTTP."""

from __future__ import annotations

from typing import Any

import aiohttp


async def get(http: aiohttp.ClientSession, path: str, **params: Any) -> dict[str, Any]:
    async with http.get(path, params=params) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


async def post(http: aiohttp.ClientSession, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.post(path, json=body or {}, headers=names) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.json()


async def refused(
    http: aiohttp.ClientSession, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.post(path, json=body or {}, headers=names) as reply:
        doc = await reply.json()
        assert set(doc["error"]) >= {"code", "description", "source", "step", "reason", "metadata", "field"}
        return reply.status, doc["error"]


async def an_order(http: aiohttp.ClientSession, amount: int = 100_000, **more: Any) -> dict[str, Any]:
    return await post(http, "/v1/orders", {"amount": amount, "currency": "INR", "receipt": "booking-1", **more})
