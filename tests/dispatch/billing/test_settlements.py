"""Settled by hand: never more than there is, once for a reference, and in the ledger as in the house."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.billing import charges, ledger, payouts, settlements
from dispatch.billing.settlements import (
    CASH_HANDED_IN,
    FEES_WAIVED,
    WALLET_PAID_OUT,
    Held,
    SettlementKnown,
    SettlementReversed,
    TooMuch,
    Wish,
)
from dispatch.errors import Missing
from storage.settlements import Settlement
from tests.dispatch.billing.till import GRAND, STAFF, Till


async def record(till: Till, kind: str, owner_id: UUID, minor: int, reference: str | None = "R-1") -> Settlement:
    async with till.world.services.transaction() as tx:
        return await settlements.record(tx, STAFF, kind, owner_id, Wish("INR", minor, reference, "it was asked for"))


async def reverse(till: Till, made: Settlement) -> Settlement:
    async with till.world.services.transaction() as tx:
        return await settlements.reverse(tx, STAFF, made.id, "another's")


async def standing(till: Till, owner_kind: str, owner_id: UUID) -> list[Held]:
    async with till.world.services.read() as conn:
        return await settlements.standing(conn, owner_kind, owner_id)


async def with_cash(till: Till) -> tuple[UUID, Any]:
    """A technician who took a booking's price at the door."""
    technician = await till.world.technician()
    booking = await till.world.book()
    async with till.world.services.transaction() as tx:
        await charges.open_payment(tx, booking)
    return technician, await till.finish(booking, technician)


async def test_a_wallet_is_paid_out_once(till: Till) -> None:
    account_id = await till.rich(50000)
    answers = await asyncio.gather(
        *(record(till, WALLET_PAID_OUT, account_id, 30000, f"R-{n}") for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(a, Settlement) for a in answers) == 1 and sum(isinstance(a, TooMuch) for a in answers) == 3
    (made,) = [a for a in answers if isinstance(a, Settlement)]
    assert await standing(till, "account", account_id) == [Held("INR", 20000, 0, 0)]
    assert (await till.sums())["bank"] == 30000
    with pytest.raises(SettlementKnown):
        await record(till, WALLET_PAID_OUT, account_id, 100, (made.reference or "").lower())
    assert (await reverse(till, made)).reversed_at is not None
    with pytest.raises(SettlementReversed):
        await reverse(till, made)
    assert await standing(till, "account", account_id) == [Held("INR", 50000, 0, 0)]
    # A mistake frees its reference.
    await record(till, WALLET_PAID_OUT, account_id, 50000, made.reference)
    assert "wallet" not in await till.sums()
    await till.check()


async def test_fees_that_are_taken_off_are_asked_for_by_nobody(till: Till) -> None:
    owing = await till.owing(17712)
    account_id = owing.account_id
    with pytest.raises(TooMuch):
        await record(till, FEES_WAIVED, account_id, 17713, None)
    await record(till, FEES_WAIVED, account_id, 10000, None)
    async with till.world.services.read() as conn:
        assert await charges.outstanding(conn, account_id, "INR") == 7712
    made = await record(till, FEES_WAIVED, account_id, 7712, None)
    _, block = await till.online(account_id, hours=6)
    assert (block["amount"], block["outstanding_fee"]) == (GRAND, 0)
    assert await till.sums() == {}
    await reverse(till, made)
    async with till.world.services.read() as conn:
        assert await charges.outstanding(conn, account_id, "INR") == 7712
    await till.check()


async def test_a_fee_that_was_asked_for_before_it_was_taken_off_is_its_payers(till: Till) -> None:
    owing = await till.owing(17712)
    booking, block = await till.online(owing.account_id, hours=6)
    assert block["amount"] == GRAND + 17712
    await record(till, FEES_WAIVED, owing.account_id, 17712, None)
    await till.verify(booking, await till.gw.pay(block["order_id"]))
    assert await standing(till, "account", owing.account_id) == [Held("INR", 17712, 0, 0)]
    await till.check()


async def test_cash_that_was_handed_in_is_not_taken_off_a_payout_again(till: Till) -> None:
    technician, booking = await with_cash(till)
    assert await standing(till, "party", technician) == [Held("INR", 0, 0, GRAND)]
    made = await record(till, CASH_HANDED_IN, technician, GRAND)
    with pytest.raises(TooMuch):
        await record(till, CASH_HANDED_IN, technician, 1, "R-2")
    assert await standing(till, "party", technician) == [Held("INR", 0, 0, 0)]
    await till.check()
    await reverse(till, made)
    await record(till, CASH_HANDED_IN, technician, GRAND)
    await till.check()
    async with till.world.services.transaction() as tx:
        payout = await payouts.create(tx, technician, method="upi", requested_by="x")
    assert payout.cash_offset_minor == 0 and payout.net_minor == payout.total_minor > 0
    await till.check()


async def test_nobody_has_nothing_to_settle(till: Till) -> None:
    for kind in (WALLET_PAID_OUT, FEES_WAIVED, CASH_HANDED_IN):
        with pytest.raises(Missing):
            await record(till, kind, uuid4(), 100, None if kind == FEES_WAIVED else "R")
    with pytest.raises(TooMuch):
        await record(till, WALLET_PAID_OUT, await till.world.customer(), 100)
    # A customer is no technician.
    with pytest.raises(Missing):
        await record(till, CASH_HANDED_IN, await till.rich(100), 100)


async def test_what_was_settled_stands_beside_its_person(till: Till) -> None:
    account_id = await till.rich(50000)
    made = [await record(till, WALLET_PAID_OUT, account_id, 100, f"R-{n}") for n in range(3)]
    async with till.world.services.read() as conn:
        assert {s.id for s in await settlements.newest(conn, account_id)} == {s.id for s in made}
    assert await till.world.value("SELECT count(*) FROM audit_log WHERE action = 'wallet_paid_out'") == 3
    async with till.world.services.read() as conn:
        assert await ledger.balance(conn, ledger.wallet(account_id, "INR")) == 49700
