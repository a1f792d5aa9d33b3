"""Settings: merged, checked, each for itself."""

from __future__ import annotations

from tests.api.provider.conftest import Office, call
from tests.parties import PASSWORD


async def test_all_sections_are_there(office: Office) -> None:
    owner = await office.owner()
    shown = (await owner.call("GET", "/settings"))["data"]
    assert shown.keys() == {"general", "account", "payouts", "paymentBilling", "timeLanguage"}
    assert shown["general"].keys() >= {
        "facilityName", "facilityType", "providerDescription", "country", "city", "address", "postalCode", "services",
    }  # fmt: skip
    assert shown["account"].keys() >= {"fullName", "email", "phone", "avatar"}
    assert shown["paymentBilling"]["currentPlan"]["daysRemaining"] > 0
    assert shown["timeLanguage"].items() >= {"timezone": "Asia/Kolkata", "dateFormat": "MM/DD/YYYY"}.items()


async def test_what_is_not_sent_stays(office: Office) -> None:
    owner = await office.owner()
    body = {"facilityName": "Asha Clinic", "facilityType": "clinic", "city": "Lagos", "services": ["A"]}
    answer = await owner.call("PUT", "/settings/general", body)
    assert answer["message"] == "General settings updated successfully"
    await owner.call("PUT", "/settings/general", {"address": "5 Marina"})
    general = (await owner.call("GET", "/settings"))["data"]["general"]
    assert general.items() >= {
        "facilityName": "Asha Clinic", "facilityType": "Clinic", "city": "Lagos", "address": "5 Marina",
        "services": ["A"],
    }.items()  # fmt: skip
    answer = await owner.call("PUT", "/settings/general", {"facilityType": "Spa", "services": "all"}, expect=400)
    assert answer["errors"].keys() == {"facilityType", "services"}


async def test_the_units_of_money_change_with_the_next_request(office: Office) -> None:
    owner = await office.owner()
    minimum = "minimumPayoutAmount"
    assert (await owner.call("GET", "/payouts/settings"))["data"][minimum] == 100_000
    await owner.call("PUT", "/settings/general", {"amountUnits": "major"})
    assert (await owner.call("GET", "/payouts/settings"))["data"][minimum] == 1000


async def test_clock_and_language(office: Office) -> None:
    owner = await office.owner()
    body = {"timezone": "Africa/Lagos", "language": "en-NG", "dateFormat": "DD/MM/YYYY", "timeFormat": "24h"}
    changed = (await owner.call("PUT", "/settings/time-language", body))["data"]["timeLanguage"]
    assert changed.items() >= body.items()
    bad = {"timezone": "Mars/Base", "language": "!", "dateFormat": "YYYY", "timeFormat": "13h"}
    answer = await owner.call("PUT", "/settings/time-language", bad, expect=400)
    assert answer["errors"].keys() == bad.keys()


async def test_account_and_password(office: Office) -> None:
    owner, other = await office.owner(), await office.owner()
    staff = await office.member(owner, "Staff")
    changed = (await staff.call("PUT", "/settings/account", {"fullName": "Bola", "phone": "+2348012345678"}))["data"]
    assert changed["account"].items() >= {"fullName": "Bola", "phone": "+2348012345678", "pendingEmail": None}.items()
    answer = await staff.call("PUT", "/settings/account", {"email": other.owned.email}, expect=409)
    assert answer["error"]["code"] == "DUPLICATE_EMAIL"
    moved = (await staff.call("PUT", "/settings/account", {"email": "bola.new@example.com"}))["data"]["account"]
    assert moved["pendingEmail"] == "bola.new@example.com" and moved["email"] != "bola.new@example.com"
    wrong = {"currentPassword": "not this one", "newPassword": "another password"}
    answer = await staff.call("PUT", "/settings/password", wrong, expect=400)
    assert answer["error"] == {"code": "INVALID_PASSWORD", "message": "Current password is incorrect"}
    email = changed["account"]["email"]
    elsewhere = await call(office.client, None, "POST", "/api/auth/signin", {"email": email, "password": PASSWORD})
    done = await staff.call("PUT", "/settings/password", {**wrong, "currentPassword": PASSWORD})
    assert done["message"] == "Password updated successfully"
    await staff.call("GET", "/team/members")
    await call(office.client, elsewhere["token"], "GET", "/api/providers/team/members", expect=401)
    answer = await staff.call("PUT", "/settings/password", {"currentPassword": "x", "newPassword": "short"}, expect=400)
    assert "newPassword" in answer["errors"]
