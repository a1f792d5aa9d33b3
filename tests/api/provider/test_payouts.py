"""Payout settings, history, invoices, and asking for a payout."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.api.provider.conftest import Office, Teammate
from tests.providers import fund

BANK = {"bankName": "First Bank", "accountNumber": "0123452939", "accountName": "A Clinic"}


async def with_money(office: Office, minor: int = 1_000_000, **values: Any) -> Teammate:
    owner = await office.owner(**values)
    await owner.call("PUT", "/payouts/settings", {"bankDetails": BANK})
    await fund(office.world.services, owner.owned, minor)
    return owner


async def test_settings_are_merged_and_the_number_is_masked(office: Office) -> None:
    owner = await office.owner()
    asked = {"payoutFrequency": "weekly", "payoutDay": "Monday", "storeCurrency": "USD", "bankDetails": BANK}
    answer = await owner.call("PUT", "/payouts/settings", asked)
    assert answer["message"] == "Payout settings updated successfully"
    shown = answer["data"]
    assert shown["bankDetails"]["accountNumber"] == "****2939" and shown["payoutDay"] == "monday"
    await owner.call("PUT", "/payouts/settings", {"payoutFrequency": "bi-weekly", "payoutDay": ""})
    mask = {"bankDetails": {"accountNumber": "****2939", "bankCode": "011", "swiftCode": "FBNINGLA"}}
    await owner.call("PUT", "/payouts/settings", mask)
    kept = (await owner.call("GET", "/payouts/settings"))["data"]
    assert (kept["payoutFrequency"], kept["payoutDay"], kept["storeCurrency"]) == ("bi-weekly", "friday", "USD")
    assert kept["bankDetails"].items() >= {
        "bankName": "First Bank", "accountNumber": "****2939", "bankCode": "011", "swiftCode": "FBNINGLA",
    }.items()  # fmt: skip
    assert kept["nextPayoutDate"] and kept["minimumPayoutAmount"] == 100_000


async def test_what_settings_may_not_be_is_told_in_the_contracts_words(office: Office) -> None:
    owner = await office.owner()
    answer = await owner.call("PUT", "/payouts/settings", {"payoutFrequency": "hourly"}, expect=400)
    assert answer["error"]["code"] == "VALIDATION_ERROR" and answer["error"]["message"] == "Validation failed"
    assert answer["error"]["details"] == {
        "payoutFrequency": ["Invalid frequency. Must be weekly, bi-weekly, or monthly"]
    }
    answer = await owner.call("PUT", "/payouts/settings", {"bankDetails": {"bankName": "First Bank"}}, expect=400)
    assert answer["errors"]["bankDetails.accountNumber"] == ["Account number is required"]
    answer = await owner.call("PUT", "/payouts/settings", {"payoutFrequency": "weekly"}, expect=400)
    assert "payoutDay" in answer["errors"] and answer["message"]
    for day, frequency in (("15", "weekly"), ("friday", "monthly"), ("29", "monthly"), ("someday", "weekly")):
        await owner.call("PUT", "/payouts/settings", {"payoutFrequency": frequency, "payoutDay": day}, expect=400)
    answer = await owner.call(
        "PUT", "/payouts/settings", {"bankDetails": {**BANK, "accountNumber": "****1111"}}, expect=400
    )
    assert "bankDetails.accountNumber" in answer["errors"]
    assert (await owner.call("GET", "/payouts/settings"))["data"]["bankDetails"]["accountNumber"] is None


async def test_asking_twice_is_one_payout_and_history_has_it(office: Office) -> None:
    owner = await with_money(office)
    body = {"amount": 250_000, "currency": "INR", "description": "Before the holidays"}
    made = [await owner.call("POST", "/payouts/request", body, expect=201) for _ in range(2)]
    assert made[0]["data"]["payoutId"] == made[1]["data"]["payoutId"]
    assert made[0]["message"] == "Payout request submitted successfully"
    assert made[0]["data"]["invoice"].startswith("#") and made[0]["data"]["status"] == "pending"
    found = (await owner.call("GET", "/payouts/history?status=pending"))["data"]
    assert [p["amount"] for p in found["payouts"]] == [250_000]
    assert found["summary"].items() >= {"totalPayouts": 1, "totalAmount": 250_000}.items()
    assert found["pagination"]["total"] == 1 and found["payouts"][0]["bankDetails"]["accountNumber"] == "****2939"
    today = office.world.now.date().isoformat()
    for query, count in (
        (f"startDate={today}", 1), (f"endDate={office.world.now.timestamp() - 86_400:.0f}", 0), ("status=failed", 0),
        (f"startDate={today}&endDate={today}", 1),
    ):  # fmt: skip
        assert len((await owner.call("GET", f"/payouts/history?{query}"))["data"]["payouts"]) == count, query
    assert (await owner.call("GET", "/wallet/balance"))["data"].items() >= {
        "availableBalance": 750_000, "pendingBalance": 250_000,
    }.items()  # fmt: skip


async def test_whole_units_hold_for_what_is_sent_too(office: Office) -> None:
    owner = await with_money(office, units="major")
    made = await owner.call("POST", "/payouts/request", {"amount": 2500.5, "currency": "INR"}, expect=201)
    assert made["data"]["amount"] == 2500.5
    answer = await owner.call("POST", "/payouts/request", {"amount": 2500.505, "currency": "INR"}, expect=400)
    assert "amount" in answer["errors"]
    answer = await owner.call("POST", "/payouts/request", {"amount": 10, "currency": "INR"}, expect=400)
    assert "₹1,000" in answer["message"]


async def test_a_payout_that_may_not_be(office: Office) -> None:
    owner = await with_money(office)
    answer = await owner.call("POST", "/payouts/request", {"amount": -5, "currency": "moon"}, expect=400)
    assert answer["errors"].keys() == {"amount", "currency"}
    answer = await owner.call("POST", "/payouts/request", {"amount": 1_000_000, "currency": " "}, expect=400)
    assert answer["errors"].keys() == {"currency"}
    answer = await owner.call("POST", "/payouts/request", {"amount": 1_000_001, "currency": "INR"}, expect=409)
    assert answer["error"]["code"] == "BALANCE_TOO_SMALL"
    manager = await office.member(owner, "Manager")
    await manager.call("POST", "/payouts/request", {"amount": 200_000, "currency": "INR"}, expect=403)
    answers = await asyncio.gather(*(
        owner.call("POST", "/payouts/request", {"amount": minor, "currency": "INR"}, expect=None)
        for minor in range(400_000, 400_005)
    ))  # fmt: skip
    assert sum(answer["success"] for answer in answers) == 2


async def test_an_invoice_is_a_pdf_or_a_line_of_csv(office: Office) -> None:
    owner = await with_money(office)
    made = (await owner.call("POST", "/payouts/request", {"amount": 250_050, "currency": "INR"}, expect=201))["data"]
    content, headers = await owner.file(f"/payouts/{made['payoutId']}/invoice")
    number = made["invoice"].removeprefix("#")
    assert content.startswith(b"%PDF") and f'filename="invoice_{number}.pdf"' in headers["Content-Disposition"]
    content, headers = await owner.file(f"/payouts/{made['payoutId']}/invoice?format=csv")
    assert headers["Content-Type"].startswith("text/csv")
    text = content.decode()
    assert f"#{number}" in text and "2500.50" in text and "****2939" in text and "0123452939" not in text
    stranger = await office.owner()
    await stranger.call("GET", f"/payouts/{made['payoutId']}/invoice", expect=404)
