"""What a local government publishes of a program: sums for anybody, and nobody's rows."""

from __future__ import annotations

from tests.api.organisation.conftest import Office
from tests.api.organisation.test_program_bookings import EACH, book, place, program
from tests.organisations import add_organisation


async def test_what_is_published_of_a_program(office: Office) -> None:
    home = await add_organisation(office.services, org_type="lgu")
    path = await program(office, home)
    for n in range(7):
        await home.member(segment="Barangay 1" if n < 5 else "Barangay 2")
    await place(office, home, path, "Square")
    await book(office, home, path, startDate="2026-01-13", endDate="2026-01-14")
    public = f"/public{path}/report"
    await office.call("GET", public, headers={}, expect=404)
    viewer = home.headers(await home.member("viewer"))
    await office.call("POST", f"{path}/publish", headers=viewer, expect=403)
    await office.call("POST", f"{path}/publish", headers=home.headers())
    report = (await office.call("GET", public, headers={}))["data"]["report"]
    assert report["budget"] == {"total": 100 * EACH, "committed": 4 * EACH, "spent": 0, "currency": "INR"}
    assert (report["program"], report["plannedVisits"], report["byService"]) == ("Clean streets", 4, [])
    assert report["bySegment"] == [{"segment": "Barangay 1", "constituents": 5, "served": 0}]
    await office.make_visits()
    report = (await office.call("GET", public, headers={}))["data"]["report"]
    [work] = report["byService"]
    assert (report["plannedVisits"], work["open"], work["completed"], work["spent"]) == (0, 4, 0, 0)
    await office.call("POST", f"{path}/unpublish", headers=home.headers())
    await office.call("GET", public, headers={}, expect=404)
    school = await add_organisation(office.services, org_type="school")
    theirs = await program(office, school, "campus", programType="campus_services")
    refused = await office.call("POST", f"{theirs}/publish", headers=school.headers(), expect=403)
    assert refused["message"] == "Only local governments publish reports of their programs."
