"""Nobody reaches another organisation's things, nor a department's manager what is of the whole: every route."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from api.registry import all_routes
from api.route import Route
from dispatch.access.permissions import grants_of
from dispatch.billing import invoice_payments
from dispatch.billing.invoice_payments import Transfer
from tests.api.organisation.conftest import ONE_WEEK, PLACE, Office
from tests.api.organisation.test_enrolments import form
from tests.api.owners import empty_lists, steady, told
from tests.dispatch.billing.invoiced import STAFF
from tests.organisations import Home, add_organisation, books
from tests.providers import add_provider

ROUTES = [r for r in all_routes() if r.audience.name == "organisation" and not r.is_public]
WITH_ID = [r for r in ROUTES if "{" in r.path]

NOBODY_S = "11111111-1111-4111-8111-111111111111"
BASE = "/api/partners"
PLACE_IN = {"name": "Hall", "address": PLACE}
DEPARTMENT = {"name": "Works", "code": "WRK"}
SERIES = {"service": "restroom_maintenance", "serviceId": NOBODY_S, "times": ["10:00"]}
#: One row for each route with an id: what its id names, and a body that is right, so that only the id can be wrong.
ROWS: dict[str, tuple[str, Any]] = {
    "DELETE /organization/academic-terms/{id}": ("term", None),
    "POST /integration/api-keys/{id}/rotate": ("key", None),
    "DELETE /integration/api-keys/{id}": ("key", None),
    "GET /bookings/bulk/{id}": ("bulk", None),
    "GET /bookings/bulk/{id}/visits": ("bulk", None),
    "POST /bookings/bulk/{id}/approve": ("bulk", {}),
    "POST /bookings/bulk/{id}/reject": ("bulk", {}),
    "POST /bookings/bulk/{id}/pause": ("bulk", None),
    "POST /bookings/bulk/{id}/resume": ("bulk", None),
    "POST /bookings/bulk/{id}/cancel": ("bulk", {}),
    "POST /bookings/bulk/{id}/exceptions": ("bulk", {"dates": ["2026-01-13"]}),
    "GET /bookings/{id}/approval": ("booking", None),
    "POST /bookings/{id}/approve": ("booking", {}),
    "POST /bookings/{id}/reject": ("booking", {}),
    "POST /bookings/{id}/cancel": ("booking", {}),
    "GET /analytics/custom-reports/{id}": ("report", None),
    "DELETE /analytics/custom-reports/{id}": ("report", None),
    "GET /organization/departments/{id}": ("department", None),
    "PUT /organization/departments/{id}": ("department", DEPARTMENT),
    "DELETE /organization/departments/{id}": ("department", None),
    "GET /users/{id}": ("member", None),
    "PUT /users/{id}": ("member", {"segment": "x"}),
    "POST /users/{id}/invitation": ("member", None),
    "PUT /users/{id}/access": ("member", {"permissions": {"canBook": True}}),
    "PUT /users/{id}/status": ("member", {"status": "suspended"}),
    "DELETE /users/{id}": ("member", None),
    "GET /users/bulk-enroll/{id}": ("enrolment", None),
    "GET /users/bulk-enroll/{id}/results": ("enrolment", None),
    "GET /finance/invoices/{id}": ("invoice", None),
    "GET /finance/invoices/{id}/pdf": ("invoice", None),
    "POST /finance/invoices/{id}/pay": ("invoice", None),
    "GET /job-board/{id}": ("posting", None),
    "POST /job-board/{id}/close": ("posting", None),
    "POST /job-board/{id}/applications": ("posting", {"phoneNumber": "+919812340001"}),
    "GET /job-board/{id}/applications": ("posting", None),
    "POST /job-board/applications/{id}/withdraw": ("application", None),
    "POST /job-board/applications/{id}/accept": ("application", {}),
    "POST /job-board/applications/{id}/reject": ("application", {}),
    "POST /programs/{id}/places": ("program", PLACE_IN),
    "GET /programs/{id}/places": ("program", None),
    "DELETE /programs/{id}/places/{place_id}": ("program", None),
    "POST /programs/{id}/bookings": ("program", SERIES),
    "POST /programs/{id}/publish": ("program", None),
    "POST /programs/{id}/unpublish": ("program", None),
    "GET /programs/{id}": ("program", None),
    "PUT /programs/{id}/status": ("program", {"status": "inactive"}),
    "POST /programs/{id}/activate": ("program", {"event": "typhoon", "level": "alert1", "authority": "mayor"}),
    "POST /programs/{id}/deactivate": ("program", {"authority": "mayor"}),
    "GET /quotes/{id}": ("quote", None),
    "POST /quotes/{id}/accept": ("quote", None),
    "POST /quotes/{id}/decline": ("quote", None),
    "GET /support/tickets/{id}": ("ticket", None),
    "POST /support/tickets/{id}/replies": ("ticket", {"message": "M"}),
    "POST /support/tickets/{id}/close": ("ticket", None),
    "GET /integration/webhooks/{id}": ("webhook", None),
    "PUT /integration/webhooks/{id}": ("webhook", {"description": "X"}),
    "DELETE /integration/webhooks/{id}": ("webhook", None),
    "POST /integration/webhooks/{id}/rotate": ("webhook", {}),
    "POST /integration/webhooks/{id}/test": ("webhook", None),
    "GET /integration/webhooks/deliveries/{id}": ("delivery", None),
    "POST /integration/webhooks/deliveries/{id}/replay": ("delivery", None),
}
#: Without a gateway nobody is told anything of an invoice that is to be paid.
NO_GATEWAY = {"POST /finance/invoices/{id}/pay": 503}
#: What a manager's role would let them read, were they not bound to a department: it is of the whole organisation.
OF_THE_WHOLE = {
    "GET /billing/payments", "GET /bookings/bulk/{id}", "GET /bookings/bulk/{id}/visits", "GET /finance/invoices/{id}",
    "GET /finance/invoices/{id}/pdf", "GET /organization/access-review", "GET /quotes/{id}",
}  # fmt: skip


def name_of(route: Route) -> str:
    return route.template.replace(BASE, "", 1)


#: What is read in several ways; lists are read whole.
QUERIES = {
    "GET /analytics/usage": ["?groupBy=department", "?groupBy=service", "?groupBy=user", "?groupBy=location"],
    "GET /finance/reports": ["?format=csv", "?format=csv&type=detailed"],
}  # fmt: skip
READ = [
    (route, query)
    for route in ROUTES if route.method == "GET"
    for query in QUERIES.get(name_of(route), ["?limit=100" if route.listing else ""])
]  # fmt: skip
each_reading = pytest.mark.parametrize(("route", "query"), READ, ids=[name_of(r) + q for r, q in READ])


PHONES = (f"+9198123400{n:02d}" for n in count())


@dataclass
class Department:
    id: UUID
    manager: UUID
    member: UUID
    booking: UUID


@dataclass
class Neighbours:
    """Two schools that did the same things, the second after the first had read all that it may read.

    `departments` are the first's, who did the same things one after the other too.
    """

    office: Office
    schools: list[Home]
    ids: list[dict[str, str]]
    departments: list[Department]
    before: dict[str, bytes]

    @property
    def owner(self) -> Home:
        return self.schools[0]

    @property
    def stranger(self) -> Home:
        return self.schools[1]

    @property
    def manager(self) -> UUID:
        return self.departments[0].manager

    def path_of(self, route: Route, noun_id: str, n: int = 0) -> str:
        ids = {"id": noun_id, "place_id": self.ids[n]["place"]}
        return re.sub(r"\{(\w+)\}", lambda m: ids[m[1]], route.path.removeprefix(BASE))

    async def read(self, n: int, route: Route, query: str, member: UUID | None = None) -> tuple[int, Any]:
        """What the owner of this school, or a member of it, is answered."""
        noun_id = self.ids[n][ROWS[name_of(route)][0]] if route in WITH_ID else ""
        url = f"{BASE}{self.path_of(route, noun_id, n)}{query}"
        async with self.office.client.get(url, headers=self.schools[n].headers(member)) as reply:
            return reply.status, await reply.json() if reply.content_type == "application/json" else await reply.read()


async def settle(office: Office, home: Home, name: str, hour: int) -> Department:
    """A department with a manager and a member, who has had and has ordered a visit."""
    place = await home.department(name, budget_minor=5_000_000)
    manager = await home.member("manager", department_id=place.id)
    member = await home.member(department_id=place.id)
    await home.done(office.world.now.date().replace(day=1), department_id=place.id, member_id=member, rating=5)
    access = {"permissions": {"canBook": True, "requireApproval": True}}
    await office.call("PUT", f"/users/{member}/access", access, headers=home.headers())
    booking = await books(office.world, home, await home.account_of(member), service=office.cleaning, hour=hour)
    return Department(place.id, manager, member, booking.id)


async def furnish(office: Office, owner: Home, department: Department) -> dict[str, str]:
    """One of everything; the ids by what they are of."""

    async def made(path: str, body: Any, who: UUID | None = None, **more: Any) -> str:
        found = (await office.call("POST", path, body, headers=owner.headers(who), expect=201, **more))["data"]
        wholes = [found, *(one[0] if isinstance(one, list) else one for one in found.values())]
        return str(next(one["id"] for one in wholes if isinstance(one, dict) and "id" in one))

    day = office.world.now.date().replace(day=1)
    term = {"name": "First", "academicYear": "2026", "startDate": "2026-01-12", "endDate": "2026-12-18"}
    hook = {"url": "https://hooks.example.com/x", "events": ["user.enrolled"]}
    job = {"title": "T", "description": "D", "categories": ["Cleaning"], "tiers": ["Minimal"]}
    campus = {
        "programName": "Campus", "programType": "campus_services",
        "services": [{"service": "restroom_maintenance", "frequency": "daily", "locations": ["all"]}],
        "studentBenefits": {"enabled": True, "allowedServices": ["tutoring"], "creditPerSemester": 1000},
    }  # fmt: skip
    quote = {
        "serviceType": "facility_management", "description": "D", "requirements": {"locations": 1},
        "budget": {"estimated": 500000, "flexible": True, "currency": "INR"},
    }  # fmt: skip
    period = {"startDate": str(day), "endDate": str(day)}
    posting = await made("/job-board", job)
    program = await made("/programs/campus", campus)
    webhook = await made("/integration/webhooks", hook)
    rows = f"A,B,a@{owner.id.hex}.example,E-1,,\n"
    enrolment = await made("/users/bulk-enroll", None, data=form(rows))
    sent = await office.call("GET", "/integration/webhooks/deliveries", headers=owner.headers())
    await made(f"/job-board/{posting}/applications", {"phoneNumber": next(PHONES)})
    invoice = await made("/billing/invoice-request", {"period": period})
    async with office.services.transaction() as tx:
        paid = Transfer(1000, f"UTR-{owner.id.hex}", office.world.now.date())
        await invoice_payments.record_transfer(tx, STAFF, UUID(invoice), paid)
        provider = await add_provider(office.services)
    preferred = {"providers": [{"providerId": str(provider.id)}]}
    await office.call("POST", "/preferred-providers", preferred, headers=owner.headers(), expect=201)
    key = await made("/integration/api-keys", {"name": "K", "permissions": ["read_users"]})
    phone = {"phoneNumber": next(PHONES)}
    # Nobody has used them for long.
    await office.world.execute(
        "UPDATE members SET enrolled_at = enrolled_at - interval '1 year' WHERE email = $1", f"a@{owner.id.hex}.example"
    )
    await office.world.execute(
        "UPDATE api_clients SET created_at = created_at - interval '1 year' WHERE id = $1::text::uuid", key
    )
    return {
        "term": await made("/organization/academic-terms", term),
        "key": key,
        "bulk": (await office.book(owner, floors=1, schedule=ONE_WEEK))["id"], "booking": str(department.booking),
        "report": await made("/analytics/custom-report", {"reportName": "R", "metrics": ["bookings"]}),
        "department": str(department.id), "member": str(department.member), "enrolment": enrolment,
        "invoice": invoice, "posting": posting,
        "application": await made(f"/job-board/{posting}/applications", phone, who=department.member),
        "program": program, "place": await made(f"/programs/{program}/places", PLACE_IN),
        "quote": await made("/quotes/request", quote),
        "ticket": await made("/support/tickets", {"subject": "S", "category": "other", "description": "D"}),
        "webhook": webhook, "delivery": sent["data"]["deliveries"][0]["id"],
    }  # fmt: skip


@pytest.fixture(scope="module")
async def neighbours(office: Office) -> Neighbours:
    schools = [await add_organisation(office.services, org_type="school") for _ in range(2)]
    made = Neighbours(office, schools, [], [], {})
    for n, home in enumerate(schools):
        department = await settle(office, home, "Engineering", 9 + 2 * n)
        made.ids.append(await furnish(office, home, department))
        if n == 1:
            break
        made.departments.append(department)
        for route, query in READ:
            (_, answer) = await made.read(0, route, query, department.manager)
            made.before[f"manager {name_of(route)}{query}"] = steady(answer)
        made.departments.append(await settle(office, home, "Sales", 13))
        for route, query in READ:
            made.before[name_of(route) + query] = steady((await made.read(0, route, query))[1])
    return made


def test_every_route_with_an_id_has_a_row() -> None:
    assert ROWS.keys() == {name_of(r) for r in WITH_ID}


@pytest.mark.parametrize("route", WITH_ID, ids=lambda r: r.template)
async def test_a_stranger_finds_nothing(office: Office, neighbours: Neighbours, route: Route) -> None:
    """The same as for an id that nobody has: not even that it exists is told."""
    noun, body = ROWS[name_of(route)]
    expect = NO_GATEWAY.get(name_of(route), 404)
    foreign, missing = [
        await office.call(
            route.method, neighbours.path_of(route, noun_id), body, headers=neighbours.stranger.headers(), expect=expect
        )
        for noun_id in (neighbours.ids[0][noun], NOBODY_S)
    ]
    assert foreign["error"] == missing["error"] and foreign["message"] != "There is nothing at this address."


#: What is everybody's: the house's words, kinds of events, and the services that have been booked.
SHARED = {
    "GET /support/contact", "GET /support/training", "GET /integration/docs", "GET /integration/webhooks/events",
}  # fmt: skip
GROUPS = ("Department", "Service", "User", "Location")
GROUPED = {f"by{one}" for one in GROUPS}
#: Lists inside of things, which have nothing in them here.
NOTHING = {
    **{f"GET /analytics/usage?groupBy={one.lower()}": GROUPED - {f"by{one}"} for one in GROUPS},
    "GET /support/training": {"resources", "upcomingTraining"},
    "GET /integration/webhooks/deliveries/{id}": {"tries"},
}
#: What the manager of a department reads of the whole organisation.
FOR_MANAGERS = {
    "GET /organization/academic-terms", "GET /job-board", "GET /job-board/{id}",
    "GET /preferred-providers", "GET /programs", "GET /programs/{id}", "GET /programs/{id}/places", *SHARED,
}  # fmt: skip


@each_reading
async def test_what_one_reads_is_ones_own(office: Office, neighbours: Neighbours, route: Route, query: str) -> None:
    """Both have something in every list, nothing that the one is told is the other's, and no sum counts it."""
    answers = [(await neighbours.read(n, route, query))[1] for n in (0, 1)]
    assert steady(answers[0]) == neighbours.before[name_of(route) + query]
    for answer in answers:
        assert empty_lists(answer) == NOTHING.get(name_of(route) + query, set())
    both = told(answers[0]) & told(answers[1]) - {str(office.cleaning)}
    assert name_of(route) in SHARED or both == set()


@each_reading
async def test_a_manager_reads_what_is_their_department_s(
    office: Office, neighbours: Neighbours, route: Route, query: str
) -> None:
    (status, one), (_, other) = [await neighbours.read(0, route, query, d.manager) for d in neighbours.departments]
    if name_of(route) not in FOR_MANAGERS:
        assert steady(one) == neighbours.before[f"manager {name_of(route)}{query}"]
        both = told(one) & told(other) - {str(office.cleaning), str(neighbours.owner.id)}
        assert status == 403 or both == set()


async def test_what_is_of_the_whole_is_not_for_the_manager_of_a_part(office: Office, neighbours: Neighbours) -> None:
    grants = grants_of("organisation", "partner_manager", {})
    refused = set()
    for route in ROUTES:
        if route.method != "GET" or not grants.allow(route.permission or ""):
            continue
        noun_id = neighbours.ids[0][ROWS[name_of(route)][0]] if route in WITH_ID else NOBODY_S
        url = f"{BASE}{neighbours.path_of(route, noun_id)}"
        async with office.client.get(url, headers=neighbours.owner.headers(neighbours.manager)) as reply:
            if reply.status == 403:
                refused.add(name_of(route))
    assert sorted(refused) == sorted(OF_THE_WHOLE)


@pytest.mark.parametrize(("tail", "body"), [
    ("pause", None), ("resume", None), ("cancel", {}), ("exceptions", {"dates": ["2026-01-13"]}),
])  # fmt: skip
async def test_a_series_of_the_whole_is_not_ended_by_the_manager_of_a_part(
    office: Office, neighbours: Neighbours, tail: str, body: Any
) -> None:
    path = f"/bookings/bulk/{neighbours.ids[0]['bulk']}"
    sent = neighbours.owner.headers(neighbours.manager)
    refused = await office.call("POST", f"{path}/{tail}", body, headers=sent, expect=403)
    assert refused["error"]["code"] == "OUT_OF_REACH"
    shown = await office.call("GET", path, headers=neighbours.owner.headers())
    assert shown["data"]["bulkBooking"]["status"] == "active"


async def test_a_manager_without_a_department_sees_nothing_rather_than_everything(
    office: Office, neighbours: Neighbours
) -> None:
    sent = neighbours.owner.headers(await neighbours.owner.member("manager"))
    assert (await office.call("GET", "/users", headers=sent))["data"]["users"] == []
    assert (await office.call("GET", "/bookings", headers=sent))["data"]["bookings"] == []
    await office.call("GET", f"/finance/invoices/{neighbours.ids[0]['invoice']}", headers=sent, expect=403)
    await office.call("GET", f"/users/{neighbours.ids[0]['member']}", headers=sent, expect=403)
