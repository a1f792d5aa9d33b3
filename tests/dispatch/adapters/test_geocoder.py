"""A written address becomes a position, or nothing: whatever the other side answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dispatch.adapters.geocoder import MAX_ANSWER_BYTES, NominatimGeocoder, geocoder
from dispatch.ports.geocoding import Position, Query

HOME = Query("12 Lake Road", "Kolkata", "West Bengal", "700032", "IN")
HOUSE = [{"lat": "22.5", "lon": "88.36", "place_rank": 30}]


@asynccontextmanager
async def answering(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[NominatimGeocoder]:
    app = web.Application()
    app.router.add_get("/search", answer)
    async with TestServer(app) as server:
        yield NominatimGeocoder(str(server.make_url("/")), user_agent="tests", timeout_s=5.0)


async def found(text: str, status: int = 200) -> Position | None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, status=status, content_type="application/json")

    async with answering(answer) as asked:
        return await asked.locate(HOME)


async def test_it_asks_for_the_parts_of_an_address() -> None:
    seen: list[dict[str, Any]] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append({**request.query, "agent": request.headers["User-Agent"]})
        return web.json_response(HOUSE)

    async with answering(answer) as asked:
        assert await asked.locate(HOME) == Position(22.5, 88.36, False)
    assert seen == [{
        "street": "12 Lake Road", "city": "Kolkata", "state": "West Bengal", "postalcode": "700032",
        "countrycodes": "in", "format": "jsonv2", "limit": "1", "agent": "tests",
    }]  # fmt: skip


async def test_a_street_is_not_a_house() -> None:
    for rank, is_approximate in ((30, False), (28, False), (27, True), (26, True)):
        where = await found(json.dumps([{**HOUSE[0], "place_rank": rank}]))
        assert where is not None and where.is_approximate is is_approximate


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "[5]", '["x"]', "[{}]", '[{"lat": "x", "lon": "1"}]', '[{"lat": "91", "lon": "0"}]',
     '[{"lat": "nan", "lon": "0"}]', '[{"lat": null, "lon": 1}]', "<html>", "[" * 2_000],
)  # fmt: skip
async def test_an_answer_that_says_no_place_is_none(text: str) -> None:
    assert await found(text) is None


async def test_a_refusal_or_a_redirect_is_none() -> None:
    assert await found(json.dumps(HOUSE), status=500) is None

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:9/")

    async with answering(elsewhere) as asked:
        assert await asked.locate(HOME) is None


async def test_an_answer_in_pieces_is_read_to_its_end_and_an_endless_one_is_not() -> None:
    async def pieces(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in (json.dumps(HOUSE)[:9], json.dumps(HOUSE)[9:]):
            await response.write(piece.encode())
            await asyncio.sleep(0.02)
        return response

    async with answering(pieces) as asked:
        assert await asked.locate(HOME) == Position(22.5, 88.36, False)

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(MAX_ANSWER_BYTES // 1024 + 64):
            await response.write(b" " * 1024)
        return response

    async with answering(endless) as asked:
        assert await asked.locate(HOME) is None


async def test_without_an_address_nobody_is_asked() -> None:
    assert await geocoder(None).locate(HOME) is None
