"""The life of a series: by the terms of a school, rejected, paused, resumed, cancelled."""

from __future__ import annotations

import asyncio
from datetime import date

from dispatch.parties import departments, organisations
from dispatch.parties.departments import DepartmentIn
from tests.api.organisation.conftest import Office
from tests.organisations import add_organisation
from tests.turns import until_waiting


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


async def test_a_department_is_not_closed_while_it_pays_for_a_series(office: Office) -> None:
    home = await add_organisation(office.services)
    place = await home.department("Sales")
    made = await office.book(home, billing={"department": str(place.id)}, floors=1)
    path, whose = f"/organization/departments/{place.id}", home.headers()
    refused = await office.call("DELETE", path, headers=whose, expect=409)
    assert refused["error"]["code"] == "DEPARTMENT_IN_USE"
    assert refused["message"] == "This department still pays for bookings to come: cancel their series first."
    await office.call("POST", f"/bookings/bulk/{made['id']}/cancel", {}, headers=whose)
    await office.call("DELETE", path, headers=whose)


async def test_nothing_is_asked_for_out_of_what_is_closed_meanwhile(office: Office) -> None:
    home = await add_organisation(office.services)
    place = await home.department("Sales")
    async with office.services.transaction() as tx:
        await departments.delete(tx, home.id, place.id)
        booking = asyncio.create_task(
            office.book(home, billing={"department": str(place.id)}, floors=1, expect=404)
        )
        await until_waiting(office.services, booking)
    assert (await booking)["message"] == "There is no such department."


async def test_a_series_is_asked_for_while_its_department_is_changed(office: Office) -> None:
    """Neither waits for what the other holds and for what it will need."""
    home = await add_organisation(office.services)
    place = await home.department("Sales")
    async with office.services.transaction() as tx:
        await organisations.lock(tx, home.id)
        booking = asyncio.create_task(office.book(home, billing={"department": str(place.id)}, floors=1))
        await until_waiting(office.services, booking)
        new = DepartmentIn("Selling", "SALES")
        await departments.change(tx, home.id, place.id, new, today=tx.now.date(), set_by="a test")
    assert (await booking)["department"] == str(place.id)
