"""Bulk bookings over HTTP: counted, priced, agreed to, listed; and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from dispatch.localtime import local
from tests.api.organisation.conftest import Office
from tests.organisations import add_organisation


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


async def test_the_first_visit_is_ahead_by_the_lead_time(office: Office) -> None:
    home = await add_organisation(office.services)
    now = local(office.world.now, "Asia/Kolkata")
    for minutes, expect in ((-30, 422), (30, 422), (90, 201)):
        at = now + timedelta(minutes=minutes)
        once = {"type": "one_time", "frequency": None, "days": [], "startDate": f"{at:%Y-%m-%d}", "endDate": None}
        wish = {"bookingType": "one_time", "schedule": {**once, "time": f"{at:%H:%M}"}}
        answer = await office.book(home, floors=1, expect=expect, **wish)
        if expect == 422:
            assert set(answer["error"]["details"]) == {"schedule.time"}
