"""Services of programs as series of bookings: as often as the program says, at its places, out of its budget."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from tests.api.organisation.conftest import ONE_WEEK, PLACE, Office, taken
from tests.organisations import Home, add_organisation

#: A cleaning with its tax.
EACH = 708
PROGRAM = {
    "programName": "Clean streets", "programType": "community_service", "budget": {"total": 100 * EACH},
    "services": [
        {"service": "street_cleaning", "frequency": "2_times_daily"}, {"service": "wash", "frequency": "weekly"},
        {"service": "opening"},
    ],
    "duration": {"startDate": "2026-01-12", "endDate": "2026-01-25"},
}  # fmt: skip


async def program(office: Office, home: Home, kind: str = "community", **more: Any) -> str:
    body = {**PROGRAM, **more}
    made = await office.call("POST", f"/programs/{kind}", body, headers=home.headers(), expect=201)
    return f"/programs/{made['data']['program']['id']}"


async def place(office: Office, home: Home, path: str, name: str) -> str:
    body = {"name": name, "address": PLACE, "contactPerson": {"name": "Guard"}}
    made = await office.call("POST", f"{path}/places", body, headers=home.headers(), expect=201)
    return str(made["data"]["place"]["id"])


async def book(office: Office, home: Home, path: str, *, expect: int = 201, **more: Any) -> Any:
    body = {"service": "street_cleaning", "serviceId": str(office.cleaning), "times": ["10:00", "16:00"], **more}
    answer = await office.call("POST", f"{path}/bookings", body, headers=home.headers(), expect=expect)
    return answer["data"]["bulkBooking"] if expect == 201 else answer


async def used(office: Office, home: Home, path: str) -> int:
    return int((await office.call("GET", path, headers=home.headers()))["data"]["program"]["stats"]["utilized"])


async def test_visits_are_bookings_of_the_program_and_give_back_what_falls_away(office: Office) -> None:
    home = await add_organisation(office.services, org_type="lgu")
    path = await program(office, home)
    await place(office, home, path, "Square")
    made = await book(office, home, path, startDate="2026-01-13", endDate="2026-01-14")
    await office.make_visits()
    visits = f"/bookings/bulk/{made['id']}/visits"
    found = (await office.call("GET", visits, headers=home.headers()))["data"]["visits"]
    assert [v["status"] for v in found] == ["booked"] * 4
    kept = await office.world.fetch(
        "SELECT program_id, payment_method FROM bookings WHERE id = ANY($1::uuid[])", [v["bookingId"] for v in found]
    )
    assert {(str(row["program_id"]), row["payment_method"]) for row in kept} == {(path.split("/")[-1], "account")}
    stats = (await office.call("GET", path, headers=home.headers()))["data"]["program"]
    assert (stats["stats"]["utilized"], stats["enrolledUsers"], stats["topServices"][0]["bookings"]) == (4 * EACH, 0, 4)
    # No department's budget has anything to do with it.
    overview = (await office.call("GET", "/finance/budget-allocation", headers=home.headers()))["data"]
    assert overview["allocations"] == []
    day = {"dates": ["2026-01-13"]}
    await office.call("POST", f"/bookings/bulk/{made['id']}/exceptions", day, headers=home.headers())
    assert await used(office, home, path) == 2 * EACH
    later = await book(office, home, path, startDate="2026-01-23", endDate="2026-01-24")
    assert await used(office, home, path) == 6 * EACH
    await office.call("POST", f"/bookings/bulk/{later['id']}/cancel", {}, headers=home.headers())
    assert await used(office, home, path) == 2 * EACH


async def test_the_fee_of_a_cancelled_visit_is_the_programs(office: Office) -> None:
    home = await add_organisation(office.services, org_type="lgu")
    path = await program(office, home)
    await place(office, home, path, "Square")
    made = await book(office, home, path, startDate="2026-01-13", endDate="2026-01-13")
    await office.make_visits()
    visits = f"/bookings/bulk/{made['id']}/visits"
    first, _ = (await office.call("GET", visits, headers=home.headers()))["data"]["visits"]
    booking_id = UUID(first["bookingId"])
    await taken(office, booking_id, await office.world.value("SELECT id FROM technicians LIMIT 1"))
    await office.world.advance(minutes=30)
    await office.call("POST", f"/bookings/bulk/{made['id']}/cancel", {}, headers=home.headers())
    fee = (await office.world.booking(booking_id)).cancellation_fee_minor or 0
    assert fee > 0
    stats = (await office.call("GET", path, headers=home.headers()))["data"]["program"]["stats"]
    assert stats["utilized"] == fee / 100


async def test_a_campus_is_served_on_its_days(office: Office) -> None:
    home = await add_organisation(office.services, org_type="school")
    term = {
        "name": "First", "academicYear": "2026", "startDate": "2026-01-12", "endDate": "2026-01-18",
        "holidays": ["2026-01-14"],
    }  # fmt: skip
    await office.call("POST", "/organization/academic-terms", term, headers=home.headers(), expect=201)
    counts = []
    for holidays in ([], ["include"]):
        more = {
            "programType": "campus_services", "duration": {"startDate": "2026-01-10", "endDate": "2026-01-25"},
            "schedule": {"academicYear": "2026", "semesterBased": True, "holidays": holidays},
        }  # fmt: skip
        path = await program(office, home, "campus", **more)
        await place(office, home, path, "Hall")
        counts.append((await book(office, home, path))["schedule"]["occurrences"])
    assert counts == [12, 14]


async def test_what_cannot_be_booked_of_a_program(office: Office) -> None:
    home, other = [await add_organisation(office.services, org_type="lgu") for _ in range(2)]
    path = await program(office, home)
    await place(office, home, path, "Square")
    for field, change in (
        ("service", {"service": "dancing"}), ("times", {"times": ["10:00"]}),
        ("startDate", {"startDate": "2026-01-11"}), ("endDate", {"endDate": "2026-01-26"}),
        ("places", {"places": [str(uuid4())]}),
    ):  # fmt: skip
        refused = await book(office, home, path, expect=422, **change)
        assert set(refused["error"]["details"]) == {field}
    await book(office, other, path, expect=404)
    viewer = home.headers(await home.member("viewer"))
    body = {"service": "wash", "serviceId": str(office.cleaning), "times": ["10:00"]}
    await office.call("POST", f"{path}/bookings", body, headers=viewer, expect=403)
    [shown] = (await office.call("GET", f"{path}/places", headers=home.headers()))["data"]["places"]
    await office.call("DELETE", f"{path}/places/{shown['id']}", headers=other.headers(), expect=404)
    await office.call("DELETE", f"{path}/places/{shown['id']}", headers=home.headers())
    await office.call("DELETE", f"{path}/places/{shown['id']}", headers=home.headers(), expect=404)


async def test_a_series_sent_twice_is_one_and_no_part_of_its_senders_limit(office: Office) -> None:
    home = await add_organisation(office.services, org_type="lgu")
    member = await home.member("admin")
    access = {"permissions": {"monthlyLimit": EACH, "accessLevel": "admin"}}
    await office.call("PUT", f"/users/{member}/access", access, headers=home.headers())
    path = await program(office, home)
    await place(office, home, path, "Square")
    body = {"service": "wash", "serviceId": str(office.cleaning), "times": ["11:00"], "days": ["friday"]}
    sent = {**home.headers(member), "X-Idempotency-Key": str(uuid4())}
    first, second = [
        (await office.call("POST", f"{path}/bookings", body, headers=sent, expect=201))["data"]["bulkBooking"]
        for _ in range(2)
    ]
    assert first["id"] == second["id"] and await used(office, home, path) == 2 * EACH
    await office.book(home, member, floors=1, schedule=ONE_WEEK)
