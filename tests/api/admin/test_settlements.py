"""Wallets paid out, fees taken off and cash handed in, over the back office: who may, and what is then said."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.billing import charges
from tests.api.admin.counter import Counter

PAID = {"amount": 300, "currency": "INR", "reference": "UTR-1"}


async def test_a_wallet_is_paid_out_and_the_record_taken_back(counter: Counter) -> None:
    account_id = await counter.till.rich(50000)
    path = f"/users/{account_id}/wallet/payouts"
    made = await counter.ask("POST", path, PAID, expect=201)
    assert (made["kind"], made["amount"], made["reference"]) == ("wallet_paid_out", 300, "UTR-1")
    assert (await counter.ask("POST", path, PAID, expect=409))["error"]["code"] == "SETTLEMENT_KNOWN"
    refused = await counter.ask("POST", path, {**PAID, "reference": "UTR-2"}, expect=409)
    assert refused["error"]["code"] == "MORE_THAN_THERE_IS" and "₹200" in refused["error"]["message"]
    shown = await counter.ask("GET", f"/users/{account_id}/account")
    assert shown["balances"] == [{"currency": "INR", "wallet": 200, "owed": 0}]
    assert [s["id"] for s in shown["settlements"]] == [made["id"]]
    reversal = f"/settlements/{made['id']}/reverse"
    back = await counter.ask("POST", reversal, {"reason": "Another customer's"})
    assert back["reversal_reason"] == "Another customer's" and back["reversed_at"]
    refused = await counter.ask("POST", reversal, {"reason": "Again"}, expect=409)
    assert refused["error"]["code"] == "SETTLEMENT_REVERSED"
    shown = await counter.ask("GET", f"/users/{account_id}/account")
    assert shown["balances"] == [{"currency": "INR", "wallet": 500, "owed": 0}]
    await counter.check()


async def test_fees_are_taken_off_with_a_reason(counter: Counter) -> None:
    account_id = (await counter.till.owing(17712)).account_id
    assert (await counter.ask("GET", f"/users/{account_id}/account"))["balances"][0]["owed"] == 177.12
    path, body = f"/users/{account_id}/fees/waive", {"amount": 177.12, "currency": "INR"}
    await counter.ask("POST", path, body, expect=422)
    await counter.ask("POST", path, {**body, "reason": "They came late"}, expect=201)
    assert (await counter.ask("GET", f"/users/{account_id}/account"))["balances"][0]["owed"] == 0
    assert (await counter.audited("fees_waived"))["reason"]["new"] == "They came late"


async def test_cash_is_handed_in(counter: Counter) -> None:
    technician = await counter.world.technician(km_north=0.02)
    booking = await counter.world.book()
    async with counter.world.services.transaction() as tx:
        await charges.open_payment(tx, booking)
    await counter.till.finish(booking, technician)
    path = f"/partners/{technician}/cash"
    assert (await counter.ask("GET", path))["balances"] == [{"currency": "INR", "cash_in_hand": 1771.2}]
    await counter.ask("POST", path, PAID, expect=201)
    assert (await counter.ask("GET", path))["balances"] == [{"currency": "INR", "cash_in_hand": 1471.2}]
    assert (await counter.ask("GET", f"/partners/{technician}/earnings"))["cash_in_hand"] == 1471.2
    await counter.check()


@pytest.mark.parametrize(
    ("role", "path", "expected"),
    [
        ("support", "users/{id}/account", 200), ("support", "users/{id}/wallet/payouts", 403),
        ("support", "users/{id}/fees/waive", 403), ("support", "partners/{id}/cash", 403),
        ("finance", "users/{id}/wallet/payouts", 422), ("finance", "settlements/{id}/reverse", 422),
    ],
)  # fmt: skip
async def test_who_may(counter: Counter, role: str, path: str, expected: int) -> None:
    who = await counter.role(role)
    account_id = await counter.till.rich(100)
    body: dict[str, Any] | None = None if path.endswith("account") else {}
    status, _, _ = await who.call("POST" if body is not None else "GET", f"/admin/{path.format(id=account_id)}", body)
    assert status == expected


async def test_of_nobody_nothing_is_settled(counter: Counter) -> None:
    nobody: UUID = uuid4()
    for path in (f"/users/{nobody}/account", f"/partners/{nobody}/cash"):
        await counter.ask("GET", path, expect=404)
    for path in (f"/users/{nobody}/wallet/payouts", f"/partners/{nobody}/cash"):
        await counter.ask("POST", path, PAID, expect=404)
    await counter.ask("POST", f"/settlements/{nobody}/reverse", {"reason": "x"}, expect=404)
