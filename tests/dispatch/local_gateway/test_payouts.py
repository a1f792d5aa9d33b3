"""Payouts to fund accounts, and payment links."""

from __future__ import annotations

from typing import Any

import aiohttp

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import get, post, refused


async def a_fund_account(http: aiohttp.ClientSession) -> str:
    contact = await post(http, "/v1/contacts", {"name": "Payee", "type": "vendor", "reference_id": "t-1"})
    account = {"contact_id": contact["id"], "account_type": "vpa", "vpa": {"address": "payee@bank"}}
    return (await post(http, "/v1/fund_accounts", account))["id"]


def payout(fund_account_id: str, amount: int = 50_000, **more: Any) -> dict[str, Any]:
    return {
        "account_number": "7878780080316316",
        "fund_account_id": fund_account_id,
        "amount": amount,
        "currency": "INR",
        "mode": "UPI",
        "purpose": "payout",
        **more,
    }


async def test_the_same_payee_is_kept_once(http: aiohttp.ClientSession) -> None:
    assert await a_fund_account(http) == await a_fund_account(http)


async def test_a_payout_needs_a_key_and_happens_once(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    account = await a_fund_account(http)
    _, error = await refused(http, "/v1/payouts", payout(account))
    assert error["field"] == "X-Payout-Idempotency"
    key = {"X_Payout_Idempotency": "payout-1"}
    first = await post(http, "/v1/payouts", payout(account), **key)
    assert first["status"] == "processing"
    assert await post(http, "/v1/payouts", payout(account), **key) == first
    assert "Different" in (await refused(http, "/v1/payouts", payout(account, 60_000), **key))[1]["description"]
    await gw.quiet()
    done = await get(http, f"/v1/payouts/{first['id']}")
    assert (done["status"], bool(done["utr"])) == ("processed", True)
    assert len((await gw.state())["payouts"]) == 1


async def test_payouts_come_back_or_wait(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    account = await a_fund_account(http)
    ends = {}
    for manner in ("reversed", "failed", "queued"):
        await gw.control(payouts=manner)
        reply = await post(http, "/v1/payouts", payout(account), X_Payout_Idempotency=f"key-{manner}")
        await gw.quiet()
        ends[manner] = await get(http, f"/v1/payouts/{reply['id']}")
    assert [end["status"] for end in ends.values()] == ["reversed", "failed", "queued"]
    assert ends["reversed"]["status_details"]["reason"] == "beneficiary_bank_failure"
    await gw.control(settle=True)
    assert (await get(http, f"/v1/payouts/{ends['queued']['id']}"))["status"] == "processed"


async def test_unknown_fund_accounts_are_refused(http: aiohttp.ClientSession) -> None:
    key = {"X_Payout_Idempotency": "payout-1"}
    assert (await refused(http, "/v1/payouts", payout("fa_00000000000000"), **key))[0] == 400
    account = await a_fund_account(http)
    assert (await refused(http, "/v1/payouts", payout(account, mode="PIGEON"), **key))[1]["field"] == "mode"
