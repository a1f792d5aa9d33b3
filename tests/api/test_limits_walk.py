"""A limit is a caller's, whatever they ask for: every route of every audience takes from the same window."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from api.audiences import AUDIENCES
from api.registry import all_routes
from api.route import Route
from dispatch.config import Settings
from dispatch.config.limits import Limits
from tests.api.support import Client, FakeServices, bearer, serving
from tests.api.test_routes_walk import REALMS, name_of, path_of

pytestmark = pytest.mark.usefixtures("still_windows")

MOST = 2
LIMITED = [r for r in all_routes() if r.is_limited]
#: Whose callers are read from the database before they are counted, and there is none here.
FROM_DATABASE = ("admin", "organisation", "provider", "provider_desk", "erp", "integration")
PRIVATE = [r for r in LIMITED if not r.is_public and r.audience.name not in FROM_DATABASE]
PUBLIC = [r for r in LIMITED if r.is_public and not r.apart]
_addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in count(1))


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    few = {name: MOST for name in Limits.model_fields if name.endswith(("_per_minute", "_public_per_quarter"))}
    settings = Settings(env="test", database_url="postgresql://nowhere", limits=Limits(**few), http={"trusted_hops": 1})
    async with serving(FakeServices(settings=settings), AUDIENCES) as made:
        yield made


class Caller:
    """Somebody with a token of their own at an address of their own."""

    def __init__(self, client: Client, realm: str | None) -> None:
        self._client = client
        signed = bearer(FakeServices(), realm) if realm else {}
        self._headers: dict[str, Any] = {**signed, "X-Forwarded-For": next(_addresses)}

    async def ask(self, route: Route) -> int:
        return await self.send(route.method, path_of(route))

    async def send(self, method: str, path: str) -> int:
        async with self._client.request(method, path, headers=self._headers) as response:
            return response.status


def first_of(route: Route) -> Route:
    """The first route of the same audience that counts alike."""
    return next(r for r in LIMITED if r.audience is route.audience and r.is_public == route.is_public)


@pytest.mark.parametrize("route", PRIVATE, ids=name_of)
async def test_a_window_is_a_caller_s_and_no_route_s(client: Client, route: Route) -> None:
    realm = REALMS[route.audience.name]
    one, other = Caller(client, realm), Caller(client, realm)
    for _ in range(MOST):
        assert await one.ask(first_of(route)) != 429
    assert await one.ask(route) == 429
    assert await other.ask(route) != 429, "another caller has a window of their own"


@pytest.mark.parametrize("route", PUBLIC, ids=name_of)
async def test_a_stranger_s_window_is_an_address_s_and_no_route_s(client: Client, route: Route) -> None:
    one, other = Caller(client, None), Caller(client, None)
    for _ in range(MOST):
        assert await one.ask(first_of(route)) != 429
    assert await one.ask(route) == 429
    assert await other.ask(route) != 429


@pytest.mark.parametrize("route", PRIVATE[:1] + PRIVATE[-1:], ids=name_of)
async def test_guessing_tokens_is_counted_where_it_comes_from(client: Client, route: Route) -> None:
    guesser = Caller(client, None)
    assert [await guesser.ask(route) for _ in range(MOST + 1)] == [401] * MOST + [429]


async def test_followers_of_a_visit_count_apart_by_link_and_by_address() -> None:
    limits = Limits(customer_per_minute=1, tracking_link_per_minute=2, tracking_address_per_minute=5)
    settings = Settings(env="test", database_url="postgresql://nowhere", limits=limits, http={"trusted_hops": 1})
    async with serving(FakeServices(settings=settings), AUDIENCES) as client:
        one, other = Caller(client, None), Caller(client, None)
        first = next(r for r in PUBLIC if r.audience.name == "customer")

        async def follow(who: Caller, link: str, times: int) -> list[int]:
            return [await who.send("GET", f"/v1/track/{link}") for _ in range(times)]

        # An address that has used up the customers' limit follows all the same, and following takes nothing from it.
        assert [await one.ask(first) != 429 for _ in range(2)] == [True, False]
        assert await follow(one, "a-link", 3) == [404, 404, 429]
        assert await other.ask(first) != 429
        # A link is used up from wherever it is followed; others are not, until the address is.
        assert await follow(other, "a-link", 1) == [429]
        assert await follow(one, "b-link", 2) == [404, 404]
        assert await follow(one, "c-link", 1) == [429]
        assert await follow(other, "c-link", 2) == [404, 404]
