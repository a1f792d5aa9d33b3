"""Programs: made by those who may, used within their rules by members who book for themselves."""

from __future__ import annotations

import asyncio
from datetime import date, time, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from dispatch.billing import cancellation
from dispatch.billing.confirm import Confirmed
from dispatch.billing.member_bookings import MayNotBook, ServiceNotAllowed
from dispatch.errors import DispatchError, Invalid, Missing
from dispatch.localtime import local, to_utc
from dispatch.parties import academic_terms, budgets, members, programs
from dispatch.parties.members import Access
from dispatch.parties.programs import (
    CreditUsedUp,
    NewProgram,
    NotEligible,
    ProgramClosed,
    ProgramRule,
    ProgramUsedUp,
)
from storage.database.listing import Wanted
from storage.programs import Program
from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation, books
from tests.providers import add_provider
from tests.world import World

BENEFIT = {
    "programType": "employee_benefit", "name": "Home Services Benefit", "description": "For everybody",
    "eligibility": {"departments": ["all"], "employmentStatus": ["regular"], "minimumTenure": 3},
    "benefits": {"type": "credit", "amount": 5000, "currency": "INR", "frequency": "annual", "rollover": False},
    "allowedServices": ["cleaning"],
    "restrictions": {"maxBookingsPerMonth": 2, "advanceBookingDays": 3, "cancellationPolicy": "24_hours"},
    "validity": {"startDate": "2026-01-01", "endDate": "2026-12-31"},
}  # fmt: skip
COMMUNITY = {
    "programName": "Clean streets", "programType": "community_service",
    "coverage": {"barangays": ["Barangay 1"]}, "budget": {"total": 5000000},
    "services": [{"service": "street_cleaning", "frequency": "daily", "areas": ["main_roads"]}],
    "duration": {"startDate": "2026-01-01", "endDate": "2026-12-31"},
}  # fmt: skip
CAMPUS = {
    "programName": "Campus", "programType": "campus_services",
    "services": [{"service": "restroom_maintenance", "frequency": "4_times_daily", "locations": ["all_buildings"]}],
    "studentBenefits": {"enabled": True, "allowedServices": ["tutoring"], "creditPerSemester": 1000},
}  # fmt: skip
EMERGENCY = {
    "programName": "Disasters", "programType": "emergency_response", "services": ["debris_removal"],
    "activationProtocol": {
        "triggerEvents": ["typhoon"], "responseLevels": ["alert1"], "authorities": ["mayor"],
    },
}  # fmt: skip


async def test_a_benefit_counts_whom_it_is_for(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    today = portal.services.clock.now().date()
    for status, days in (("regular", 200), ("Regular", 200), ("regular", 10), ("contract", 200), (None, 200)):
        await home.member(employment_status=status, hired_on=today - timedelta(days=days))
    made = await portal.call("POST", "/programs", BENEFIT, headers=home.headers(), expect=201)
    program = made["data"]["program"]
    assert (program["status"], program["eligibleUsers"], program["totalBudget"]) == ("active", 2, 10000)
    assert (program["type"], program["startDate"], program["endDate"]) == (
        "employee_benefit",
        "2026-01-01",
        "2026-12-31",
    )
    [listed] = (await portal.call("GET", "/programs", headers=home.headers()))["data"]["programs"]
    assert listed["stats"] == {"totalBudget": 10000, "utilized": 0, "remaining": 10000, "utilization": 0}
    assert (listed["enrolledUsers"], listed["topServices"]) == (0, [])
    stranger = await add_organisation(portal.services)
    await portal.call("GET", f"/programs/{program['id']}", headers=stranger.headers(), expect=404)


async def test_each_kind_is_for_its_organisations(portal: Portal) -> None:
    homes = {kind: await add_organisation(portal.services, org_type=kind) for kind in ("business", "lgu", "school")}
    for path, body, whose in (
        ("community", COMMUNITY, "lgu"),
        ("campus", CAMPUS, "school"),
        ("emergency", EMERGENCY, "lgu"),
    ):
        for kind, home in homes.items():
            answer = await portal.call(
                "POST", f"/programs/{path}", body, headers=home.headers(), expect=201 if kind == whose else 403
            )
            if kind != whose:
                assert answer["error"]["code"] == "PROGRAM_NOT_ALLOWED"
    storms = (await portal.call("GET", "/programs?type=emergency_response", headers=homes["lgu"].headers()))["data"]
    [storm] = storms["programs"]
    assert storm["status"] == "inactive"
    path = f"/programs/{storm['id']}"
    right = {"event": "typhoon", "level": "alert1", "authority": "mayor"}
    for wrong, status in (
        ({**right, "authority": "clerk"}, 403), ({**right, "event": "party"}, 422), ({**right, "level": "x"}, 422),
    ):  # fmt: skip
        await portal.call("POST", f"{path}/activate", wrong, headers=homes["lgu"].headers(), expect=status)
    opened = await portal.call("POST", f"{path}/activate", right, headers=homes["lgu"].headers())
    assert opened["data"]["program"]["status"] == "active"
    assert opened["data"]["program"]["activation"]["event"] == "typhoon"
    closed = await portal.call("POST", f"{path}/deactivate", {"authority": "mayor"}, headers=homes["lgu"].headers())
    assert closed["data"]["program"]["status"] == "inactive"


async def test_a_campus_goes_by_its_terms(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    schedule = {"academicYear": "2030-2031", "semesterBased": True, "holidays": ["include"]}

    async def made(**more: Any) -> dict[str, Any]:
        body = {**CAMPUS, "schedule": schedule, **more}
        answer = await portal.call("POST", "/programs/campus", body, headers=school.headers(), expect=201)
        return dict(answer["data"]["program"])

    # While no terms are told it lasts a year.
    before = await made()
    days = date.fromisoformat(before["endDate"]) - date.fromisoformat(before["startDate"])
    assert days == timedelta(days=365) and before["details"]["schedule"] == schedule
    for name, start, end in (("Spring", "2031-01-10", "2031-05-30"), ("Autumn", "2030-08-12", "2030-12-20")):
        term = {"name": name, "academicYear": "2030-2031", "startDate": start, "endDate": end}
        await portal.call("POST", "/organization/academic-terms", term, headers=school.headers(), expect=201)
    after = await made()
    assert (after["startDate"], after["endDate"]) == ("2030-08-12", "2031-05-30")
    fixed = await made(duration={"startDate": "2030-09-01", "endDate": "2030-10-01"})
    assert (fixed["startDate"], fixed["endDate"]) == ("2030-09-01", "2030-10-01")


async def test_a_campus_gives_credit_to_those_whom_it_names(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    for segment in ("Freshman", "freshman", "Senior", None):
        await school.member(segment=segment)
    for eligibility, eligible in ((["all_students"], 5), (["freshman"], 2), (["Freshman", "senior"], 3)):
        benefits = {**CAMPUS["studentBenefits"], "eligibility": eligibility}  # type: ignore[dict-item]
        body = {**CAMPUS, "studentBenefits": benefits}
        made = await portal.call("POST", "/programs/campus", body, headers=school.headers(), expect=201)
        program = made["data"]["program"]
        assert (program["eligibleUsers"], program["totalBudget"]) == (eligible, 1000 * eligible)


async def test_what_cannot_be_a_program(portal: Portal) -> None:
    other = await add_organisation(portal.services)
    foreign = await other.department("Theirs")
    cases: list[tuple[int, str, dict[str, Any]]] = [
        (422, "validity.endDate", {"validity": {"startDate": "2026-02-01", "endDate": "2026-01-01"}}),
        (422, "benefits.amount", {"benefits": {"amount": -1}}),
        (422, "benefits.currency", {"benefits": {"amount": 1, "currency": "USD"}}),
        (422, "programType", {"programType": "holiday"}),
        (404, "", {"eligibility": {"departments": [str(foreign.id)]}}),
    ]
    for status, field, change in cases:
        refused = await portal.call("POST", "/programs", {**BENEFIT, **change}, expect=status)
        assert not field or field in refused["error"]["details"], (change, refused)
    viewer = portal.home.headers(await portal.home.member("viewer"))
    await portal.call("POST", "/programs", BENEFIT, headers=viewer, expect=403)
    assert (await portal.call("GET", "/programs"))["data"]["programs"] == []


# ---------------------------------------------------------------- members book


async def test_members_book_within_their_limits_and_budgets(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    department = await home.department("Sales", code="SAL")
    member = await home.member(department_id=department.id)
    account_id = await home.account_of(member)
    made = await books(world, home, account_id)
    booking = await world.booking(made.id)
    # 1,600 and the tax of 18 % on it.
    assert (booking.payment_method, booking.organisation_id, booking.grand_total_minor) == ("account", home.id, 188_800)
    month = budgets.month_of(booking.local_date)
    async with world.services.read() as conn:
        standing = await budgets.standing(conn, home.id, month)
    assert standing[department.id].reserved_minor == standing[None].reserved_minor == 188_800
    async with world.services.transaction() as tx:
        await cancellation.cancel(tx, made.id, account_id, "changed my mind")
    async with world.services.read() as conn:
        assert (await budgets.standing(conn, home.id, month))[department.id].reserved_minor == 0

    async def refused(error: type[DispatchError], **access: Any) -> None:
        values = {
            "access_level": "standard", "department_id": department.id, "can_book": True, "require_approval": False,
            "monthly_limit_minor": None, "allowed_services": (), **access,
        }  # fmt: skip
        async with world.services.transaction() as tx:
            await members.set_access(tx, home.by, member, Access(**values))
        with pytest.raises(error):
            await books(world, home, account_id)

    await refused(MayNotBook, can_book=False)
    await refused(ServiceNotAllowed, allowed_services=("plumbing",))
    with pytest.raises(Missing):
        await books(world, home, await world.customer())
    assert await world.value("SELECT count(*) FROM bookings WHERE status <> 'cancelled'") == 0


async def test_a_programs_credit_is_never_passed_and_comes_back(world: World) -> None:
    for km in (1, 2, 3):
        await world.technician(km_north=km)
    home = await add_organisation(world.services)
    account_id = await home.account_of(await home.member())
    today = world.now.date()
    new = NewProgram(
        "employee_benefit", "Benefit", today, today + timedelta(days=300), credit_minor=2 * 188_800,
        frequency="monthly",
        allowed_services=("Facial",), advance_days=2,
    )  # fmt: skip
    async with world.services.transaction() as tx:
        program = await programs.create(tx, home.by, new)
    found = await asyncio.gather(
        *(books(world, home, account_id, hour=hour, program=program.id) for hour in (11, 13, 15)),
        return_exceptions=True,
    )
    made = [one for one in found if isinstance(one, Confirmed)]
    assert len(made) == 2 and sum(isinstance(one, CreditUsedUp) for one in found) == 1, found
    async with world.services.read() as conn:
        stats, tops = (await programs.stats(conn, [program.id]))[program.id]
    assert (stats.enrolled, stats.used_minor, tops[0].bookings) == (1, 2 * 188_800, 2)
    async with world.services.transaction() as tx:
        await cancellation.cancel(tx, made[0].id, account_id, None)
    assert (await books(world, home, account_id, hour=17, program=program.id)).status
    with pytest.raises(ProgramRule, match="2 days ahead"):
        await books(world, home, account_id, days=1, program=program.id)
    async with world.services.transaction() as tx:
        closed = await programs.create(
            tx, home.by, NewProgram("wellness_program", "Later", today, today, is_active=False)
        )
        strict = await programs.create(
            tx, home.by, NewProgram("employee_benefit", "Old", today, today + timedelta(days=90), tenure_months=12)
        )
    with pytest.raises(ProgramClosed):
        await books(world, home, account_id, program=closed.id)
    with pytest.raises(NotEligible):
        await books(world, home, account_id, program=strict.id)
    with pytest.raises(Missing):
        await books(world, home, account_id, program=uuid4())


async def test_the_credit_of_a_school_is_of_each_term(world: World) -> None:
    for km in (1, 2, 3):
        await world.technician(km_north=km)
    home = await add_organisation(world.services, org_type="school")
    account_id = await home.account_of(await home.member())
    today = world.now.date()
    async with world.services.transaction() as tx:
        for name, first, last in (("One", 0, 3), ("Two", 5, 9)):
            days = [today + timedelta(days=n) for n in (first, last)]
            await academic_terms.add(tx, home.id, name, "This year", *days, [])
        program = await programs.create(tx, home.by, NewProgram(
            "student_services", "Rooms", credit_minor=188_800, frequency="semester", academic_year="this year"
        ))  # fmt: skip
    assert (program.starts_on, program.ends_on) == (today, today + timedelta(days=9))
    for day in (3, 5):
        await books(world, home, account_id, days=day, program=program.id)
        with pytest.raises(CreditUsedUp):
            await books(world, home, account_id, days=day, hour=14, program=program.id)
    with pytest.raises(ProgramClosed, match="terms"):
        await books(world, home, account_id, days=4, program=program.id)


async def test_an_emergency_opens_its_providers_at_once(world: World) -> None:
    home, crew, others = await add_organisation(world.services, org_type="lgu"), *[
        await add_provider(world.services) for _ in range(2)
    ]  # fmt: skip
    await world.technician(km_north=1)
    far = await world.technician(km_north=9, provider_id=crew.id)
    account_id = await home.account_of(await home.member())
    details = {
        "activationProtocol": {"triggerEvents": ["flood"], "responseLevels": ["alert1"], "authorities": ["mayor"]},
        "providers": {"preApproved": [str(crew.id)], "autoActivate": True},
    }  # fmt: skip
    new = NewProgram("emergency_response", "Floods", details=details, is_active=False)
    async with world.services.transaction() as tx:
        program = await programs.create(tx, home.by, new)
        with pytest.raises(Missing):
            unknown = {**details, "providers": {"preApproved": [str(uuid4())]}}
            await programs.create(tx, home.by, NewProgram("emergency_response", "X", details=unknown))
    # Before it is activated it is closed, and nobody comes without lead time.
    soon = {"days": 0, "hour": local(world.now, "Asia/Kolkata").hour, "minute": 30}
    with pytest.raises(Invalid, match="too soon"):
        await books(world, home, account_id, **soon)
    with pytest.raises(ProgramClosed):
        await books(world, home, account_id, program=program.id)

    async def activate(**more: Any) -> Program:
        async with world.services.transaction() as tx:
            return await programs.activate(tx, home.by, program.id, "flood", "alert1", "mayor", **more)

    with pytest.raises(Invalid):
        await activate(providers=[others.id])
    assert (await activate(providers=[])).activation["providers"] == []  # type: ignore[index]
    assert (await activate()).activation["providers"] == [str(crew.id)]  # type: ignore[index]
    made = await books(world, home, account_id, program=program.id, **soon)
    # Farther away than somebody who is free, but of the crew.
    assert (await world.open_offer(made.id))["technician_id"] == far
    told = "SELECT recipient FROM outbox WHERE template = 'emergency_opened'"
    assert await world.value(told) == crew.email
    async with world.services.transaction() as tx:
        await programs.deactivate(tx, home.by, program.id, "mayor")
    with pytest.raises(Invalid, match="too soon"):
        await books(world, home, account_id, program=program.id, **soon)


async def test_a_program_ends_with_the_day_of_its_place(world: World) -> None:
    home = await add_organisation(world.services)
    today = local(world.now, "Asia/Kolkata").date()
    async with world.services.transaction() as tx:
        program = await programs.create(tx, home.by, NewProgram("wellness_program", "Health", today, today))
    assert program.status == "active"
    after = to_utc(today + timedelta(days=1), time(0, 30), "Asia/Kolkata")
    assert after.date() == today, "by UTC it is the same day still"
    await world.advance(seconds=(after - world.now).total_seconds())
    async with world.services.read() as conn:
        assert (await programs.get(conn, home.id, program.id)).status == "ended"
        found = await programs.page(conn, home.id, Wanted(filters={"status": ["ended"]}))
    assert [one.id for one in found.rows] == [program.id]


async def test_a_programs_budget_holds_and_a_late_cancellation_costs_the_credit(world: World) -> None:
    for km in (1, 2):
        await world.technician(km_north=km)
    home = await add_organisation(world.services)
    account_id = await home.account_of(await home.member())
    today = world.now.date()
    new = NewProgram(
        "wellness_program", "Health", today, today + timedelta(days=90), budget_minor=188_800, cancel_hours=24
    )
    async with world.services.transaction() as tx:
        program = await programs.create(tx, home.by, new)
    made = await books(world, home, account_id, program=program.id)
    with pytest.raises(ProgramUsedUp):
        await books(world, home, account_id, hour=13, program=program.id)
    async with world.services.transaction() as tx:
        await cancellation.cancel(tx, made.id, account_id, None)
    again = await books(world, home, account_id, hour=15, program=program.id)
    booking = await world.booking(again.id)
    await world.advance(seconds=(booking.starts_at - world.now).total_seconds() - 3600)
    async with world.services.transaction() as tx:
        await cancellation.cancel(tx, again.id, account_id, "too late")
    async with world.services.read() as conn:
        stats, _ = (await programs.stats(conn, [program.id]))[program.id]
    assert stats.used_minor == 188_800


@pytest.mark.parametrize(
    ("frequency", "rollover", "day", "today", "enrolled", "expected"),
    [
        ("monthly", False, "2026-03-20", "2026-03-01", "2026-01-01", ("2026-03-15", 1)),
        # What rolls over is one credit that grows with each period that has begun.
        ("monthly", True, "2026-03-20", "2026-03-01", "2026-01-01", ("2026-01-15", 2)),
        ("monthly", True, "2026-03-20", "2026-03-16", "2026-01-01", ("2026-01-15", 3)),
        ("monthly", True, "2026-03-20", "2026-03-16", "2026-02-20", ("2026-01-15", 2)),
        ("quarterly", True, "2026-12-31", "2026-12-31", "2026-01-20", ("2026-01-15", 4)),
        ("once", True, "2026-12-31", "2026-12-31", "2026-01-20", ("2026-01-15", 1)),
    ],
)
def test_credit_rolls_over_once(
    frequency: str, rollover: bool, day: str, today: str, enrolled: str, expected: tuple[str, int]
) -> None:
    program = cast(
        Program,
        SimpleNamespace(
            frequency=frequency, rollover=rollover, starts_on=date(2026, 1, 15), ends_on=date(2026, 12, 31)
        ),
    )
    period, periods = programs.credit_of(program, *(date.fromisoformat(d) for d in (day, today, enrolled)))
    assert (period.isoformat(), periods) == expected


async def test_a_program_is_closed_and_opened_again(world: World) -> None:
    await world.technician()
    home = await add_organisation(world.services)
    account_id, day = await home.account_of(await home.member()), world.now.date()
    async with world.services.transaction() as tx:
        last = day + timedelta(days=90)
        new = NewProgram("employee_benefit", "Benefit", day, last, credit_minor=10**7, frequency="once")
        program = await programs.create(tx, home.by, new)
    made = await books(world, home, account_id, program=program.id)

    async def put(status: str) -> None:
        async with world.services.transaction() as tx:
            assert (await programs.set_status(tx, home.by, program.id, status)).status == status

    await put("inactive")
    await put("inactive")
    with pytest.raises(ProgramClosed):
        await books(world, home, account_id, hour=15, program=program.id)
    assert (await world.booking(made.id)).status != "cancelled"
    await put("active")
    assert (await books(world, home, account_id, hour=15, program=program.id)).status
    said = "SELECT action FROM audit_log WHERE resource_id = $1 ORDER BY id"
    assert [row["action"] for row in await world.fetch(said, str(program.id))] == [
        "program.create", "program.status", "program.status",
    ]  # fmt: skip
    async with world.services.transaction() as tx:
        over = "UPDATE programs SET starts_on = $2, ends_on = $2 WHERE id = $1"
        await tx.conn.execute(over, program.id, day - timedelta(days=2))
        with pytest.raises(ProgramClosed):
            await programs.set_status(tx, home.by, program.id, "active")


async def test_who_may_close_a_program(portal: Portal) -> None:
    body = {
        "programType": "employee_benefit", "name": "Benefit", "benefits": {"amount": 50000},
        "validity": {"startDate": "2026-01-01", "endDate": "2099-12-31"},
    }  # fmt: skip
    home = await add_organisation(portal.services, org_type="lgu")
    whose = home.headers()
    made = (await portal.call("POST", "/programs", body, headers=whose, expect=201))["data"]["program"]
    path = f"/programs/{made['id']}/status"
    closed = await portal.call("PUT", path, {"status": "inactive"}, headers=whose)
    assert (closed["message"], closed["data"]["program"]["status"]) == ("Program closed", "inactive")
    await portal.call("PUT", path, {"status": "ended"}, headers=whose, expect=422)
    stranger = await add_organisation(portal.services)
    await portal.call("PUT", path, {"status": "active"}, headers=stranger.headers(), expect=404)
    viewer = home.headers(await home.member("viewer"))
    await portal.call("PUT", path, {"status": "active"}, headers=viewer, expect=403)
    storms = {
        "programName": "Storms", "programType": "emergency_response", "services": ["cleaning"],
        "activationProtocol": {"triggerEvents": ["typhoon"], "responseLevels": ["alert1"], "authorities": ["mayor"]},
    }  # fmt: skip
    made = (await portal.call("POST", "/programs/emergency", storms, headers=whose, expect=201))["data"]["program"]
    path = f"/programs/{made['id']}/status"
    refused = await portal.call("PUT", path, {"status": "active"}, headers=whose, expect=409)
    assert refused["error"]["code"] == "BY_AUTHORITY"
