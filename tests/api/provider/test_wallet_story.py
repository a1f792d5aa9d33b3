"""Everything at once: jobs, paid requests, refunds, payouts; in the end wallet, statement and ledger agree."""

from __future__ import annotations

import asyncio
from typing import Any

from dispatch.billing import ledger_check, refunds
from tests.api.provider.conftest import Office, Teammate
from tests.providers import add_customer, enlist

BANK = {"bankName": "First Bank", "accountNumber": "0123452939", "accountName": "A Clinic", "ifscCode": "HDFC0001234"}


async def job(office: Office, owner: Teammate, km: float, *, is_cash: bool) -> None:
    """One of the provider's technicians does a job."""
    technician = await office.world.technician(km_north=km)
    await enlist(office.world.services, technician, owner.owned)
    booking = await (office.world.book() if is_cash else office.till.paid())
    offer = await office.world.open_offer(booking.id)
    if offer["technician_id"] != technician:
        await office.world.reject(booking.id, offer["technician_id"])
    await office.till.finish(booking, technician)


async def ask_and_pay(office: Office, owner: Teammate, customer: str, minor: int) -> str:
    body = {"customerId": customer, "amount": minor, "paymentMethod": "link"}
    made = (await owner.call("POST", "/transactions/payment-request", body, expect=201))["data"]
    order_id = await office.world.value(
        "SELECT p.gateway_order_id FROM payments p JOIN payment_requests q ON q.payment_id = p.id "
        "WHERE q.id = $1::text::uuid", made["_id"],
    )  # fmt: skip
    await office.till.gw.pay(order_id)
    return str(made["_id"])


async def test_the_wallet_is_the_ledger_whatever_happens_at_once(office: Office) -> None:
    owner = await office.owner()
    await owner.call("PUT", "/payouts/settings", {"bankDetails": BANK})
    customer = str((await add_customer(office.world.services, owner.owned)).id)
    await job(office, owner, 0.1, is_cash=False)
    await job(office, owner, 0.01, is_cash=True)
    paid = await asyncio.gather(*(ask_and_pay(office, owner, customer, 150_000 + n) for n in range(6)))

    async def work() -> None:
        for _ in range(12):
            await office.till.worker.run_due()
            await asyncio.sleep(0)

    async def payout(minor: int) -> Any:
        return await owner.call("POST", "/payouts/request", {"amount": minor, "currency": "INR"}, expect=None)

    answers = await asyncio.gather(*(payout(200_000 + n) for n in range(6)), work(), work())
    await office.till.drain()
    answers += await asyncio.gather(*(payout(300_000 + n) for n in range(6)))
    done = [a for a in answers if a and a["success"]]
    assert done and len(done) < 12
    payment = await office.world.value("SELECT payment_id FROM payment_requests WHERE id = $1::text::uuid", paid[0])
    held = (await owner.call("GET", "/wallet/balance"))["data"]
    if held["availableBalance"] >= 1_000:
        async with office.world.services.transaction() as tx:
            await refunds.request(tx, payment, 1_000, reason="a part of it", requested_by="admin:1")
    await office.till.drain()
    await agree(office, owner)


async def agree(office: Office, owner: Teammate) -> None:
    """What the wallet shows is what the ledger says, and what the lines of the statement add up to."""
    held = (await owner.call("GET", "/wallet/balance"))["data"]
    ledger = await office.world.value(
        "SELECT coalesce(sum(p.amount_minor), 0)::bigint FROM ledger_postings p "
        "JOIN ledger_accounts a ON a.id = p.account_id "
        "WHERE a.owner_id = $1 AND a.type IN ('payable', 'cash_in_hand')", owner.owned.id,
    )  # fmt: skip
    statement = await office.world.value(
        "SELECT sum(CASE WHEN type = 'credit' AND status IN ('settled', 'refunded') THEN amount_minor "
        "WHEN type = 'debit' AND status IN ('settled', 'pending') THEN -amount_minor ELSE 0 END)::bigint "
        "FROM provider_transactions WHERE provider_id = $1 AND category <> 'manual'", owner.owned.id,
    )  # fmt: skip
    assert ledger == statement
    assert held["availableBalance"] == max(0, ledger)
    days = await office.world.value(
        "SELECT sum(lines)::bigint FROM provider_days WHERE provider_id = $1", owner.owned.id
    )
    assert days == (await owner.call("GET", "/transactions"))["data"]["pagination"]["total"]
    async with office.world.services.read() as conn:
        assert await ledger_check.check(conn) == []
