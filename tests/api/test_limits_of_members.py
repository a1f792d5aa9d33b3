"""Whose callers stand in the database: one's window is one's own, and every route of the audience takes one from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from api.auth.organisation_limits import BUDGETS, GENERAL, Budget, budgets_of
from api.edge import limits
from api.edge.limits import FOLLOWING, Quota, TooManyRequests
from api.registry import all_routes
from api.route import Route
from dispatch.access.permissions import RESOURCES
from dispatch.adapters.files.folder import FolderStore
from dispatch.config.limits import Limits
from dispatch.services import Services
from storage.database.pool import create_pool
from tests.api.test_limits_walk import FROM_DATABASE
from tests.api.test_routes_walk import path_of
from tests.conftest import clone
from tests.organisations import add_organisation
from tests.parties import add_account, add_membership, add_party
from tests.providers import add_provider
from tests.world import make_world

pytestmark = pytest.mark.usefixtures("still_windows")

Headers = dict[str, str]
_numbers = count(1)
#: Asking for this ends what is asked with.
ENDS = ("/logout",)
LIMITED = [
    r for r in all_routes()
    if r.is_limited and not r.is_public and r.audience.name in FROM_DATABASE and not r.path.endswith(ENDS)
]  # fmt: skip
QUOTAS = sorted({q.name: q for r in all_routes() for q in r.quotas}.items())


@dataclass
class House:
    services: Services
    client: TestClient[Any, Any]

    async def ask(self, route: Route, headers: Headers) -> int:
        async with self.client.request(route.method, path_of(route), headers=headers) as answer:
            await answer.read()
            return answer.status

    async def sign_in(self, realm: str, subject_id: UUID) -> Headers:
        async with self.services.transaction() as tx:
            pair = await self.services.sessions.open(tx, realm, subject_id)
        return {"Authorization": f"Bearer {pair.access_token}"}

    async def nobody(self, realm: str, party_id: UUID | None = None) -> Headers:
        """Somebody who may do nothing: they are counted, and then refused before anything is done."""
        account_id = await add_account(self.services, f"nobody{next(_numbers)}@example.com", None)
        everything = dict.fromkeys(RESOURCES[realm])
        membership_id = await add_membership(self.services, account_id, realm, ROLE[realm], party_id, everything)
        return await self.sign_in(realm, account_id if realm == "admin" else membership_id)

    async def member(self, realm: str) -> Headers:
        """Of a party of their own, where there are parties."""
        if realm in ("admin", "erp"):
            return await self.nobody(realm)
        party_id = (
            (await add_provider(self.services, email=f"team{next(_numbers)}@example.com")).id
            if realm == "provider"
            else await self.organisation()
        )
        return await self.nobody(realm, party_id)

    async def organisation(self) -> UUID:
        return await add_party(self.services, "organisation", f"O-{next(_numbers)}")

    async def windows_are(self, routes: list[Route], setting: str, headers: list[Headers]) -> None:
        """Each of these routes is answered once, and then none: each took one. Another caller has another window."""
        amounts = self.services.settings.limits
        before = getattr(amounts, setting)
        setattr(amounts, setting, len(routes))
        try:
            one, other = headers
            assert [r.template for r in routes if await self.ask(r, one) == 429] == []
            assert [await self.ask(r, one) for r in routes[:2]] == [429] * len(routes[:2])
            assert 429 not in [await self.ask(r, other) for r in routes[:2]]
        finally:
            setattr(amounts, setting, before)


@pytest.fixture(scope="module")
async def house(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("limits")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    plenty = {n: 10**6 for n in Limits.model_fields if n.endswith(("_per_minute", "_per_quarter", "_per_hour"))}
    world = await make_world(pool, folder, limits=plenty)
    world.services.files = FolderStore(folder)
    async with TestClient(TestServer(create_app(world.services, with_sockets=False))) as client:
        yield House(world.services, client)
    await world.services.bus.close()
    await pool.close()


#: The realm of who asks, for each audience. Of an integration that is staff; its own credentials have their burst.
CALLERS = {"admin": "admin", "provider_desk": "admin", "integration": "admin", "erp": "erp", "provider": "provider"}
ROLE = {"admin": "support", "erp": "viewer", "provider": "Staff", "organisation": "partner_member"}


def test_every_audience_is_walked() -> None:
    assert {r.audience.name for r in LIMITED} == CALLERS.keys() | {"organisation"} == set(FROM_DATABASE)


@pytest.mark.parametrize("audience", CALLERS)
async def test_a_window_is_a_caller_s_over_all_routes(house: House, audience: str) -> None:
    routes = [r for r in LIMITED if r.audience.name == audience]
    headers = [await house.member(CALLERS[audience]) for _ in range(2)]
    await house.windows_are(routes, routes[0].audience.limit.setting, headers)


@pytest.mark.parametrize("budget", [*BUDGETS, GENERAL], ids=lambda b: b.name)
async def test_a_budget_is_an_organisation_s_over_all_its_routes(house: House, budget: Budget) -> None:
    routes = [r for r in LIMITED if r.audience.name == "organisation" and budget in budgets_of(r.template)]
    headers = [await house.member("organisation") for _ in range(2)]
    await house.windows_are(routes, budget.setting, headers)


async def test_a_key_of_an_organisation_has_one_limit_over_all_routes(house: House) -> None:
    home = await add_organisation(house.services)
    routes = [r for r in LIMITED if r.audience.name == "organisation"][::10]
    keys = []
    for name in ("One", "Other"):
        body = {"name": name, "permissions": ["read_users"], "rateLimit": len(routes)}
        url = "/api/partners/integration/api-keys"
        async with house.client.post(url, json=body, headers=home.headers()) as answer:
            made = (await answer.json())["data"]["apiKey"]
        keys.append({"X-API-Key": made["key"], "X-API-Secret": made["secret"]})
    for _ in range(2):
        asked = [await house.ask(r, keys[0]) for r in routes]
    assert set(asked) == {429}
    for headers in (keys[1], home.headers()):
        assert 429 not in [await house.ask(r, headers) for r in routes]


@pytest.mark.parametrize("quota", [q for _, q in QUOTAS], ids=lambda q: q.name)
async def test_a_quota_is_a_caller_s_or_an_address_s(house: House, quota: Quota) -> None:
    amounts = house.services.settings.limits
    before = getattr(amounts, quota.setting)
    setattr(amounts, quota.setting, 2)
    wanted = (Quota(quota.name, quota.setting, quota.window_s, quota.per),)

    async def spends(who: str, ip: str) -> bool:
        try:
            await limits.spend(house.services, wanted, None, who, ip)
        except TooManyRequests:
            return False
        return True

    try:
        assert [await spends("one", "192.0.2.1") for _ in range(3)] == [True, True, False]
        assert await spends("other", "192.0.2.1") is (quota.per == "caller")
        assert await spends("one", "192.0.2.2") is (quota.per == "address")
    finally:
        setattr(amounts, quota.setting, before)


def test_every_limit_is_walked_or_counted_where_the_deed_is() -> None:
    """A new limit is found by the walks, or named here beside what counts it."""
    counted_where_the_deed_is = {
        "booking_creation_per_hour",  # dispatch.billing.confirm
        "booking_moves_per_hour",  # dispatch.engine.customer_bookings
        "otp_per_hour",  # dispatch.access.otp
    }
    walked = {r.audience.limit.setting for r in all_routes()} | {q.setting for _, q in QUOTAS}
    walked |= {r.audience.stranger_limit.setting for r in all_routes() if r.audience.stranger_limit}
    walked |= {b.setting for b in (*BUDGETS, GENERAL)} | {limit.setting for limit in FOLLOWING}
    assert walked | counted_where_the_deed_is == set(Limits.model_fields)
