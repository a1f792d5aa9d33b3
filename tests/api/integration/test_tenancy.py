"""Every route of the integrations, asked by a stranger, by somebody else's app, and by staff who may only read."""

from __future__ import annotations

import re
from typing import Literal, get_args, get_origin
from uuid import UUID

import pytest

from api.audiences import integration
from api.registry import all_routes
from api.route import Route
from dispatch.access.permissions import OWN
from tests.api.live import Live, Person
from tests.integrations import App, begin, onboard, send
from tests.parties import add_party

ROUTES = [r for r in all_routes() if r.audience is integration]
PRIVATE = [r for r in ROUTES if not r.is_public]
WITH_ID = [r for r in PRIVATE if "{id}" in r.path]
NOBODY_S = "11111111-1111-4111-8111-111111111111"


def path_of(route: Route, id: str) -> str:
    def value(match: re.Match[str]) -> str:
        kind = route.hints.get(match[1])
        if get_origin(kind) is Literal:
            return str(get_args(kind)[0])
        return id if match[1] == "id" else NOBODY_S if kind is UUID else "x"

    return re.sub(r"\{(\w+)\}", value, route.path)


@pytest.fixture(scope="module")
async def apps(live: Live) -> tuple[App, App]:
    return await onboard(live), await onboard(live)


def test_what_is_about_one_app_names_the_scope_that_it_asks_for() -> None:
    unnamed = [r.template for r in WITH_ID if r.permission == OWN and r.scope is None]
    assert unnamed == []


async def test_nobody_s_app_is_told_anything_of_another(live: Live, apps: tuple[App, App]) -> None:
    mine, theirs = apps
    for route in WITH_ID:
        foreign = await mine.call(route.method, path_of(route, theirs.id), expect=None)
        missing = await mine.call(route.method, path_of(route, NOBODY_S), expect=None)
        # A wrong body may be said first; what is there and what is not are told apart by nothing.
        assert foreign["_status"] == missing["_status"] and foreign["_status"] in (400, 403, 404), route.template
        assert foreign["error"] == missing["error"], route.template


async def test_what_is_no_integration_is_not_there_for_staff_either(live: Live, admin: Person) -> None:
    organisation = str(await add_party(live.services, "organisation", "O-foreign"))
    customer = {"name": "Asha Rao", "phoneNumber": "+911234567890"}
    hook = {"url": "https://acme.example/hooks", "events": ["booking.created"]}
    for id in (NOBODY_S, organisation):
        for path, body in (("customers", customer), ("webhooks", hook)):
            refused = await admin.call("POST", f"/api/partners/{id}/{path}", body, expect=404)
            assert refused["error"]["code"] == "PARTNER_NOT_FOUND", path
        for route in WITH_ID:
            if route.method == "GET":
                refused = await admin.call("GET", path_of(route, id), expect=404)
                assert refused["error"]["code"] == "PARTNER_NOT_FOUND", route.template


async def test_strangers_and_onboarding_tokens_open_no_private_route(live: Live, apps: tuple[App, App]) -> None:
    begun = await begin(live)
    for route in PRIVATE:
        for headers in ({}, {"X-Onboarding-Token": begun.token}, {"Authorization": f"Bearer {begun.token}"}):
            refused = await send(live, route.method, path_of(route, begun.id), expect=401, headers=headers)
            assert refused["success"] is False and refused["message"]


async def test_who_may_only_read_changes_nothing(live: Live, support: Person, apps: tuple[App, App]) -> None:
    app, _ = apps
    for route in WITH_ID:
        if route.method == "GET":
            continue
        answer = await support.call(route.method, path_of(route, app.id), None, expect=None)
        # The right is asked before the body, but where the route itself says whose it is.
        assert answer["error"]["code"] in ("FORBIDDEN", "VALIDATION_ERROR", "BAD_REQUEST"), (route.template, answer)
    await app.own("GET", "/usage")
