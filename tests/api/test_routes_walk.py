"""What holds for every route there is: strangers are refused in the route's own dialect, words are no ids."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date
from functools import cache
from typing import Literal, get_args, get_origin
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api.audiences import AUDIENCES, audience_of
from api.auth.principals import MEMBER_REALMS
from api.registry import all_routes
from api.route import Route
from api.wire.models import Body
from dispatch.config import Settings
from dispatch.config.limits import Limits
from dispatch.errors import NotSignedIn
from tests.api.support import Client, FakeServices, bearer, serving

ROUTES = all_routes()
PRIVATE = [r for r in ROUTES if not r.is_public]
WITH_ID = [r for r in ROUTES if any(_kind is UUID for _kind in [r.hints.get(v.name) for v in r.inputs.path])]
#: Where audiences have roles, those are read from the database first.
WITH_BODY = [
    r for r in PRIVATE
    if r.audience.resources is None and isinstance(r.inputs.body_type, type) and issubclass(r.inputs.body_type, Body)
]  # fmt: skip
ID = "11111111-1111-4111-8111-111111111111"
REALMS = {
    "customer": "customer", "technician": "technician", "admin": "admin", "internal": "service", "account": "provider",
    "organisation": "organisation", "integration": "integration", "provider": "provider", "provider_desk": "admin",
    "erp": "erp",
}  # fmt: skip
#: Audiences whose routes take tokens of several realms.
ACCEPTED = {"account": MEMBER_REALMS, "integration": {"integration", "admin"}}
#: What every dialect's error has at the top; some have more.
ERROR_KEYS = {"success", "error", "message", "timestamp"}


def name_of(route: Route) -> str:
    return route.template


def path_of(route: Route, word: str | None = None) -> str:
    """A path of this route: ids are an id, or `word`; everything else is its own name."""

    def value(match: re.Match[str]) -> str:
        kind = route.hints.get(match[1])
        if kind is UUID:
            return word or ID
        if get_origin(kind) is Literal:
            return str(get_args(kind)[0])
        return {int: "1", date: "2026-01-05"}.get(kind, match[1])  # type: ignore[call-overload, no-any-return]

    return re.sub(r"\{(\w+)\}", value, route.path)


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    plenty = Limits(**{n: 10**6 for n in Limits.model_fields if n.endswith(("_per_minute", "_per_quarter"))})
    settings = Settings(env="test", database_url="postgresql://nowhere", limits=plenty)
    async with serving(FakeServices(settings=settings), AUDIENCES) as made:
        yield made


def test_there_are_routes_and_each_belongs_to_its_audience() -> None:
    assert len(ROUTES) > 30
    for route in ROUTES:
        assert audience_of(path_of(route)) is route.audience


@pytest.mark.parametrize("route", PRIVATE, ids=name_of)
async def test_strangers_are_refused(client: Client, route: Route) -> None:
    foreign = foreign_to(route.audience.name)
    for headers in ({}, {"Authorization": "Bearer garbage"}, {"Authorization": "Basic Zzpn"}, *foreign):
        async with client.request(route.method, path_of(route), headers=headers) as response:
            body = await response.json()
            assert response.status == 401, (route.template, headers)
            assert body.keys() >= ERROR_KEYS
            assert body["success"] is False
            assert body["error"]["code"] == "UNAUTHORIZED"
            assert response.headers["X-Request-ID"]


@cache
def foreign_to(audience: str) -> list[dict[str, str]]:
    """Headers with the tokens of everybody else."""
    services = FakeServices()
    others = [bearer(services, realm) for realm in sorted({*REALMS.values(), "tracking", "step_up"})]
    own = bearer(services, REALMS[audience])
    mine = services.tokens.read(own["Authorization"].removeprefix("Bearer "), REALMS[audience])
    accepted = ACCEPTED.get(audience, {mine.realm})
    return [h for h in others if not any(_is_of(services, h, realm) for realm in accepted)]


def _is_of(services: FakeServices, headers: dict[str, str], realm: str) -> bool:
    try:
        services.tokens.read(headers["Authorization"].removeprefix("Bearer "), realm)
    except NotSignedIn:
        return False
    return True


@pytest.mark.parametrize("route", WITH_ID, ids=name_of)
async def test_words_are_no_ids(client: Client, route: Route) -> None:
    headers = bearer(FakeServices(), REALMS[route.audience.name])
    for word in ("not-an-id", "1", ID[:-1], f"{ID}0", "%00", "null"):
        async with client.request(route.method, path_of(route, word), headers=headers) as response:
            body = await response.json()
            assert (response.status, body["error"]["code"]) == (404, "NOT_FOUND"), word


@pytest.mark.parametrize("route", WITH_BODY, ids=name_of)
async def test_malformed_bodies_and_unknown_keys(client: Client, route: Route) -> None:
    headers = bearer(FakeServices(), REALMS[route.audience.name])
    async with client.request(route.method, path_of(route), data=b'{"a":', headers=headers) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "MALFORMED_JSON")
    async with client.request(route.method, path_of(route), json={"no_such_key": 1}, headers=headers) as response:
        fields = (await response.json()).get("error", {}).get("details") or {}
        if route.audience.drops_unknown_keys:
            assert "no_such_key" not in fields
        else:
            assert response.status == 422
            assert fields["no_such_key"] == ["No such key is not known here."]


@pytest.mark.parametrize("audience", AUDIENCES, ids=lambda a: a.name)
async def test_nothing_and_wrong_methods_have_the_dialect(client: Client, audience: object) -> None:
    assert isinstance(audience, type(AUDIENCES[0]))
    async with client.get(f"{audience.prefix}/no/such/thing") as response:
        body = await response.json()
        assert (response.status, body["error"]["code"]) == (404, "NOT_FOUND")
        assert body.keys() >= ERROR_KEYS
    if audience.routes:
        route = audience.routes[0]
        async with client.request("PROPFIND", path_of(route)) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")


async def test_no_route_shadows_another() -> None:
    """Each path fits one shape of route only, so that the order of declaring never matters."""
    app = web.Application()
    from api.app import mount

    mount(app, ROUTES)
    for route in ROUTES:
        request = make_mocked_request(route.method, path_of(route))
        fitting = [resource for resource in app.router.resources() if any(await resource.resolve(request))]
        templates = {resource.canonical for resource in fitting}
        assert route.path in templates
        assert len({re.sub(r"\{\w+\}", "{}", t) for t in templates}) == 1, (route.template, templates)


#: What makes a thing and takes no idempotency key, and why: its answer holds a secret that is kept nowhere, or its body
#: a card, of which no hash is kept either; the thing is one by its e-mail; or whoever calls is nobody yet.
WITHOUT_KEY = {
    "a secret": {
        "POST /v1/admin/auth/totp/enrol", "POST /v1/admin/webhooks", "POST /api/providers/webhooks",
        "POST /api/partners/", "POST /api/partners/{id}/onboarding/token", "POST /api/partners/{id}/webhooks",
        "POST /api/partners/integration/webhooks", "POST /api/partners/integration/api-keys",
    },
    "a card": {"POST /api/providers/settings/payment-methods"},
    "an e-mail": {"POST /v1/admin/staff", "POST /api/partners/users", "POST /api/backend/team"},
    "nobody yet": {
        "POST /api/providers/payment-links/public/{code}/checkout", "POST /api/provider-applications",
        "POST /v1/contact", "POST /api/partners/onboarding/start", "POST /api/partners/register",
    },
}  # fmt: skip


def test_whatever_makes_a_thing_takes_a_key_so_that_a_lost_answer_makes_no_second_one() -> None:
    without = {
        r.template for r in ROUTES
        if r.method == "POST" and r.status == 201 and r.idempotency is None and r.inputs.upload is None
    }  # fmt: skip
    assert without == set().union(*WITHOUT_KEY.values())
