"""Bulk bookings over HTTP: counted, priced, approved, budgeted, turned into real bookings; and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.billing import bulk_bookings, bulk_visits, ledger_check
from dispatch.engine import assigning, catalogue, jobs
from dispatch.engine.catalogue import ServiceIn
from dispatch.engine.tasks import Run
from dispatch.events import Actor
from dispatch.parties import budgets, organisations
from dispatch.services import Services
from storage.database.pool import create_pool
from tests.api.organisation.conftest import PLENTY, Portal
from tests.conftest import clone
from tests.organisations import Home, add_organisation
from tests.world import World, make_world

PLACE = {"street": "12 Lake Road", "city": "Kolkata", "lat": 22.5726, "lng": 88.3639}


@dataclass
class Office(Portal):
    """A portal on a small world whose clock stands still, with a cleaning at 600 rupees."""

    world: World
    cleaning: UUID

    def wish(self, *, floors: int = 2, schedule: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The worked example of the contract, in a city that is served."""
        return {
            "bookingType": "recurring", "service": {"serviceId": str(self.cleaning), "title": "Office Cleaning"},
            "schedule": {
                "type": "recurring", "frequency": "weekly", "days": ["monday", "wednesday", "friday"],
                "time": "18:00", "startDate": "2026-01-15", "endDate": "2026-12-31", **(schedule or {}),
            },
            "locations": [
                {"name": f"Floor {n}", "address": PLACE, "contactPerson": {"name": "M", "phone": "+911234567890"}}
                for n in range(floors)
            ],
            **more,
        }  # fmt: skip

    async def book(self, home: Home, who: UUID | None = None, *, expect: int = 201, **wish: Any) -> Any:
        answer = await self.call("POST", "/bookings/bulk", self.wish(**wish), headers=home.headers(who), expect=expect)
        return answer["data"]["bulkBooking"] if expect == 201 else answer

    async def make_visits(self) -> dict[str, int]:
        """What the task does at its turn."""

        async def progress(*said: Any) -> None:
            return None

        run = cast(Run, SimpleNamespace(services=self.services, progress=progress))
        return await bulk_visits.book_due(run)

    async def standing(self, home: Home, department: UUID | None, month: date) -> tuple[int, int]:
        async with self.services.read() as conn:
            found = (await budgets.standing(conn, home.id, month))[department]
        return found.reserved_minor, found.spent_minor


ONE_WEEK = {"days": ["tuesday"], "startDate": "2026-01-13", "endDate": "2026-01-13"}


@pytest.fixture(scope="module")
async def office(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=16)
    world = await make_world(pool, folder, limits=PLENTY)
    services: Services = world.services
    async with services.transaction() as tx:
        cleaning = await catalogue.upsert_service(
            tx, ServiceIn("Cleaning", "cleaning", "Cleaning", "Minimal", {"INR": (60_000, None)})
        )
    await world.technician(categories=("cleaning",))
    async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
        yield Office(services, client, await add_organisation(services), world, cleaning)
    await services.bus.close()
    await pool.close()


async def test_the_worked_example_is_counted_and_priced_by_real_dates(office: Office) -> None:
    home = await add_organisation(office.services)
    await office.world.execute("UPDATE organisations SET volume_discount_pct = 15 WHERE id = $1", home.id)
    approver = await home.member("manager", department_id=(await home.department("Facilities")).id)
    made = await office.book(
        home, billing={"budgetCode": "FAC-2026-001", "approvalRequired": True, "approvers": [str(approver)]}
    )
    assert (made["status"], made["totalLocations"], made["estimatedBookings"]) == ("pending_approval", 2, 300)
    assert made["schedule"] == {"frequency": "weekly", "occurrences": 150}
    assert made["pricing"] == {
        "perBooking": 600, "totalEstimated": 180000, "currency": "INR", "discount": 15, "finalAmount": 153000,
    }  # fmt: skip
    assert made["approvalStatus"] == {"required": True, "pending": [str(approver)], "approved": [], "rejected": []}
    assert made["referenceNumber"].startswith("BULK-2026-")
    told = "SELECT count(*) FROM outbox WHERE template = 'approval_wanted' AND body LIKE '%' || $1 || '%'"
    assert await office.world.value(told, made["referenceNumber"]) == 1
    # Nobody who was not asked decides, nor whoever asked.
    path = f"/bookings/bulk/{made['id']}"
    other = await home.member("admin")
    for who in (None, other):
        refused = await office.call("POST", f"{path}/approve", {}, headers=home.headers(who), expect=403)
        assert refused["error"]["code"] == "NOT_APPROVER"
    agreed = await office.call("POST", f"{path}/approve", {}, headers=home.headers(approver))
    assert agreed["data"]["bulkBooking"]["status"] == "active"
    again = await office.call("POST", f"{path}/reject", {}, headers=home.headers(approver), expect=409)
    assert again["error"]["code"] == "WRONG_STATE"
    lines = await office.call("GET", "/bookings?type=recurring&startDate=2026-06-01", headers=home.headers())
    assert {line["location"] for line in lines["data"]["bookings"]} == {"Floor 1", "Floor 0"}
    first = lines["data"]["bookings"][0]
    # 18:00 in Kolkata, on the first Friday.
    assert first["schedule"] == {"nextBooking": "2026-01-16T12:30:00Z", "frequency": "weekly"}
    assert first["pricing"] == {"perBooking": 600, "totalPaid": 0, "remaining": 76500, "currency": "INR"}
    assert lines["data"]["summary"]["activeBookings"] == 2
    assert (await office.call("GET", "/bookings?type=bulk", headers=home.headers()))["data"]["bookings"] == []


async def test_visits_become_bookings_once_and_their_end_moves_the_budget(office: Office) -> None:
    home = await add_organisation(office.services)
    department = await home.department("Works", code="WRK", budget_minor=1_000_000)
    month = date(2026, 1, 1)
    made = await office.book(
        home, floors=1, schedule={"days": ["tuesday", "friday"], "startDate": "2026-01-13", "endDate": "2026-01-16"},
        billing={"department": str(department.id)}, specialRequirements=["Access cards provided"],
    )  # fmt: skip
    assert made["status"] == "active"
    # The price with its tax is reserved, in the department's budget and in the whole organisation's.
    each = 60_000 + 10_800
    assert await office.standing(home, department.id, month) == (2 * each, 0)
    assert await office.standing(home, None, month) == (2 * each, 0)
    await asyncio.gather(office.make_visits(), office.make_visits())
    assert (await office.make_visits())["booked"] == 0
    assert await office.world.value("SELECT count(*) FROM bookings WHERE organisation_id = $1", home.id) == 2
    path = f"/bookings/bulk/{made['id']}"
    visits = (await office.call("GET", f"{path}/visits?startDate=2026-01-01", headers=home.headers()))["data"]["visits"]
    assert [v["startsAt"] for v in visits] == ["2026-01-13T12:30:00Z", "2026-01-16T12:30:00Z"]
    first, second = (UUID(v["bookingId"]) for v in visits)
    booking = await office.world.booking(first)
    assert (booking.payment_method, booking.organisation_id, booking.grand_total_minor) == ("account", home.id, each)
    # The first is done, the second falls on a day that is left out.
    await office.world.execute("UPDATE technicians SET is_available = true")
    async with office.services.transaction() as tx:
        technician_id = await tx.conn.fetchval("SELECT id FROM technicians LIMIT 1")
    await do_job(office, first, technician_id)
    assert await office.standing(home, department.id, month) == (each, each)
    await office.call("POST", f"{path}/exceptions", {"dates": ["2026-01-16"]}, headers=home.headers())
    assert (await office.world.booking(second)).status == "cancelled"
    assert await office.standing(home, department.id, month) == (0, each)
    after = await office.call("GET", path, headers=home.headers())
    ended = after["data"]["bulkBooking"]
    assert (ended["status"], ended["completedBookings"]) == ("completed", 1)
    async with office.services.read() as conn:
        assert await ledger_check.check(conn) == []


async def do_job(office: Office, booking_id: UUID, technician_id: UUID) -> None:
    """Assigned by staff, driven to, done."""
    actor = Actor("admin", "a test")
    async with office.services.transaction() as tx:
        await assigning.assign_to(tx, booking_id, technician_id, actor, force=True)
    booking = await office.world.booking(booking_id)
    if booking.status == "partner_assigned":
        await office.world.accept(booking_id, technician_id)
    await office.world.advance(seconds=(booking.starts_at - office.world.now).total_seconds())
    for step in ("in_transit", "arrived", "in_progress"):
        async with office.services.transaction() as tx:
            await jobs.advance(tx, booking_id, technician_id, step)
    await office.world.advance(minutes=60)
    async with office.services.transaction() as tx:
        await jobs.complete(tx, booking_id, technician_id)


async def test_parallel_requests_never_pass_a_budget_that_forbids_it(office: Office) -> None:
    home = await add_organisation(office.services)
    department = await home.department("Tight", code="TGT")
    today = office.world.now.date()
    async with office.services.transaction() as tx:
        await budgets.allocate(
            tx, home.id, department.id, today, 3 * 70_800, rules=budgets.Rules(allow_overspend=False), set_by="a test"
        )
    week = {"startDate": f"{today.year}-02-03", "endDate": f"{today.year}-02-03", "days": ["tuesday"]}

    async def one() -> int:
        wish = office.wish(floors=1, schedule=week, billing={"department": str(department.id)})
        async with office.client.post("/api/partners/bookings/bulk", json=wish, headers=home.headers()) as reply:
            if reply.status != 201:
                assert (await reply.json())["error"]["code"] == "BUDGET_EXCEEDED"
            return reply.status

    statuses = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(statuses) == [201] * 3 + [409] * 3
    assert await office.standing(home, department.id, date(today.year, 2, 1)) == (3 * 70_800, 0)
    # At three quarters somebody is written to, once.
    told = "SELECT count(*) FROM outbox WHERE template = 'budget_warning' AND body LIKE '%Tight%'"
    assert await office.world.value(told) == 1


async def test_a_budget_is_for_the_services_that_it_is_allotted_for(office: Office) -> None:
    home = await add_organisation(office.services)
    department = await home.department("Picky", code="PCK")
    billing = {"department": str(department.id)}

    async def allot(services: list[str], start: str, whose: str | None) -> None:
        one = {"amount": 100000, "services": services} | ({"department": whose} if whose else {})
        body = {"period": {"type": "monthly", "startDate": start}, "allocations": [one]}
        await office.call("POST", "/finance/budget-allocation", body, headers=home.headers(), expect=201)

    await allot(["Gardening"], "2026-02-01", str(department.id))
    await allot(["Cleaning", "gardening"], "2026-03-01", str(department.id))
    for start, end, status in (
        ("2026-01-13", "2026-01-31", 201), ("2026-01-13", "2026-02-28", 409), ("2026-03-02", "2026-04-03", 201),
    ):  # fmt: skip
        answer = await office.book(
            home, floors=1, schedule={"startDate": start, "endDate": end}, billing=billing, expect=status
        )
        assert status == 201 or answer["error"]["code"] == "BUDGET_FOR_OTHERS"
    # What is allotted to the whole organisation holds for everybody.
    await allot(["all"], "2026-02-01", str(department.id))
    await allot(["gardening"], "2026-02-01", None)
    week = {"startDate": "2026-02-02", "endDate": "2026-02-06"}
    for wish in ({"billing": billing}, {}):
        refused = await office.book(home, floors=1, schedule=week, expect=409, **wish)
        assert refused["error"]["code"] == "BUDGET_FOR_OTHERS"


async def test_a_series_goes_by_the_terms_of_a_school(office: Office) -> None:
    school = await add_organisation(office.services, org_type="school")
    week = {"days": ["monday"], "startDate": "2026-02-02", "endDate": "2026-04-27", "academicYear": "2025-2026"}
    refused = await office.book(school, floors=1, schedule=week, expect=422)
    assert set(refused["error"]["details"]) == {"schedule.academicYear"}
    for name, start, end, holidays in (
        ("Second", "2026-01-12", "2026-02-27", ["2026-02-16"]), ("Third", "2026-03-16", "2026-06-26", []),
    ):  # fmt: skip
        term = {"name": name, "academicYear": "2025-2026", "startDate": start, "endDate": end, "holidays": holidays}
        await office.call("POST", "/organization/academic-terms", term, headers=school.headers(), expect=201)
    made = await office.book(school, floors=1, schedule=week)
    visits = await office.call("GET", f"/bookings/bulk/{made['id']}/visits?limit=100", headers=school.headers())
    days = ["02-02", "02-09", "02-23", "03-16", "03-23", "03-30", "04-06", "04-13", "04-20", "04-27"]
    assert [v["startsAt"][5:10] for v in visits["data"]["visits"]] == days
    between = {**week, "startDate": "2026-03-02", "endDate": "2026-03-09"}
    assert set((await office.book(school, schedule=between, expect=422))["error"]["details"]) == {"schedule.days"}


async def test_rejected_paused_resumed_cancelled(office: Office) -> None:
    home = await add_organisation(office.services)
    admin = await home.member("admin")
    today = office.world.now.date()
    later = {"days": ["monday", "thursday"], "startDate": f"{today.year}-03-02", "endDate": f"{today.year}-03-31"}
    asked = await office.book(home, admin, floors=1, schedule=later, billing={"approvalRequired": True})
    # Nobody was named: the owner decides.
    assert asked["approvalStatus"]["pending"] == [str(home.owner_id)]
    march = date(today.year, 3, 1)
    assert (await office.standing(home, None, march))[0] == 9 * 70_800
    said = await office.call(
        "POST", f"/bookings/bulk/{asked['id']}/reject", {"reason": "Too much"}, headers=home.headers()
    )
    assert (said["data"]["bulkBooking"]["status"], said["data"]["bulkBooking"]["reason"]) == ("rejected", "Too much")
    assert await office.standing(home, None, march) == (0, 0)
    made = await office.book(home, admin, floors=1, schedule=later)
    path = f"/bookings/bulk/{made['id']}"
    await office.call("POST", f"{path}/pause", headers=home.headers())
    twice = await office.call("POST", f"{path}/pause", headers=home.headers(), expect=409)
    assert twice["error"]["code"] == "WRONG_STATE"
    back = await office.call("POST", f"{path}/resume", headers=home.headers())
    assert back["data"]["bulkBooking"]["estimatedBookings"] == 9
    gone = await office.call("POST", f"{path}/cancel", {"reason": "Moved out"}, headers=home.headers())
    assert gone["data"]["bulkBooking"]["status"] == "cancelled"
    assert await office.standing(home, None, march) == (0, 0)
    stranger = await add_organisation(office.services)
    for tail in ("approve", "reject", "cancel", "pause", "resume"):
        await office.call("POST", f"{path}/{tail}", {}, headers=stranger.headers(), expect=404)
    for tail in ("", "/visits"):
        await office.call("GET", f"{path}{tail}", headers=stranger.headers(), expect=404)


async def test_what_cannot_be_booked(office: Office) -> None:
    home = await add_organisation(office.services)
    stranger = await add_organisation(office.services)
    foreign = await stranger.department("Theirs")
    plain = await home.department("Plain", allowed_services=["plumbing"])
    cases: list[tuple[int, str, dict[str, Any]]] = [
        (422, "schedule.endDate", {"schedule": {"endDate": "2026-01-14"}}),
        (422, "schedule.days", {"schedule": {"days": []}}),
        (422, "schedule.days", {"schedule": {"days": ["sunday"], "endDate": "2026-01-17"}}),
        (422, "schedule.time", {"schedule": {"time": "23:00"}}),
        (422, "schedule.startDate", {"schedule": {"startDate": "2025-01-15", "endDate": "2025-12-31"}}),
        (422, "locations", {"floors": 0}),
        (422, "billing.approvers", {"billing": {"approvalRequired": True, "approvers": [str(home.owner_id)]}}),
        (422, "billing.approvers", {"billing": {"approvalRequired": True, "approvers": [str(stranger.owner_id)]}}),
        (422, "billing.approvers", {"billing": {"approvalRequired": True}}),
        (404, "", {"billing": {"department": str(foreign.id)}}),
        (404, "", {"service": {"serviceId": str(uuid4())}}),
        (403, "", {"billing": {"department": str(plain.id)}}),
    ]
    for status, field, wish in cases:
        refused = await office.book(home, expect=status, **wish)
        assert not field or field in refused["error"]["details"], (wish, refused)
    await office.book(home, await home.member("viewer"), expect=403)
    silent = await home.member("coordinator")
    await office.call("PUT", f"/users/{silent}/access", {"permissions": {"canBook": False}}, headers=home.headers())
    assert (await office.book(home, silent, expect=403))["error"]["code"] == "MAY_NOT_BOOK"
    waiting = await add_organisation(office.services, is_active=False)
    assert (await office.book(waiting, expect=403))["error"]["code"] == "ORGANIZATION_NOT_ACTIVE"
    assert (await office.call("GET", "/bookings", headers=home.headers()))["data"]["bookings"] == []


async def test_whoever_was_asked_may_be_gone(office: Office) -> None:
    home = await add_organisation(office.services)
    asking, asked = await home.member("admin"), await home.member("finance")
    wish = {"billing": {"approvalRequired": True, "approvers": [str(asked)]}, "floors": 1}
    made = await office.book(home, asking, **wish)
    path = f"/bookings/bulk/{made['id']}"
    await office.call("POST", f"{path}/approve", {}, headers=home.headers(), expect=403)
    await office.call("DELETE", f"/users/{asked}", headers=home.headers())
    # Whoever asks does not stand in, somebody else who decides for the whole does.
    await office.call("POST", f"{path}/approve", {}, headers=home.headers(asking), expect=403)
    agreed = await office.call("POST", f"{path}/approve", {}, headers=home.headers())
    assert agreed["data"]["bulkBooking"]["status"] == "active"


async def test_above_a_months_limit_it_waits_for_a_word_and_no_other_month_counts(office: Office) -> None:
    home = await add_organisation(office.services)
    member = await home.member("coordinator")
    access = {"permissions": {"monthlyLimit": 2000}}
    await office.call("PUT", f"/users/{member}/access", access, headers=home.headers())
    await home.sign_in(member)
    monthly = {"frequency": "monthly", "days": [], "startDate": "2026-06-10", "endDate": "2026-11-10"}
    # 708 in each of six months: below the limit of each, above it together.
    made = await office.book(home, member, floors=1, schedule=monthly)
    assert (made["estimatedBookings"], made["status"]) == (6, "active")
    both = await asyncio.gather(
        *(
            office.client.post(
                "/api/partners/bookings/bulk", json=office.wish(floors=1, schedule=monthly),
                headers=home.headers(member),
            )
            for _ in range(2)
        )
    )  # fmt: skip
    # What is planned counts, also of two at once: one of them is above the limit, and its money is reserved meanwhile.
    answers = [(await reply.json())["data"]["bulkBooking"] for reply in both]
    assert sorted(one["status"] for one in answers) == ["active", "pending_approval"]
    [waits] = [one for one in answers if one["status"] == "pending_approval"]
    assert waits["approvalStatus"]["pending"] == [str(home.owner_id)]
    assert await office.standing(home, None, date(2026, 11, 1)) == (3 * 70_800, 0)
    path = f"/bookings/bulk/{waits['id']}"
    await office.call("POST", f"{path}/approve", {}, headers=home.headers(member), expect=403)
    agreed = await office.call("POST", f"{path}/approve", {}, headers=home.headers())
    assert agreed["data"]["bulkBooking"]["status"] == "active"
    more = await office.book(home, member, floors=1, schedule=monthly)
    await office.call("POST", f"/bookings/bulk/{more['id']}/reject", {"reason": "dear"}, headers=home.headers())
    assert await office.standing(home, None, date(2026, 11, 1)) == (3 * 70_800, 0)


async def test_the_series_of_a_suspended_organisation_rests(office: Office) -> None:
    home = await add_organisation(office.services)
    today = office.world.now.date()
    soon = {"frequency": "daily", "days": [], "startDate": f"{today + timedelta(days=1)}",
            "endDate": f"{today + timedelta(days=2)}"}  # fmt: skip
    made = await office.book(home, floors=1, schedule=soon)
    async with office.services.transaction() as tx:
        await organisations.set_status(tx, home.id, "suspended", "unpaid", Actor("admin", "a test"))
    await office.make_visits()
    booked = "SELECT count(*) FROM bookings WHERE organisation_id = $1"
    assert await office.world.value(booked, home.id) == 0
    async with office.services.transaction() as tx:
        await organisations.set_status(tx, home.id, "active", None, Actor("admin", "a test"))
    await office.make_visits()
    assert await office.world.value(booked, home.id) == 2
    # Whoever cancelled and was interrupted: the task goes on, and a second turn finds nothing.
    await office.world.execute("UPDATE bulk_bookings SET status = 'cancelled' WHERE id = $1", UUID(made["id"]))
    task = {"bulk_id": made["id"], "organisation_id": str(home.id), "actor_id": "x", "days": None, "reason": "moved"}
    for _ in range(2):
        run = cast(Run, SimpleNamespace(services=office.services, task=SimpleNamespace(payload=task)))
        await bulk_bookings.cancel_left(run)
    assert await office.world.value(f"{booked} AND status = 'cancelled'", home.id) == 2


async def test_a_visit_in_trouble_keeps_nobody_waiting(office: Office) -> None:
    home, other = await add_organisation(office.services), await add_organisation(office.services)
    today = office.world.now.date()
    soon = {"frequency": "daily", "days": [], "startDate": f"{today + timedelta(days=3)}",
            "endDate": f"{today + timedelta(days=3)}"}  # fmt: skip
    made = await office.book(home, floors=1, schedule=soon)
    await office.book(other, floors=1, schedule=soon)
    # Billed to somebody who knows nothing of it any more.
    await office.world.execute("UPDATE bulk_bookings SET billed_to = $2 WHERE id = $1", UUID(made["id"]), other.id)
    await office.make_visits()
    visits = await office.call("GET", f"/bookings/bulk/{made['id']}/visits", headers=home.headers())
    assert visits["data"]["visits"][0]["trouble"] and visits["data"]["visits"][0]["status"] == "planned"
    assert await office.world.value("SELECT count(*) FROM bookings WHERE organisation_id = $1", other.id) == 1
