"""Every route of the integrations, asked by a stranger, by somebody else's app, and by staff who may only read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

import pytest

from api.audiences import customer, integration
from api.registry import all_routes
from api.route import Route
from dispatch.access.permissions import OWN
from dispatch.billing import integration_account
from dispatch.billing.integration_account import Transfer
from dispatch.events import Actor
from tests.api.integration.test_bookings import Caller
from tests.api.live import Live, Person
from tests.api.owners import empty_lists, told
from tests.api.test_story import book
from tests.integrations import App, begin, onboard, send
from tests.parties import add_party

ROUTES = [r for r in all_routes() if r.audience is integration]
PRIVATE = [r for r in ROUTES if not r.is_public]
WITH_ID = [r for r in PRIVATE if "{id}" in r.path]
#: What an app reads of itself (its papers are files), and for the customer that it names.
READ = [
    r for r in all_routes() if r.method == "GET" and not r.is_public and not r.path.endswith("/export") and (
        r.audience is customer and r.scope is not None
        or r.audience is integration and "{id}" in r.path and "documents" not in r.path
    )
]  # fmt: skip
PLACE = (22.5726, 88.3639)
HOOK = {"url": "https://hooks.example.com/x", "events": ["booking.created"]}
#: Lists inside of things, which may have nothing in them here.
INSIDE = {"tries", "notes", "tags"}
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


@dataclass
class Neighbours:
    """Two apps that did the same things, the second after the first had read all that it may read."""

    apps: tuple[App, App]
    ids: list[dict[str, str]]
    #: The first one's use and figures, before and after all that the second one did.
    figures: list[tuple[int, Any]]

    people: list[dict[str, str]]

    async def read(self, n: int, route: Route) -> Any:
        """What the app is answered, or who manages it where its own credentials do not reach."""
        app, ids = self.apps[n], self.ids[n]
        path = re.sub(r"\{(\w+)\}", lambda m: ids.get(f"{m[1]} {route.path}") or ids[m[1]], route.path)
        sent = self.people[n] if route.scope == "profile:read" else app.pair
        if route.audience is customer:
            sent = {**sent, "X-Customer-ID": ids["customer_id"]}
        found = await send(app.live, "GET", path + ("?limit=100" if route.listing else ""), headers=sent)
        return {key: value for key, value in found.items() if not key.startswith("_")}


async def furnish(app: App, customer_id: str) -> dict[str, str]:
    """One of everything; the ids by their names in paths."""
    paid = Transfer(5000, "INR", f"UTR-{app.slug}", app.live.services.clock.now().date())
    async with app.live.services.transaction() as tx:
        await integration_account.record(tx, Actor("admin", "a test"), UUID(app.id), paid)
    caller = Caller(app, customer_id)
    booked = await book(caller, PLACE)  # type: ignore[arg-type]
    hook = (await app.own("POST", "/webhooks", HOOK, expect=201))["data"]
    await app.own("POST", f"/webhooks/{hook['id']}/test")
    await book(caller, PLACE)  # type: ignore[arg-type]
    sent = (await app.own("GET", "/webhooks/deliveries"))["data"]["deliveries"]
    return {
        "id": app.id, "customer_id": customer_id, "webhook_id": hook["id"], "delivery_id": sent[0]["id"],
        "id /v1/bookings/{id}": booked["id"],
        "id /v1/bookings/{id}/timeline": booked["id"],
    }  # fmt: skip


def reading(tail: str) -> Route:
    return next(r for r in READ if r.path == f"/api/partners/{{id}}/{tail}")


@pytest.fixture(scope="module")
async def neighbours(live: Live, apps: tuple[App, App]) -> Neighbours:
    made = Neighbours(apps, [], [], [])
    for n, app in enumerate(apps):
        membership_id = await live.value("SELECT id FROM memberships WHERE party_id = $1::text::uuid", app.id)
        async with live.services.transaction() as tx:
            pair = await live.services.sessions.open(tx, "integration", membership_id)
        made.people.append({"Authorization": f"Bearer {pair.access_token}"})
        made.ids.append(await furnish(app, await app.customer(f"+91987650010{n}")))
        made.figures.append((
            (await made.read(0, reading("usage")))["data"]["totalRequests"],
            (await made.read(0, reading("analytics")))["data"],
        ))  # fmt: skip
    return made


@pytest.mark.parametrize("route", READ, ids=lambda r: r.template)
async def test_what_one_reads_is_ones_own(neighbours: Neighbours, route: Route) -> None:
    """Both have something in every list, and nothing that the one is told is the other's."""
    answers = [await neighbours.read(n, route) for n in (0, 1)]
    services = told(await send(neighbours.apps[0].live, "GET", "/v1/services/catalog"))
    for answer in answers:
        assert empty_lists(answer) <= INSIDE
    assert told(answers[0]) & told(answers[1]) - services == set()


async def test_what_another_app_does_counts_for_nobody_else(neighbours: Neighbours) -> None:
    (requests, figures), (later, same) = neighbours.figures
    assert later == requests + 1, "its use was read once in between"
    assert figures == same


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
