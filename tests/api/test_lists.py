"""Every list of the route table, walked: whose rows it shows, and whether all that it declares runs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlencode
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import all_routes, create_app
from api.route import Route
from api.wire.listing import Grammar, taken
from dispatch.access.dev_tokens import mint_dev_token
from dispatch.adapters.files.folder import FolderStore
from dispatch.adapters.razorpay import opened
from dispatch.billing import integration_account, invoices, payouts, promos, refunds
from dispatch.billing.integration_account import Transfer
from dispatch.billing.invoices import Period
from dispatch.engine import alerts, files
from dispatch.events import SYSTEM
from dispatch.local_gateway.server import LocalGateway
from dispatch.parties import contact, quotes, rota, tickets
from dispatch.parties.contact import Letter
from dispatch.parties.tickets import TicketIn
from dispatch.services import Services
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.owners import PLATFORM
from storage.database.pool import Pool
from tests.api.customer.conftest import Visitor
from tests.api.owners import steady, told
from tests.dispatch.billing.conftest import open_till
from tests.dispatch.billing.till import Till
from tests.files import PDF
from tests.organisations import add_organisation
from tests.parties import add_staff
from tests.providers import add_provider
from tests.world import KOLKATA, NOON

#: After all that happens in the street.
EVENING = NOON + timedelta(days=4)
#: Portals have people of their own: their lists are walked beside their tests.
ELSEWHERE = {"organisation", "integration", "provider", "provider_desk", "erp"}
EVERY = [r for r in all_routes() if r.listing is not None and r.listing.is_paged]
LISTED = [r for r in EVERY if r.audience.name not in ELSEWHERE]
#: Staff and services see everybody's.
OWNED = [r for r in LISTED if r.audience.name in ("customer", "technician")]
#: What else somebody reads of what is theirs: what is of one thing by its id is tried in test_tenancy.
READ = [
    r for r in all_routes()
    if r.audience.name in ("customer", "technician") and r.method == "GET" and not r.is_public and "{" not in r.path
]  # fmt: skip


@dataclass
class Street:
    """Two customers and two technicians who did the same things, and a service, over HTTP."""

    till: Till
    customers: list[Visitor]
    technicians: list[Visitor]
    service: Visitor
    staff: Visitor
    #: What the first of each read before there was a second.
    before: dict[str, bytes] = field(default_factory=dict)

    def of(self, route: Route) -> list[Visitor]:
        people = {"customer": self.customers, "technician": self.technicians, "admin": [self.staff]}
        return people.get(route.audience.name, [self.service])


async def alone(till: Till, technician_id: UUID) -> None:
    """Nobody else is there and gets the next booking."""
    await till.world.execute("UPDATE technicians SET is_available = (id = $1), is_active = (id = $1)", technician_id)
    await till.world.services.roster.refresh()
    till.world.see(technician_id, *KOLKATA)


async def furnish(till: Till, technician_id: UUID) -> UUID:
    """A customer with done and open bookings, a wallet and messages; a technician with earnings and a payout."""
    await alone(till, technician_id)
    done = await till.finish(await till.paid(), technician_id)
    await alone(till, technician_id)
    await till.finish(await till.paid(done.account_id, hours=6), technician_id)
    await till.world.book(done.account_id, hours=24)
    services = till.world.services
    async with services.transaction() as tx:
        await refunds.request_for_booking(tx, done.id, 10000, reason="sorry", requested_by="staff", to_wallet=True)
        await payouts.create(tx, technician_id, method="upi", requested_by="staff")
    await files.add(services, "document", files.HOUSE, "a.pdf", BytesIO(PDF), SYSTEM)
    async with services.transaction() as tx:
        hook = "https://hooks.example.com/in"
        await endpoints.create(tx, PLATFORM, SYSTEM, url=hook, events=["maintenance.scheduled"])
        await deliveries.broadcast(tx, "integration", "maintenance.scheduled", {"text": "tonight"})
        promo = promos.PromoIn(code="WALK", currency="INR", discount_minor=100)
        await promos.upsert(tx, promo)
    for owner, column in ((done.account_id, "account_id"), (technician_id, "technician_id")):
        await till.world.execute(
            f"INSERT INTO notifications ({column}, type, title, message) VALUES ($1, 'test', 'Title', 'Words')", owner
        )
    return done.account_id


async def fill_office(till: Till) -> None:
    """Letters, alerts and shifts: what only the house has."""
    services = till.world.services
    async with services.transaction() as tx:
        for n in range(3):
            await contact.submit(tx, Letter(f"Writer {n}", f"writer{n}@example.com", "Facial"))
            await alerts.raise_alert(tx, "odd", "Look at this.", subject=f"thing:{n}")
    account_id = await add_staff(services, "support")
    async with services.transaction() as tx:
        for n in range(3):
            begin = tx.now + timedelta(hours=n)
            await rota.add(tx, SYSTEM, account_id, begin, begin + timedelta(hours=1), ["email"])
    for _ in range(2):
        await fill_portal(services)


async def fill_portal(services: Services) -> None:
    """An organisation with a ticket and an invoice."""
    home = await add_organisation(services)
    await home.done(services.clock.now().date())
    await add_provider(services)
    async with services.transaction() as tx:
        await quotes.request(tx, home.by, quotes.Wish("cleaning", "Ten floors", {"locations": 1}))
        await tickets.open(tx, home.by, TicketIn("Late", "service", "They came late"))
        today = tx.now.date()
        await invoices.issue(tx, home.id, Period(today, today), kind="requested")


async def whole(till: Till, route: Route, person: Visitor) -> Any:
    """What somebody reads on one evening after all that was done; the bytes of a file."""
    then = till.world.now
    await till.world.advance(seconds=(EVENING - then).total_seconds())
    headers = {"Authorization": f"Bearer {person.token}"}
    async with person.client.get(route.path + ("?limit=100" if route.listing else ""), headers=headers) as answer:
        assert answer.status == 200, route.template
        found = await answer.json() if answer.content_type == "application/json" else await answer.read()
    await till.world.advance(seconds=(then - EVENING).total_seconds())
    return found


@pytest.fixture(scope="module")
async def street(pg_home: str, tmp_path_factory: Any) -> AsyncIterator[Street]:
    from storage.database.pool import create_pool
    from tests.conftest import clone

    pool: Pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    folder: Path = tmp_path_factory.mktemp("street")
    async with LocalGateway(seed=5) as gw:
        till = await open_till(pool, folder, gw)
        services = till.world.services
        services.files = FolderStore(folder)
        # The whole walk comes from one address within a minute.
        services.settings.limits.customer_per_minute = services.settings.limits.technician_per_minute = 100_000
        services.settings.limits.admin_per_minute = 100_000
        async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:

            async def visitor(realm: str, subject_id: UUID) -> Visitor:
                async with services.transaction() as tx:
                    pair = await services.sessions.open(tx, realm, subject_id, ip=None, user_agent=None)
                return Visitor(client, subject_id, pair.access_token)

            technician_ids, account_ids, before = [], [], {}
            customers: list[Visitor] = []
            technicians: list[Visitor] = []
            for km in (1, 2):
                # A morning of its own for each: doing jobs takes time.
                morning = NOON + timedelta(days=km - 1)
                await till.world.advance(seconds=(morning - till.world.now).total_seconds())
                technician_ids.append(await till.world.technician(km_north=km))
                account_ids.append(await furnish(till, technician_ids[-1]))
                customers.append(await visitor("customer", account_ids[-1]))
                technicians.append(await visitor("technician", technician_ids[-1]))
                if km == 1:
                    people = {"customer": customers[0], "technician": technicians[0]}
                    before = {r.template: steady(await whole(till, r, people[r.audience.name])) for r in READ}
            await till.world.execute("UPDATE technicians SET is_active = true, is_available = true")
            await services.roster.refresh()
            await till.world.book(dispatch=False, hours=24)
            await fill_office(till)
            for n in range(2):
                app = {"name": f"An app {n}", "email": f"dev{n}@app.example", "phoneNumber": "+911234567890"}
                async with client.post("/api/partners/onboarding/start", json=app) as begun:
                    assert begun.status == 201
                    app_id = UUID((await begun.json())["data"]["partner"]["id"])
            for n in range(2):
                paid = Transfer(5000, "INR", f"UTR-{n}", NOON.date())
                async with services.transaction() as tx:
                    await integration_account.record(tx, SYSTEM, app_id, paid)
            service = Visitor(client, None, await mint_dev_token(services, "service", "a test"))
            staff = Visitor(client, technician_ids[0], await mint_dev_token(services, "admin", "staff@example.com"))
            OWNERS.update(
                users=str(account_ids[0]), partners=str(technician_ids[0]), integrations=str(app_id)
            )
            yield Street(till, customers, technicians, service, staff, before)
        await opened.close(services.settings.payments)
        await services.bus.close()
    await pool.close()


#: Of whom a list is whose path names somebody, by the word before the id; filled with the street.
OWNERS: dict[str, str] = {}


def path_of(route: Route) -> str:
    """The path of a list, of somebody who has something in it."""
    return re.sub(r"/(\w+)/\{id\}", lambda m: f"/{m[1]}/{OWNERS[m[1]]}", route.path).removeprefix("/v1")


def items_of(route: Route, body: Any) -> list[Any]:
    assert route.listing is not None
    found = body["data"][route.listing.key or "items"]
    assert isinstance(found, list)
    return found


async def read(route: Route, person: Visitor, **query: Any) -> Any:
    assert route.path.startswith("/v1")
    status, body, _ = await person.call("GET", f"{path_of(route)}?{urlencode(query, doseq=True)}")
    assert status == 200, (route.template, query, body)
    return body


@pytest.mark.parametrize("route", OWNED, ids=lambda r: r.template)
async def test_a_list_shows_only_its_callers_rows(street: Street, route: Route) -> None:
    """Two owners who both have rows: each sees some, and none in common, not even by what they are about."""
    seen = []
    for person in street.of(route):
        body = await read(route, person, limit=100)
        items = items_of(route, body)
        assert items and body["data"]["pagination"]["total"] == len(items), route.template
        seen.append({json.dumps(item, sort_keys=True) for item in items})
        ids = {v for item in items for k, v in item.items() if k in ("id", "booking_id") and v is not None}
        seen[-1] |= {json.dumps(v) for v in ids}
    assert not seen[0] & seen[1], route.template


@pytest.mark.parametrize("route", READ, ids=lambda r: r.template)
async def test_what_one_reads_is_ones_own(street: Street, route: Route) -> None:
    """Nothing that the one is told is the other's, and what the other did changes nothing for the one."""
    answers = [await whole(street.till, route, person) for person in street.of(route)]
    assert steady(answers[0]) == street.before[route.template]
    assert told(answers[0]) & told(answers[1]) - {str(i) for i in street.till.world.service_ids.values()} == set()


def test_the_lists_of_every_audience_are_walked() -> None:
    """A new audience says here whose rows its lists show: its own people's, walked with two of them, or everybody's."""
    everybodys = {"admin", "internal", "provider_desk"}
    assert {r.audience.name for r in EVERY} == {r.audience.name for r in OWNED} | ELSEWHERE | everybodys


def test_no_list_is_written_by_hand() -> None:
    """Whoever takes a page takes it by the grammar, and every list has a source that counts and pages alike."""
    for route in all_routes():
        if route.path.endswith(("/recent-activities", "/nearby")):
            continue  # no pages: the newest few, and the nearest few
        names = route.inputs.query.names if route.inputs.query is not None else set()
        assert not names & {"page", "limit", "offset", "per_page"}, route.template
    for route in EVERY:
        assert route.listing is not None and route.listing.source is not None, route.template


def values_of(kind: Any) -> list[str]:
    """Some values of a filter's type, as one writes them in a query."""
    inner = get_args(kind)[0] if get_origin(kind) is list else kind
    if get_origin(inner) is Literal:
        return [str(v) for v in get_args(inner)]
    base = get_args(inner)[0] if hasattr(inner, "__metadata__") else inner
    return {
        bool: ["true", "false"],
        int: ["0", "7"],
        str: ["x", "INR"],
        date: ["2026-01-05", "2026-01-06"],
        UUID: ["0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"],
    }[base]


def queries(grammar: Grammar) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"sort": f"{sign}{name}"} for name in grammar.public_sorts for sign in ("", "-")]
    for name, kind in grammar.filters.items():
        some = values_of(taken(kind))
        found += [{name: value} for value in some]
        if taken(kind) is not getattr(kind, "kind", None):
            found += [{name: some}, {name: ",".join(some)}]
    if grammar.searches:
        found += [{"search": text} for text in ("facial", "BK-2026", "+91 12345", "67890", "%", "'", "\u0996")]
    return found


@pytest.mark.parametrize("route", LISTED, ids=lambda r: r.template)
async def test_every_declared_sort_filter_and_search_runs(street: Street, route: Route) -> None:
    assert route.listing is not None
    person = street.of(route)[0]
    everything = items_of(route, await read(route, person, limit=100))
    for query in queries(route.listing):
        found = items_of(route, await read(route, person, limit=100, **query))
        if "sort" in query:
            assert len(found) == len(everything), query
    several = [q for q in queries(route.listing) if isinstance(next(iter(q.values())), list)]
    for query in several:
        [(name, values)] = query.items()
        alone = [len(items_of(route, await read(route, person, limit=100, **{name: v}))) for v in values]
        both = len(items_of(route, await read(route, person, limit=100, **query)))
        assert max(alone) <= both <= sum(alone), (route.template, query)


@pytest.mark.parametrize("route", LISTED, ids=lambda r: r.template)
async def test_pages_by_number_and_by_cursor_are_the_same(
    street: Street, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Addresses of files end on whole tenths of their life, one of which may turn while we read.
    monkeypatch.setattr(files, "real_time", lambda: 1.9e9)
    person = street.of(route)[0]
    everything = items_of(route, await read(route, person, limit=100))
    by_number, by_cursor, cursor = [], [], {}
    for page in range(1, len(everything) + 1):
        by_number += items_of(route, await read(route, person, limit=1, page=page))
        body = await read(route, person, limit=1, **cursor)
        assert body["data"]["pagination"]["page"] == page
        by_cursor += items_of(route, body)
        cursor = {"cursor": body["data"]["pagination"]["cursor"]}
    assert by_number == by_cursor == everything and cursor == {"cursor": None}
    # One maximum, over it is clamped and said.
    clamped = (await read(route, person, limit=500))["data"]["pagination"]
    assert (clamped["limit"], clamped["clamped_from"]) == (100, 500)


@pytest.mark.parametrize("route", LISTED, ids=lambda r: r.template)
async def test_what_cannot_be_is_refused_by_name(street: Street, route: Route) -> None:
    person = street.of(route)[0]
    for query in ({"cursor": "x"}, {"sort": "drop table"}, {"page": 1001, "limit": 100}, {"page": "0"}, {"limit": "x"}):
        path = f"{path_of(route)}?{urlencode(query)}"
        status, body, _ = await person.call("GET", path)
        assert status == 422 and set(body["error"]["details"]) == {next(iter(query))}, (route.template, query, body)
    assert route.listing is not None
    if "date_from" in route.listing.filters:
        path = f"{path_of(route)}?from=2026-01-06&to=2026-01-05"
        status, body, _ = await person.call("GET", path)
        assert status == 422 and set(body["error"]["details"]) == {"to"}


async def test_a_search_finds_beginnings_and_the_ends_of_a_phone(street: Street) -> None:
    owner = street.customers[0]
    numbers = [b["booking_number"] for b in await owner_bookings(owner)]
    assert len(numbers) == 3
    for text, found in (
        (numbers[0], 1), (numbers[0][:11], 3), ("fac", 3), ("acial", 0), ("+91 1234", 3), ("67890", 3), ("34567", 0),
        ("Kolk 7000", 3), ("fac nobody", 0), ("%", 0),
    ):  # fmt: skip
        assert len(await owner_bookings(owner, search=text)) == found, text
    waiting = await street.service.get("/internal/assignments/queue?search=7890")
    assert waiting["pagination"]["total"] == len(waiting["pending_assignments"]) > 0


async def owner_bookings(owner: Visitor, **query: Any) -> list[Any]:
    found = await owner.get(f"/bookings?{urlencode(query)}")
    return list(found["bookings"])


EXPORTED = [
    r for r in all_routes() if r.path.endswith("/export") and r.listing is not None and r.audience.name not in ELSEWHERE
]


@pytest.mark.parametrize("route", EXPORTED, ids=lambda r: r.template)
async def test_a_list_as_a_file_holds_the_callers_rows(street: Street, route: Route) -> None:
    """The same rows as the list's, in three kinds of file; two owners have none in common."""
    seen, path = [], f"/v1{path_of(route)}"
    for person in street.of(route):
        headers = {"Authorization": f"Bearer {person.token}"}
        async with person.client.get(path, headers=headers) as answer:
            assert answer.status == 200 and answer.content_type == "text/csv"
            assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
            rows = list(csv.reader(io.StringIO(await answer.text())))[1:]
        listed = next(r for r in LISTED if r.path == route.path.removesuffix("/export"))
        assert len(rows) == len(items_of(listed, await read(listed, person, limit=100))) > 0
        seen.append({row[0] for row in rows})
        for form, begins in (("xlsx", b"PK"), ("pdf", b"%PDF-")):
            async with person.client.get(f"{path}?format={form}&status=pending", headers=headers) as answer:
                assert answer.status == 200 and (await answer.read()).startswith(begins)
    assert len(seen) == 1 or not seen[0] & seen[1]
    async with street.customers[0].client.get(f"{path}?format=doc", headers=headers) as answer:
        assert answer.status == 422
