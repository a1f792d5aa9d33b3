"""What an organisation reads of itself: use, providers, who was not about."""

from __future__ import annotations

from tests.api.organisation.conftest import Portal
from tests.organisations import Home, add_organisation


async def test_usage_by_what_is_asked_for(portal: Portal, firm: Home) -> None:
    found = (await portal.call("GET", "/analytics/usage?period=year", headers=firm.headers()))["data"]
    assert found["overview"]["activeUsers"] == 1
    stars = found["satisfaction"]["distribution"]
    assert stars["4"] == 1 and set(stars) == set("12345")
    assert found["byService"][0]["repeatRate"] > 0 and found["byDepartment"][0]["topService"] == "Office Cleaning"
    people = (await portal.call("GET", "/analytics/usage?groupBy=user", headers=firm.headers()))["data"]
    assert len(people["byUser"]) == 1 and people["byDepartment"] == []
    spots = (await portal.call("GET", "/analytics/usage?groupBy=location", headers=firm.headers()))["data"]
    assert spots["byLocation"][0]["location"] == "5th Floor"
    await portal.call("GET", "/analytics/usage?groupBy=weather", headers=firm.headers(), expect=422)


async def test_providers_with_savings_and_complaints(portal: Portal, firm: Home) -> None:
    found = (await portal.call("GET", "/analytics/providers", headers=firm.headers()))["data"]["providers"]
    assert len(found) == 5 and found[0]["stats"]["completionRate"] == 100
    assert {p["savings"]["totalSaved"] for p in found} == {90}
    async with portal.services.read() as conn:
        booking = await conn.fetchrow("SELECT * FROM bookings WHERE organisation_id = $1 LIMIT 1", firm.id)
    ticket = {"subject": "Late", "category": "service", "description": "x", "bookingId": str(booking["id"])}
    await portal.call("POST", "/support/tickets", ticket, headers=firm.headers(), expect=201)
    found = (await portal.call("GET", "/analytics/providers", headers=firm.headers()))["data"]["providers"]
    issues = {p["providerId"]: p["issues"] for p in found}
    assert issues[str(booking["technician_id"])] == {"complaints": 1, "resolved": 0, "pending": 1}


async def test_the_access_review_names_who_was_not_about(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    idle = await home.member("viewer")
    review = (await portal.call("GET", "/organization/access-review", headers=home.headers()))["data"]
    assert review["users"] == [] and review["days"] == 90
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE members SET last_active_at = app_now() - interval '91 days' WHERE id = $1", idle)
    review = (await portal.call("GET", "/organization/access-review", headers=home.headers()))["data"]
    assert [u["userId"] for u in review["users"]] == [str(idle)]
    await home.sign_in(idle)
    review = (await portal.call("GET", "/organization/access-review", headers=home.headers()))["data"]
    assert review["users"] == []
