"""Payouts by staff: reserved once, completed with proof, given up whole."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.admin.counter import Counter


async def earned(c: Counter, jobs: int = 1) -> Any:
    """A technician who has done so many jobs that were paid online."""
    await c.world.execute("UPDATE technicians SET is_available = false")
    await c.world.services.roster.refresh()
    who = await c.world.technician(km_north=0.05)
    for _ in range(jobs):
        c.world.see(who, *(await c.world.fetch("SELECT base_lat, base_lng FROM technicians WHERE id = $1", who))[0])
        await c.till.finish(await c.till.paid(), who)
    return who


async def test_a_payout_is_made_found_and_completed_with_its_proof(counter: Counter) -> None:
    who = await earned(counter)
    asked = {"partner_id": str(who), "payment_method": "bank_transfer"}
    made = await counter.ask("POST", "/payouts", asked, expect=201)
    payout = made["payout"]
    assert made["payout_number"] == payout["payout_number"] and payout["payout_number"].startswith("PO-")
    assert (payout["net_amount"], payout["status"], payout["partner"]["id"]) == (1239.84, "pending", str(who))
    again = await counter.ask("POST", "/payouts", {"partner_id": str(who), "payment_method": "upi"}, expect=409)
    assert again["error"]["code"] == "NO_PENDING_EARNINGS"
    for query in (
        f"partner_id={who}", f"search={payout['payout_number']}", f"partner_id={who}&status=pending&kind=technician",
    ):  # fmt: skip
        assert [p["id"] for p in (await counter.ask("GET", f"/payouts?{query}"))["payouts"]] == [payout["id"]], query
    path = f"/payouts/{payout['id']}"
    refused = await counter.ask("POST", f"{path}/process", {"notes": "sent"}, expect=422)
    assert "bank_transaction_id" in refused["error"]["details"]
    body = {"bank_transaction_id": "TXN123456", "notes": "Payment processed via NEFT"}
    ended = await counter.ask("POST", f"{path}/process", body)
    assert (ended["status"], ended["payout"]["bank_transaction_id"]) == ("completed", "TXN123456")
    assert (await counter.audited("process_payout"))["status"] == {"old": "pending", "new": "completed"}
    await counter.ask("POST", f"{path}/process", body, expect=409)
    await counter.ask("POST", f"{path}/fail", {"failure_reason": "late"}, expect=409)
    assert (await counter.ask("GET", path))["notes"] == "Payment processed via NEFT"
    # Days later the bank gives it back.
    back = await counter.ask("POST", f"{path}/returned", {"failure_reason": "Account closed"})
    assert (back["status"], back["payout"]["failure_reason"]) == ("failed", "Account closed")
    assert (await counter.audited("return_payout"))["status"] == {"old": "completed", "new": "failed"}
    await counter.ask("POST", f"{path}/returned", {"failure_reason": "Account closed"}, expect=409)
    assert (await counter.ask("GET", f"/partners/{who}"))["earnings"]["pending"] == 1239.84
    await counter.check()


async def test_a_failed_payout_gives_its_earnings_back(counter: Counter) -> None:
    who = await earned(counter)
    earning = (await counter.ask("GET", f"/partners/{who}/earnings"))["earnings"][0]["id"]
    body = {"partner_id": str(who), "payment_method": "upi", "earnings_ids": [earning]}
    payout = (await counter.ask("POST", "/payouts", body, expect=201))["payout"]
    await counter.ask("POST", f"/payouts/{payout['id']}/fail", {}, expect=422)
    failed = await counter.ask("POST", f"/payouts/{payout['id']}/fail", {"failure_reason": "Invalid bank account"})
    assert (failed["status"], failed["payout"]["failure_reason"]) == ("failed", "Invalid bank account")
    detail = await counter.ask("GET", f"/partners/{who}")
    assert detail["earnings"]["pending"] == 1239.84
    part = await counter.ask("POST", "/payouts", {**body, "amount": 100, "earnings_ids": None}, expect=201)
    assert part["payout"]["net_amount"] == 100
    in_rupees = {"partner_id": str(who), "payment_method": "upi", "amount": 50, "currency": "inr"}
    assert (await counter.ask("POST", "/payouts", in_rupees, expect=201))["payout"]["currency"] == "INR"
    await counter.ask("POST", "/payouts", {**in_rupees, "currency": "USD"}, expect=409)
    await counter.check()


@pytest.mark.parametrize(("body", "status"), [
    ({"payment_method": "upi"}, 422), ({"partner_id": "x", "payment_method": "upi"}, 422),
    ({"partner_id": str(uuid4()), "payment_method": "cheque"}, 422),
    ({"partner_id": str(uuid4()), "payment_method": "upi"}, 409),
    ({"partner_id": str(uuid4()), "payment_method": "upi", "earnings_ids": [str(uuid4())]}, 422),
    ({"partner_id": str(uuid4()), "payment_method": "upi", "amount": -1}, 422),
])  # fmt: skip
async def test_bad_payouts_are_refused(counter: Counter, body: dict[str, Any], status: int) -> None:
    await counter.ask("POST", "/payouts", body, expect=status)


async def test_missing_payouts_and_roles(counter: Counter) -> None:
    for rest, sent in (
        ("process", {"bank_transaction_id": "x"}), ("fail", {"failure_reason": "x"}),
        ("returned", {"failure_reason": "x"}),
    ):  # fmt: skip
        await counter.ask("POST", f"/payouts/{uuid4()}/{rest}", sent, expect=404)
    support = await counter.role("support")
    status, _, _ = await support.call("GET", "/admin/payouts")
    assert status == 403
    await counter.ask("GET", "/payouts?status=lost", expect=422)
