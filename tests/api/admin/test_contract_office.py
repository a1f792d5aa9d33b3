"""The contract's own words about the back office's people, letters, settings and figures against a live server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest

from dispatch.engine import alerts
from tests.api.admin.office import Office
from tests.api.contract import CONTRACT, needs_contract
from tests.api.test_contract import differences
from tests.identity import add_booking
from tests.parties import PASSWORD, add_staff

pytestmark = needs_contract
EMAIL = "contract@minuteserv.com"
SPAN = "?date_from=2020-01-01&date_to=2026-12-31&group_by=month"
#: What of each endpoint's query and body is not the contract's example.
ASKED: dict[str, str] = {
    "admin-auth-login": "", "admin-auth-refresh-token": "", "admin-dashboard": "", "admin-contact-list": "?status=new",
    "admin-contact-update": "", "admin-users-list": "?search=+911000100003", "admin-user-detail": "",
    "admin-user-status": "", "admin-analytics-revenue": SPAN, "admin-analytics-partner-performance": SPAN[:42],
    "admin-analytics-service-popularity": SPAN[:42], "admin-settings-get": "", "admin-settings-update": "",
    "admin-audit-logs": "?limit=5",
}  # fmt: skip


def endpoint(endpoint_id: str) -> dict[str, Any]:
    return next(e for e in orjson.loads(CONTRACT.read_bytes()) if e["id"] == endpoint_id)


@pytest.fixture(scope="module")
async def ids(office: Office) -> dict[str, str]:
    """Somebody to sign in, a letter, a customer with a booking, an alert."""
    live = office.live
    await add_staff(live.services, "admin", EMAIL, password=PASSWORD)
    letter = {"name": "John Doe", "email": "john@example.com", "phone": "+911234567890", "message": "A question"}
    await office.boss.call("POST", "/v1/contact", {**letter, "subject": "Service Inquiry"}, expect=None)
    user = await live.value("SELECT id FROM accounts WHERE phone = '+911000100003'")
    await add_booking(live.services.pool, UUID(str(user)), "cancelled")
    async with live.services.transaction() as tx:
        await alerts.raise_alert(tx, "payment_failed", "A payment failed.")
    letters = await office.boss.call("GET", "/v1/admin/contact-submissions?status=new")
    signed_in = await office.boss.call("POST", "/v1/admin/auth/login", {"email": EMAIL, "password": PASSWORD})
    return {
        "user": str(user), "contact": letters["data"]["submissions"][0]["id"],
        "refresh": signed_in["data"]["refresh_token"],
    }  # fmt: skip


@pytest.mark.parametrize("endpoint_id", ASKED)
async def test_the_documented_request_gets_the_documented_answer(
    office: Office, ids: dict[str, str], endpoint_id: str
) -> None:
    wanted = endpoint(endpoint_id)
    noun_id = ids["contact" if "contact" in endpoint_id else "user"]
    path, body = wanted["full_path"].replace("{id}", noun_id) + ASKED[endpoint_id], wanted["request_example"]
    if endpoint_id == "admin-auth-login":
        body = {"email": EMAIL, "password": PASSWORD}
    elif endpoint_id == "admin-auth-refresh-token":
        body = {"refresh_token": ids["refresh"]}
    answer = await office.boss.call(wanted["method"], path.replace("+", "%2B"), body, expect=wanted["success_status"])
    found = list(differences(wanted["response_example"] or {"success": True}, answer))
    # Nothing was earned or sold here yet, and what was changed differs: both have tests of their own.
    assert [text for text in found if "nothing in it" not in text and ".changes." not in text] == []
