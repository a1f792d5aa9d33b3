"""Settings over the back office: typed, whole or not at all, audited, live."""

from __future__ import annotations

import pytest

from tests.api.admin.office import Office
from tests.parties import staff

PATH = "/v1/admin/settings"
SIX = {
    "commission_percentage", "cancellation_fee_percentage", "free_cancellation_minutes", "partner_assignment_timeout",
    "otp_expiry_minutes", "max_booking_advance_days",
}  # fmt: skip


async def test_what_is_set_acts_at_once_and_is_audited(office: Office) -> None:
    before = (await office.boss.call("GET", PATH))["data"]
    assert before.keys() >= SIX and before["commission_percentage"] == 30.0
    body = {"commission_percentage": 25.5, "free_cancellation_minutes": 7, "otp_expiry_minutes": 4}
    after = (await office.boss.call("PUT", PATH, body))["data"]["settings"]
    assert after == before | body
    assert (await office.boss.call("GET", PATH))["data"] == after
    settings = office.live.services.settings
    assert (settings.billing.technician_share_pct, settings.billing.free_cancellation_s) == (74.5, 420)
    asked = {"phone_number": "+911000100003", "purpose": "login"}
    assert (await office.boss.call("POST", "/v1/auth/send-otp", asked))["expires_in"] == 240
    entry = await office.audited("update_settings")
    assert entry["changes"]["commission_percentage"] == {"old": 30.0, "new": 25.5} and entry["resource_id"] is None


@pytest.mark.parametrize(("name", "value"), [
    ("commission_percentage", 100.1), ("commission_percentage", -1), ("cancellation_fee_percentage", 101),
    ("free_cancellation_minutes", 2.5), ("otp_expiry_minutes", 0), ("max_booking_advance_days", 366),
    ("partner_assignment_timeout", "15"), ("otp_expiry_minutes", True), ("search_radius_km", [1]),
])  # fmt: skip
async def test_one_bad_value_changes_nothing(office: Office, name: str, value: object) -> None:
    before = (await office.boss.call("GET", PATH))["data"]
    good = "max_booking_advance_days" if name != "max_booking_advance_days" else "search_radius_km"
    answer = await office.boss.call("PUT", PATH, {name: value, good: 20}, expect=422)
    assert set(answer["error"]["details"]) == {name}
    assert (await office.boss.call("GET", PATH))["data"] == before
    await office.boss.call("PUT", PATH, {"no_such_setting": 1}, expect=422)


async def test_who_may_not(office: Office) -> None:
    for role in ("support", "finance"):
        person = await staff(office.live, role)
        await person.call("GET", PATH, expect=403)
        await person.call("PUT", PATH, {"otp_expiry_minutes": 5}, expect=403)


async def test_the_first_time_to_be_booked_comes_before_the_last(office: Office) -> None:
    before = (await office.boss.call("GET", PATH))["data"]
    both = {"min_booking_lead_minutes": 2881, "max_booking_advance_days": 2}
    answer = await office.boss.call("PUT", PATH, both, expect=422)
    assert set(answer["error"]["details"]) == set(both)
    await office.boss.call("PUT", PATH, both | {"min_booking_lead_minutes": 2880})
    for name, value in (("min_booking_lead_minutes", 4000), ("max_booking_advance_days", 1)):
        answer = await office.boss.call("PUT", PATH, {name: value}, expect=422)
        assert set(answer["error"]["details"]) == {name}
    await office.boss.call("PUT", PATH, {"commission_percentage": before["commission_percentage"]})
    await office.boss.call("PUT", PATH, {name: before[name] for name in both})
