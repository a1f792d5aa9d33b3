"""Technicians: taken on, shown without what must not be shown, changed, verified, let go."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest

from dispatch.engine import files
from dispatch.events import SYSTEM
from tests.api.admin.counter import Counter, own_counter
from tests.files import PDF

__all__ = ["own_counter"]


@pytest.fixture
def counter(own_counter: Counter) -> Counter:
    return own_counter


HOURS = {"start": "08:00", "end": "20:00", "days": [1, 2, 3, 4, 5, 6, 7]}
_phones = iter(range(10_000, 99_999))


def priya(**changes: Any) -> dict[str, Any]:
    """The contract's own example, with a phone of its own."""
    body = {
        "name": "Priya Sharma", "phone_number": f"+9198765{next(_phones)}", "email": "priya@example.com",
        "pan_number": "ABCDE1234F", "bank_account_number": "1234567890", "ifsc_code": "SBIN0001234",
        "bank_name": "State Bank of India", "address": "123 Partner St, Kolkata",
        "service_categories": ["Facial", "Waxing"], "service_tiers": ["Minimal", "Exclusive"],
        "working_hours": HOURS, "service_radius_km": 10, **changes,
    }  # fmt: skip
    return {name: value for name, value in body.items() if value is not None}


async def test_the_contracts_example_is_taken_on_and_keeps_no_secret(counter: Counter) -> None:
    made = await counter.ask("POST", "/partners", priya(aadhar_number="123456789012"), expect=201)
    partner = made["partner"]
    assert made["partner_code"] == partner["partner_code"] and partner["partner_code"].startswith("PT-")
    assert (partner["aadhar_number"], partner["aadhar_verified"]) == ("XXXXXXXX9012", False)
    assert (partner["pan_number"], partner["bank_account_number"]) == ("XXXXXX234F", "XXXXXX7890")
    assert partner["onboarding_status"] == "pending" and "check digit" in partner["warnings"][0]
    value = counter.world.value
    kept = await value("SELECT to_jsonb(t)::text FROM technicians t WHERE id = $1", partner["id"])
    account = await value("SELECT to_jsonb(b)::text FROM bank_accounts b WHERE party_id = $1", partner["id"])
    audit = str(await counter.audited("create_technician"))
    for secret in ("123456789012", "ABCDE1234F", "1234567890"):
        assert secret not in kept and secret not in account and secret not in audit
    detail = await counter.ask("GET", f"/partners/{partner['id']}")
    assert detail.keys() == {"partner", "earnings", "bookings", "performance"}
    assert detail["bookings"] == {"total": 0, "completed": 0, "cancelled": 0}
    second = await counter.ask("POST", "/partners", priya(), expect=201)
    assert int(second["partner_code"][3:]) == int(made["partner_code"][3:]) + 1 and second["partner"]["warnings"] == []
    taken = await counter.ask("POST", "/partners", priya(aadhar_number="1234 5678 9012"), expect=409)
    assert taken["error"]["code"] == "AADHAAR_TAKEN"
    taken = await counter.ask("POST", "/partners", priya(phone_number=partner["phone_number"]), expect=409)
    assert taken["error"]["code"] == "PHONE_TAKEN"


@pytest.mark.parametrize(("changes", "field"), [
    ({"aadhar_number": "12345"}, "aadhar_number"), ({"pan_number": "12345ABCDE"}, "pan_number"),
    ({"name": None}, "name"), ({"service_categories": []}, "service_categories"),
    ({"phone_number": "x"}, "phone_number"),
    ({"working_hours": {**HOURS, "days": [8]}}, "working_hours.days.0"), ({"zone_id": str(uuid4())}, "zone_id"),
    ({"working_hours": {**HOURS, "end": "08:00"}}, "working_hours.end"),
    ({"service_radius_km": -1}, "service_radius_km"),
    ({"bank_account_number": None}, "bank_account_number"), ({"email": "nobody"}, "email"), ({"age": 3}, "age"),
    ({"base_lat": 22.5}, "base_lat"), ({"verification_documents": {"pan": str(uuid4())}}, "verification_documents.pan"),
])  # fmt: skip
async def test_bad_input_is_named_and_changes_nothing(counter: Counter, changes: dict[str, Any], field: str) -> None:
    before = await counter.world.value("SELECT count(*) FROM parties")
    refused = await counter.ask("POST", "/partners", priya(**changes), expect=422)
    assert field in refused["error"]["details"], refused
    assert await counter.world.value("SELECT count(*) FROM parties") == before


async def test_a_technician_is_verified_told_and_may_be_rejected(counter: Counter) -> None:
    made = await counter.ask("POST", "/partners", priya(aadhar_number="999941057058"), expect=201)
    path = f"/partners/{made['partner']['id']}"
    verdict = {"onboarding_status": "verified", "notes": "All documents verified"}
    partner = (await counter.ask("POST", f"{path}/verify", verdict))["partner"]
    assert (partner["onboarding_status"], partner["aadhar_verified"], partner["warnings"]) == ("verified", True, [])
    assert partner["verification_notes"] == "All documents verified" and partner["verified_by"].startswith("admin:")
    told = await counter.world.value(
        "SELECT body FROM outbox WHERE recipient = $1 ORDER BY id DESC LIMIT 1", partner["phone_number"]
    )
    assert "verified" in told
    await counter.ask("POST", f"{path}/verify", verdict, expect=409)
    await counter.ask("POST", f"{path}/verify", {"onboarding_status": "pending"}, expect=422)
    await counter.ask("POST", f"/partners/{uuid4()}/verify", verdict, expect=404)
    async with counter.world.services.transaction() as tx:
        await counter.world.services.sessions.open(tx, "technician", partner["id"], ip=None, user_agent=None)
    await counter.ask("POST", f"{path}/verify", {"onboarding_status": "rejected"})
    alive = "SELECT count(*) FROM sessions WHERE subject_id = $1 AND revoked_at IS NULL"
    assert await counter.world.value(alive, partner["id"]) == 0
    assert (await counter.audited("reject_technician"))["onboarding_status"] == {"old": "verified", "new": "rejected"}


async def test_who_is_no_longer_active_loses_offers_and_jobs_to_others(counter: Counter) -> None:
    world = counter.world
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh()
    who = await world.technician(km_north=0.1)
    job = await world.book(hours=1.5)
    await world.accept(job.id, who)
    offered = await world.book(hours=5, dispatch=False)
    await counter.ask("POST", f"/bookings/{offered.id}/assign-partner", {"partner_id": str(who)})
    changed = await counter.ask("PATCH", f"/partners/{who}", {"is_active": False})
    assert changed["partner"]["is_active"] is False
    assert (await world.booking(job.id)).technician_id is None
    assert await world.open_offer(offered.id) is None
    listed = await counter.ask("GET", "/partners?status=inactive")
    assert [p["id"] for p in listed["partners"]] == [str(who)]


async def test_who_is_taken_on_inactive_is_inactive(counter: Counter) -> None:
    made = await counter.ask("POST", "/partners", priya(is_active=False), expect=201)
    path = f"/partners/{made['partner']['id']}"
    assert made["partner"]["is_active"] is False
    verified = await counter.ask("POST", f"{path}/verify", {"onboarding_status": "verified"})
    assert verified["partner"]["is_active"] is False
    listed = await counter.ask("GET", "/partners?status=inactive")
    assert made["partner"]["id"] in [p["id"] for p in listed["partners"]]


async def test_fields_are_changed_by_put_and_patch_and_the_phone_hears_of_a_new_account(counter: Counter) -> None:
    made = await counter.ask("POST", "/partners", priya(), expect=201)
    path, phone = f"/partners/{made['partner']['id']}", made["partner"]["phone_number"]
    body = {"name": "Priya S.", "is_active": True, "service_categories": ["Facial", "Waxing", "Hair"]}
    changed = (await counter.ask("PUT", path, body))["partner"]
    assert (changed["name"], changed["service_categories"]) == ("Priya S.", body["service_categories"])
    assert changed["email"] == "priya@example.com" and changed["pan_number"] == "XXXXXX234F"
    assert (await counter.audited("update_technician"))["name"] == {"old": "Priya Sharma", "new": "Priya S."}
    await counter.ask("PATCH", path, {"bank_account_number": "5555 666677"})
    assert "6677" in await counter.world.value(
        "SELECT body FROM outbox WHERE recipient = $1 ORDER BY id DESC LIMIT 1", phone
    )
    await counter.ask("PATCH", path, {"ifsc_code": "SBIN0001234"}, expect=422)
    await counter.ask("PUT", f"/partners/{uuid4()}", body, expect=404)
    paper = await files.add(counter.world.services, "document", files.HOUSE, "pan.pdf", BytesIO(PDF), SYSTEM)
    shown = (await counter.ask("PATCH", path, {"verification_documents": {"pan": str(paper.id)}}))["partner"]
    assert shown["verification_documents"]["pan"].endswith(f"{paper.id}/content")
    other = await counter.ask("POST", "/partners", priya(), expect=201)
    await counter.ask(
        "PATCH", f"/partners/{other['partner']['id']}", {"verification_documents": {"pan": str(paper.id)}}, expect=422
    )


async def test_staff_set_presence_hours_and_days_off(counter: Counter) -> None:
    who = await counter.world.technician()
    path = f"/partners/{who}"
    body = {"is_available": False, "working_hours": {"start": "10:00", "end": "16:00", "days": [1, 2]}}
    partner = (await counter.ask("PATCH", f"{path}/availability", body))["partner"]
    assert partner["is_available"] is False and partner["working_hours"]["start"] == "10:00"
    assert (await counter.audited("set_availability"))["is_available"] == {"old": True, "new": False}
    day = counter.world.now.date().replace(day=20).isoformat()
    await counter.ask("PUT", f"{path}/days-off/{day}")
    assert (await counter.ask("GET", f"{path}/days-off"))["days_off"] == [{"date": day}]
    await counter.ask("DELETE", f"{path}/days-off/{day}")
    assert (await counter.ask("GET", f"{path}/days-off"))["days_off"] == []
    for method, rest, sent in (("PATCH", "/availability", {"is_available": True}), ("GET", "/days-off", None)):
        await counter.ask(method, f"/partners/{uuid4()}{rest}", sent, expect=404)


async def test_bookings_and_earnings_of_a_technician_are_their_own(counter: Counter) -> None:
    world = counter.world
    await world.execute("UPDATE technicians SET is_available = false")
    await world.services.roster.refresh()
    who = await world.technician(km_north=0.05)
    booking = await counter.till.finish(await counter.till.paid(), who)
    found = await counter.ask("GET", f"/partners/{who}/bookings?status=completed")
    assert [b["id"] for b in found["bookings"]] == [str(booking.id)] and found["pagination"]["total"] == 1
    assert (await counter.ask("GET", f"/partners/{who}/bookings?status=cancelled"))["bookings"] == []
    earned = await counter.ask("GET", f"/partners/{who}/earnings?status=pending")
    assert earned["earnings"][0]["booking_number"] == booking.number
    assert earned["total_earnings"] == earned["pending"] == earned["earnings"][0]["partner_earning"] == 1239.84
    code = (await counter.ask("GET", f"/partners/{who}"))["partner"]["partner_code"]
    listed = await counter.ask("GET", f"/partners?search={code}")
    assert listed["partners"][0]["pending_payout"] == 1239.84
    for path in (f"/partners/{uuid4()}/bookings", f"/partners/{uuid4()}/earnings", f"/partners/{uuid4()}"):
        await counter.ask("GET", path, expect=404)
    await counter.ask("GET", "/partners?status=asleep", expect=422)


async def test_a_technician_who_was_bound_to_a_zone_is_bound_to_none_again(counter: Counter) -> None:
    world = counter.world
    who = await world.technician()
    path = f"/partners/{who}"
    assert (await counter.ask("GET", path))["partner"]["zone_id"] == str(world.zone_id)
    assert (await counter.ask("PATCH", path, {"name": "Asha"}))["partner"]["zone_id"] == str(world.zone_id)
    assert (await counter.ask("PATCH", path, {"zone_id": None}))["partner"]["zone_id"] is None
    assert (await counter.audited("update_technician"))["zone_id"] == {"old": str(world.zone_id), "new": None}


async def test_categories_and_tiers_are_those_of_services_whatever_their_case(counter: Counter) -> None:
    body = {
        "name": "Lower Case", "phone_number": "+919812377001", "service_categories": ["facial", "Facial", "brand new"],
        "service_tiers": ["minimal"], "working_hours": {"start": "08:00", "end": "20:00", "days": [1, 2]},
    }  # fmt: skip
    made = (await counter.ask("POST", "/partners", body, expect=201))["partner"]
    assert (made["service_categories"], made["service_tiers"]) == (["Facial", "brand new"], ["Minimal"])
    changed = await counter.ask("PATCH", f"/partners/{made['id']}", {"service_categories": ["FACIAL"]})
    assert changed["partner"]["service_categories"] == ["Facial"]
