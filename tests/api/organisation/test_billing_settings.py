"""How an organisation is billed: put as a whole, the bank sealed, and who may."""

from __future__ import annotations

from typing import Any

from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

PATH = "/billing/settings"
BODY: dict[str, Any] = {
    "billingCycle": "quarterly", "billingDate": 7, "paymentTerms": "net_45",
    "paymentMethod": {"primary": "credit_card", "backup": "bank_transfer"},
    "bankDetails": {"accountName": "ABC", "accountNumber": "9876 5432 10", "bankName": "BDO", "bankCode": "BDO"},
    "invoiceSettings": {"groupBy": "department", "recipients": ["fin@abc.example"]},
    "autoPayment": {"enabled": True, "method": "bank_transfer"},
}  # fmt: skip


async def test_settings_are_put_and_the_bank_is_sealed(portal: Portal) -> None:
    home = await add_organisation(portal.services)
    before = (await portal.call("GET", PATH, headers=home.headers()))["data"]["settings"]
    assert (before["billingCycle"], before["termsDays"], before["bankDetails"]) == ("monthly", 30, None)
    after = (await portal.call("PUT", PATH, BODY, headers=home.headers()))["data"]["settings"]
    assert (after["billingDate"], after["termsDays"], after["autoPayment"]["enabled"]) == (7, 45, True)
    assert after["bankDetails"] == {"accountName": "ABC", "accountNumber": "XXXXXX3210", "bankName": "BDO"}
    async with portal.services.read() as conn:
        kept = await conn.fetchval("SELECT string_agg(b::text, ' ') FROM bank_accounts b")
        codes = await conn.fetch("SELECT bank_code FROM bank_accounts WHERE party_id = $1", home.id)
    assert "9876543210" not in kept and [row["bank_code"] for row in codes] == ["BDO"]
    # Without a bank the one that is there stays.
    again = {key: value for key, value in BODY.items() if key != "bankDetails"}
    shown = (await portal.call("PUT", PATH, again, headers=home.headers()))["data"]["settings"]
    assert shown["bankDetails"]["accountNumber"] == "XXXXXX3210"


async def test_what_settings_cannot_be(portal: Portal) -> None:
    bad = {
        "billingCycle": "hourly", "billingDate": 31, "paymentTerms": "net_1000", "paymentMethod": {"primary": "cash"},
        "bankDetails": {"accountName": "", "accountNumber": "12", "bankName": "B"},
        "invoiceSettings": {"recipients": ["nobody"], "includeTax": False},
    }  # fmt: skip
    refused = await portal.call("PUT", PATH, bad, expect=422)
    assert set(refused["error"]["details"]) == {
        "billingCycle", "billingDate", "paymentTerms", "paymentMethod.primary", "bankDetails.accountName",
        "bankDetails.accountNumber", "invoiceSettings.recipients.0", "invoiceSettings.includeTax",
    }  # fmt: skip
    for level in ("viewer", "coordinator", "manager"):
        place = await portal.home.department(f"Of {level}") if level == "manager" else None
        member = await portal.home.member(level, department_id=place.id if place else None)
        await portal.call("PUT", PATH, BODY, headers=portal.home.headers(member), expect=403)
    finance = await portal.home.member("finance")
    await portal.call("PUT", PATH, BODY, headers=portal.home.headers(finance))
