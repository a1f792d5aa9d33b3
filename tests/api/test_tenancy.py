"""Nobody reaches what is somebody else's: every route with an id, with a real object that belongs to another."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest

from api.registry import all_routes
from api.route import Route
from dispatch.config.limits import Limits
from dispatch.tokens import Tokens
from tests.api.live import Live, Person, live_server
from tests.api.test_story import book, make_everybody_a_beautician
from tests.conftest import clone

ROUTES = all_routes()
PRIVATE = [r for r in ROUTES if not r.is_public]
#: A day in a path is one of the caller's own.
WITH_ID = [r for r in PRIVATE if "{" in r.path.replace("{date}", "")]
#: Which realm's token each audience takes, and who holds one in these tests.
REALM = {
    "customer": "customer", "technician": "technician", "admin": "admin", "internal": "service", "account": "provider",
    "organisation": "organisation", "integration": "integration", "provider": "provider", "provider_desk": "admin",
    "erp": "erp",
}  # fmt: skip
NOBODY_S = "11111111-1111-4111-8111-111111111111"


@dataclass
class Town:
    """Two customers and two technicians; the first of each own everything, the second try to reach it."""

    live: Live
    owner: Person
    stranger: Person
    technician: Person
    rival: Person
    service: Person
    ids: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
async def town(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    folder: Path = tmp_path_factory.mktemp("tenancy")
    plenty = {name: 10**6 for name in Limits.model_fields if name.endswith(("_per_minute", "_per_quarter"))}
    # Nothing here asks the gateway anything.
    payments = {
        "key_id": "rzp_test_nobody", "key_secret": "s", "webhook_secret": "w", "base_url": "http://127.0.0.1:9",
    }  # fmt: skip
    async with live_server(
        await clone(pg_home), folder, technicians=2, customers=2, limits=plenty, payments=payments
    ) as live:
        place = await make_everybody_a_beautician(live)
        people = [
            await live.person(*who)
            for who in (
                ("customer", "+911000100001"), ("customer", "+911000100002"), ("technician", "PT-001"),
                ("technician", "PT-002"), ("service", "a test"),
            )
        ]  # fmt: skip
        made = Town(live, *people)
        await furnish(made, place)
        yield made


async def furnish(town: Town, place: tuple[float, float]) -> None:
    """A booking that is offered to the technician and accepted, an address, notifications, a payment."""
    for person, online in ((town.technician, True), (town.rival, False)):
        here = {"is_available": online, "current_lat": place[0], "current_lng": place[1]}
        await person.call("PATCH", "/v1/partner/availability", here)
    booking = await book(town.owner, place)
    await town.technician.call("POST", f"/v1/partner/bookings/{booking['id']}/accept")
    addresses = (await town.owner.call("GET", "/v1/users/addresses"))["data"]
    value = town.live.value
    town.ids = {
        "booking": booking["id"],
        "address": addresses[0]["id"],
        "payment": await value("SELECT id::text FROM payments LIMIT 1"),
        "customer notification": await value(NOTE.format("account_id"), await me(town.owner)),
        "technician notification": await value(NOTE.format("technician_id"), await me(town.technician)),
    }  # fmt: skip
    assert all(town.ids.values())


NOTE = (
    "INSERT INTO notifications ({}, type, title, message) VALUES ($1::text::uuid, 'test', 'Title', 'Words') "
    "RETURNING id::text"
)


async def me(person: Person) -> str:
    path = "/v1/auth/me" if person.kind == "customer" else "/v1/partner/auth/me"
    return str((await person.call("GET", path))["data"]["id"])


@dataclass(frozen=True)
class Row:
    """What a route's id names, a body that is right, and what its owner gets when the object is there."""

    noun: str
    body: Any = None
    owner_status: int = 200


#: The owner does not send what would take the object away from the other tests.
UNTRIED = 0
#: One row for every private route with an id in its path.
ROWS: dict[str, Row] = {
    "PATCH /v1/partner/notifications/{notification_id}/read": Row("technician notification"),
    "GET /v1/partner/bookings/{id}": Row("booking"),
    "POST /v1/partner/bookings/{id}/accept": Row("booking"),
    "POST /v1/partner/bookings/{id}/reject": Row("booking", {}, 409),
    "PATCH /v1/partner/bookings/{id}/status": Row("booking", {"status": "in_progress"}, 409),
    "POST /v1/partner/bookings/{id}/start": Row("booking", {}, 409),
    "POST /v1/partner/bookings/{id}/complete": Row("booking", {}, 409),
    "POST /v1/partner/bookings/{id}/cancel": Row("booking", {"reason": "My car broke down"}, UNTRIED),
    "PUT /v1/users/addresses/{id}": Row("address", {"name": "Office"}),
    "PATCH /v1/users/addresses/{id}/set-default": Row("address"),
    "DELETE /v1/users/addresses/{id}": Row("address", None, UNTRIED),
    "GET /v1/bookings/{id}": Row("booking"),
    "GET /v1/bookings/{id}/timeline": Row("booking"),
    "POST /v1/bookings/{id}/cancel": Row("booking", {"reason": "Change of plans"}, UNTRIED),
    "PATCH /v1/bookings/{id}/payment-method": Row("booking", {"payment_method": "cash"}, UNTRIED),
    "POST /v1/bookings/{id}/rate": Row("booking", {"rating": 5}, 409),
    "POST /v1/bookings/{id}/reschedule": Row(
        "booking", {"booking_date": "2026-01-06", "booking_time": "10:00"}, UNTRIED
    ),
    "POST /v1/bookings/{id}/tracking-link": Row("booking", None, UNTRIED),
    "DELETE /v1/bookings/{id}/tracking-link": Row("booking", None, UNTRIED),
    "GET /v1/payments/{id}/status": Row("payment"),
    "PATCH /v1/notifications/{notification_id}/read": Row("customer notification"),
}
TRIED = {template for template, row in ROWS.items() if row.owner_status != UNTRIED}
#: Routes whose ids belong to no tenant: services work on everybody's bookings, staff on everything; there is one ERP.
FOR_ALL = {"internal", "admin", "provider_desk", "erp"}
#: Audiences with a table of their own beside their tests.
ELSEWHERE = {"provider", "organisation", "integration"}


def test_every_route_with_an_id_has_a_row() -> None:
    """A new route has to say here whose its id is."""
    assert ROWS.keys() == {r.template for r in WITH_ID if r.audience.name not in FOR_ALL | ELSEWHERE}


def path_of(route: Route, noun_id: str) -> str:
    path = route.path.replace("{date}", "2026-02-01")

    def value(match: re.Match[str]) -> str:
        kind = route.hints.get(match[1])
        if get_origin(kind) is Literal:
            return str(get_args(kind)[0])
        return "1" if kind is int else noun_id

    return re.sub(r"\{(\w+)\}", value, path)


OWNED = [r for r in WITH_ID if r.audience.name not in FOR_ALL | ELSEWHERE]


@pytest.mark.parametrize("route", OWNED, ids=lambda r: r.template)
async def test_a_stranger_finds_nothing(town: Town, route: Route) -> None:
    """404, the same as for an id that nobody has: not even that it exists is told."""
    row = ROWS[route.template]
    stranger = town.rival if route.audience.name == "technician" else town.stranger
    answers = []
    for noun_id in (town.ids[row.noun], NOBODY_S):
        headers = {"X-Idempotency-Key": f"key-{uuid.uuid4()}"}
        answers.append(await stranger.call(route.method, path_of(route, noun_id), row.body, expect=404, **headers))
    foreign, missing = ({**a, "timestamp": None} for a in answers)
    assert foreign == missing
    assert foreign["error"]["code"] == "NOT_FOUND"
    assert foreign["message"] != "There is nothing at this address.", "the route itself was not found"
    assert foreign["success"] is False and foreign["message"] == foreign["error"]["message"]


@pytest.mark.parametrize("route", [r for r in OWNED if r.template in TRIED], ids=lambda r: r.template)
async def test_its_owner_does(town: Town, route: Route) -> None:
    """The same request is right when its owner sends it."""
    row = ROWS[route.template]
    owner = town.technician if route.audience.name == "technician" else town.owner
    await owner.call(route.method, path_of(route, town.ids[row.noun]), row.body, expect=row.owner_status)


async def test_nothing_of_it_took_effect(town: Town) -> None:
    """What the strangers asked for changed nothing; checked on the rows themselves."""
    for route in OWNED:
        stranger = town.rival if route.audience.name == "technician" else town.stranger
        row = ROWS[route.template]
        before = await snapshot(town)
        await stranger.call(route.method, path_of(route, town.ids[row.noun]), row.body, expect=None)
        assert await snapshot(town) == before, route.template


async def snapshot(town: Town) -> Any:
    return await town.live.value(
        "SELECT (SELECT jsonb_agg(jsonb_build_array(status, starts_at, rating) ORDER BY id) FROM bookings)::text "
        "|| (SELECT jsonb_agg(a ORDER BY a.id) FROM addresses a)::text "
        "|| (SELECT jsonb_agg(n ORDER BY n.id) FROM notifications n)::text "
        "|| (SELECT jsonb_agg(jsonb_build_array(state, accepted_at) ORDER BY id) FROM assignments)::text "
        "|| (SELECT jsonb_agg(o ORDER BY o.id) FROM offers o)::text"
    )


@pytest.mark.parametrize("event", ["offer.accept", "offer.reject", "job.advance"])
async def test_sockets_know_no_strangers(town: Town, event: str) -> None:
    offer_id = await town.live.value("SELECT id::text FROM offers LIMIT 1")
    payload = {
        "job.advance": {"booking_id": town.ids["booking"], "step": "in_transit"},
    }.get(event, {"offer_id": offer_id})
    await town.rival.connect()
    answer = await town.rival.ask(event, {"command_id": str(uuid.uuid4()), **payload})
    await town.rival.close()
    assert (answer["ok"], answer["error"]["code"]) == (False, "not_found")


async def test_a_stranger_cannot_track_or_resume(town: Town) -> None:
    await town.stranger.connect()
    tracked = await town.stranger.ask("track.start", {"booking_id": town.ids["booking"]})
    assert (tracked["ok"], tracked["error"]["code"]) == (False, "not_found")
    resumed = await town.stranger.ask("resume", {"streams": {town.ids["booking"]: 0}})
    assert resumed["ok"] and resumed["data"]["streams"] == {} and resumed["data"]["reset"] == []
    # Its owner hears of the next step; by the time of their answer the stranger would have heard too.
    await town.owner.connect()
    await town.owner.ask("resume", {"streams": {town.ids["booking"]: 0}})
    await town.owner.hears("booking.updated", booking_id=town.ids["booking"])
    assert town.stranger.heard == []
    await town.owner.close()
    await town.stranger.close()


# ---------------------------------------------------------------- tokens


Forger = Callable[[Town, Route], Awaitable[str | None]]


def realm_token(town: Town, route: Route, tokens: Tokens, ttl_s: float = 600) -> str:
    """Right in everything but what is given: the realm, the subject and the session are real."""
    realm = REALM[route.audience.name]
    own = {"customer": town.owner, "technician": town.technician}.get(route.audience.name, town.service)
    known = town.live.services.tokens.read(own.token, own.kind)
    return tokens.mint(realm, known.subject, known.session_id, ttl_s)


async def _none(town: Town, route: Route) -> str | None:
    return None


async def _garbage(town: Town, route: Route) -> str | None:
    return "Bearer garbage"


async def _other_scheme(town: Town, route: Route) -> str | None:
    return "Basic Zzpn"


async def _expired(town: Town, route: Route) -> str | None:
    return "Bearer " + realm_token(town, route, town.live.services.tokens, -3600.0)


async def _other_key(town: Town, route: Route) -> str | None:
    forger = Tokens({kid: b"f" * 32 for kid in ("test", "k1")})
    return "Bearer " + realm_token(town, route, forger)


async def _other_realm(town: Town, route: Route) -> str | None:
    people = {"customer": town.technician, "technician": town.owner, "admin": town.owner, "internal": town.owner}
    return f"Bearer {people.get(route.audience.name, town.owner).token}"


async def _service_token(town: Town, route: Route) -> str | None:
    return f"Bearer {(town.owner if route.audience.name == 'internal' else town.service).token}"


FORGERS: dict[str, Forger] = {
    "none": _none, "garbage": _garbage, "another scheme": _other_scheme, "expired": _expired,
    "another key": _other_key, "another realm": _other_realm, "a service": _service_token,
}  # fmt: skip


async def refused(town: Town, route: Route, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    url = town.live.url + path_of(route, NOBODY_S)
    async with town.live.http.request(route.method, url, json={}, headers=headers) as reply:
        body = await reply.json()
        assert reply.status == 401, (route.template, body)
    assert body.keys() >= {"success", "error", "message", "timestamp"}
    assert body["success"] is False
    assert body["error"]["code"] == "UNAUTHORIZED"
    assert body["message"] == body["error"]["message"]


@pytest.mark.parametrize("kind", FORGERS)
async def test_every_private_route_wants_its_own_token(town: Town, kind: str) -> None:
    for route in PRIVATE:
        await refused(town, route, await FORGERS[kind](town, route))


async def test_a_revoked_token_opens_nothing(town: Town) -> None:
    """Signing out ends what the token opens at once, long before it expires."""
    tokens = {}
    for kind, name, path in (
        ("customer", "+911000100002", "/v1/auth/logout"), ("technician", "PT-002", "/v1/partner/auth/logout"),
    ):  # fmt: skip
        person = await town.live.person(kind, name)
        assert town.live.services.tokens.read(person.token, kind).expires_at > time.time()
        await person.call("POST", path)
        tokens[kind] = person.token
    for route in PRIVATE:
        if route.audience.name in tokens:
            await refused(town, route, f"Bearer {tokens[route.audience.name]}")


async def test_a_revoked_socket_is_cut(town: Town) -> None:
    person = await town.live.person("customer", "+911000100002")
    await person.connect()
    assert person.sio is not None
    await person.call("POST", "/v1/auth/logout")
    await person.sio.wait()
    assert not person.sio.connected
