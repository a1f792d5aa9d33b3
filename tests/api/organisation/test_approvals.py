"""Approvals of members' own bookings in the portal: who is asked, who may decide, whose they are."""

from __future__ import annotations

from datetime import timedelta

from tests.api.organisation.conftest import Office
from tests.organisations import add_organisation, books


async def test_members_own_bookings_are_approved_in_the_portal(office: Office) -> None:
    home = await add_organisation(office.services)
    member = await home.member()
    access = {"permissions": {"canBook": True, "requireApproval": True}}
    await office.call("PUT", f"/users/{member}/access", access, headers=home.headers())
    made = [await books(office.world, home, await home.account_of(member), hour=hour, service=office.cleaning)
            for hour in (11, 15)]  # fmt: skip
    listed = await office.call("GET", "/bookings?status=pending_approval", headers=home.headers())
    assert {b["id"] for b in listed["data"]["bookings"]} == {str(one.id) for one in made}
    path = f"/bookings/{made[0].id}"
    shown = (await office.call("GET", f"{path}/approval", headers=home.headers()))["data"]["booking"]
    assert shown["approvalStatus"] == {
        "required": True, "pending": [str(home.owner_id)], "approved": [], "rejected": []
    }  # fmt: skip
    viewer = home.headers(await home.member("viewer"))
    await office.call("POST", f"{path}/approve", {}, headers=viewer, expect=403)
    stranger = (await add_organisation(office.services)).headers()
    for method, tail in (("GET", "approval"), ("POST", "approve"), ("POST", "reject")):
        await office.call(method, f"{path}/{tail}", {}, headers=stranger, expect=404)
    agreed = await office.call("POST", f"{path}/approve", {}, headers=home.headers())
    assert agreed["data"]["booking"]["status"] == "pending"
    again = await office.call("POST", f"{path}/reject", {}, headers=home.headers(), expect=409)
    assert again["error"]["code"] == "WRONG_STATE"
    refused = await office.call("POST", f"/bookings/{made[1].id}/reject", {"reason": "No"}, headers=home.headers())
    assert refused["data"]["booking"]["status"] == "cancelled"


async def test_what_somebody_has_booked_who_is_gone_is_called_off_in_the_portal(office: Office) -> None:
    home = await add_organisation(office.services)
    place = await home.department("Sales")
    member = await home.member(department_id=place.id)
    made = await books(office.world, home, await home.account_of(member), hour=13, service=office.cleaning)
    month = office.world.now.date() + timedelta(days=4)
    assert (await office.standing(home, place.id, month))[0] > 0
    await office.call("DELETE", f"/users/{member}", headers=home.headers())
    path, why = f"/bookings/{made.id}/cancel", {"reason": "They have left us"}
    stranger = (await add_organisation(office.services)).headers()
    await office.call("POST", path, why, headers=stranger, expect=404)
    other = await home.department("Others")
    manager = home.headers(await home.member("manager", department_id=other.id))
    assert (await office.call("POST", path, why, headers=manager, expect=403))["error"]["code"] == "OUT_OF_REACH"
    await office.call("POST", path, why, headers=home.headers(await home.member("viewer")), expect=403)
    done = await office.call("POST", path, why, headers=home.headers())
    assert done["data"]["booking"]["status"] == "cancelled"
    assert await office.standing(home, place.id, month) == (0, 0)
    assert (await office.call("POST", path, why, headers=home.headers(), expect=409))["error"]["code"] == "WRONG_STATE"


async def test_whoever_is_asked_finds_it_whatever_department_it_is_of(office: Office) -> None:
    home = await add_organisation(office.services)
    other = await home.department("Others")
    chief, beside = [await home.member("manager", department_id=other.id) for _ in range(2)]
    mine = await home.department("Sales", approval_required=True, approvers=(chief,))
    member = await home.member(department_id=mine.id)
    single = await books(office.world, home, await home.account_of(member), hour=17, service=office.cleaning)
    day = office.world.now.date() + timedelta(days=5)
    once = {"frequency": "monthly", "days": [], "startDate": f"{day}", "endDate": f"{day}"}
    bulk = await office.book(home, floors=1, schedule=once, billing={"department": str(mine.id)})
    waiting = "/bookings?status=pending_approval"
    for who, found in ((chief, {(str(single.id), None), (None, bulk["id"])}), (beside, set())):
        lines = (await office.call("GET", waiting, headers=home.headers(who)))["data"]["bookings"]
        assert {(None if b["bulkBookingId"] else b["id"], b["bulkBookingId"]) for b in lines} == found
