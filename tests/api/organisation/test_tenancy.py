"""Nobody reaches another organisation's things, nor a department's manager what is of the whole: every route."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from api.registry import all_routes
from api.route import Route
from dispatch.access.permissions import grants_of
from tests.api.organisation.conftest import ONE_WEEK, PLACE, Office
from tests.api.organisation.test_enrolments import form
from tests.organisations import Home, add_organisation, books

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
    "GET /analytics/custom-reports/{id}": ("report", None),
    "DELETE /analytics/custom-reports/{id}": ("report", None),
    "GET /organization/departments/{id}": ("department", None),
    "PUT /organization/departments/{id}": ("department", DEPARTMENT),
    "DELETE /organization/departments/{id}": ("department", None),
    "GET /users/{id}": ("member", None),
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


@dataclass
class Neighbours:
    owner: Home
    stranger: Home
    manager: UUID
    ids: dict[str, str]

    def path_of(self, route: Route, noun_id: str) -> str:
        ids = {"id": noun_id, "place_id": self.ids["place"]}
        return re.sub(r"\{(\w+)\}", lambda m: ids[m[1]], route.path.removeprefix(BASE))


@pytest.fixture(scope="module")
async def neighbours(office: Office) -> Neighbours:
    """Two schools: the first has everything, the second tries to reach it."""
    owner, stranger = [await add_organisation(office.services, org_type="school") for _ in range(2)]

    async def made(path: str, body: Any, who: UUID | None = None, **more: Any) -> str:
        found = (await office.call("POST", path, body, headers=owner.headers(who), expect=201, **more))["data"]
        wholes = [found, *(one[0] if isinstance(one, list) else one for one in found.values())]
        return str(next(one["id"] for one in wholes if isinstance(one, dict) and "id" in one))

    place = await owner.department("Engineering")
    member = await owner.member(department_id=place.id)
    manager = await owner.member("manager", department_id=place.id)
    access = {"permissions": {"canBook": True, "requireApproval": True}}
    await office.call("PUT", f"/users/{member}/access", access, headers=owner.headers())
    day = office.world.now.date().replace(day=1)
    await owner.done(day, department_id=place.id)
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
    rows = "A,B,a@tenancy.example,E-1,,\n"
    enrolment = await made("/users/bulk-enroll", None, data=form(rows))
    sent = await office.call("GET", "/integration/webhooks/deliveries", headers=owner.headers())
    account = await owner.account_of(member)
    booking = await books(office.world, owner, account, service=office.cleaning)
    phone = {"phoneNumber": "+919812340000"}
    return Neighbours(owner, stranger, manager, {
        "term": await made("/organization/academic-terms", term),
        "key": await made("/integration/api-keys", {"name": "K", "permissions": ["read_users"]}),
        "bulk": (await office.book(owner, floors=1, schedule=ONE_WEEK))["id"], "booking": str(booking.id),
        "report": await made("/analytics/custom-report", {"reportName": "R", "metrics": ["bookings"]}),
        "department": str(place.id), "member": str(member), "enrolment": enrolment,
        "invoice": await made("/billing/invoice-request", {"period": period}), "posting": posting,
        "application": await made(f"/job-board/{posting}/applications", phone, who=member),
        "program": program, "place": await made(f"/programs/{program}/places", PLACE_IN),
        "quote": await made("/quotes/request", quote),
        "ticket": await made("/support/tickets", {"subject": "S", "category": "other", "description": "D"}),
        "webhook": webhook, "delivery": sent["data"]["deliveries"][0]["id"],
    })  # fmt: skip


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
        for noun_id in (neighbours.ids[noun], NOBODY_S)
    ]
    assert foreign["error"] == missing["error"] and foreign["message"] != "There is nothing at this address."


async def test_what_is_of_the_whole_is_not_for_the_manager_of_a_part(office: Office, neighbours: Neighbours) -> None:
    grants = grants_of("organisation", "partner_manager", {})
    refused = set()
    for route in ROUTES:
        if route.method != "GET" or not grants.allow(route.permission or ""):
            continue
        noun_id = neighbours.ids[ROWS[name_of(route)][0]] if route in WITH_ID else NOBODY_S
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
    path = f"/bookings/bulk/{neighbours.ids['bulk']}"
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
    await office.call("GET", f"/finance/invoices/{neighbours.ids['invoice']}", headers=sent, expect=403)
    await office.call("GET", f"/users/{neighbours.ids['member']}", headers=sent, expect=403)
