"""Payouts: whole earnings or an amount, never more than the balance, and back exactly as they came."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from dispatch.billing import earnings, payouts
from dispatch.billing.payouts import BalanceTooSmall, EarningsTaken, NothingToPay, PayoutState
from dispatch.errors import Invalid, Missing
from dispatch.reports.formats import amount_text
from storage.database.listing import Wanted
from storage.payouts import Payout
from tests.dispatch.billing.till import GRAND, Till
from tests.providers import Owned, add_provider, enlist, fund

#: What a technician earns of one booking.
SHARE = 123984


async def cash_job(till: Till, technician_id: UUID) -> UUID:
    booking = await till.world.book()
    return (await till.finish(booking, technician_id)).id


async def online_job(till: Till, technician_id: UUID) -> UUID:
    booking = await till.paid()
    return (await till.finish(booking, technician_id)).id


async def create(till: Till, party_id: UUID, **named: object) -> Payout:
    async with till.world.services.transaction() as tx:
        return await payouts.create(tx, party_id, requested_by="staff-1", **{"method": "bank_transfer", **named})  # type: ignore[arg-type]


async def summary(till: Till, party_id: UUID) -> earnings.Summary:
    async with till.world.services.read() as conn:
        return await earnings.summary(conn, party_id, currency="INR")


async def test_cash_in_hand_is_netted_and_nothing_is_sent_until_it_is_earned(till: Till) -> None:
    technician = await till.world.technician()
    await cash_job(till, technician)
    settled = await create(till, technician)
    assert (settled.status, settled.net_minor, settled.cash_offset_minor) == ("completed", 0, 123984)
    assert settled.number == "PO-20260105-001"
    for _ in range(2):
        await online_job(till, technician)
    left = GRAND - 123984
    payout = await create(till, technician)
    assert (payout.status, payout.total_minor) == ("pending", 2 * 123984)
    assert (payout.cash_offset_minor, payout.net_minor) == (left, 2 * 123984 - left)
    assert payout.number == "PO-20260105-002"
    sums = await till.sums()
    assert sums["payout_clearing"] == payout.net_minor and "cash_in_hand" not in sums and "payable" not in sums
    await till.check()


async def test_a_failed_payout_restores_exactly(till: Till) -> None:
    technician = await till.world.technician()
    await cash_job(till, technician)
    for _ in range(3):
        await online_job(till, technician)
    before = await till.sums()
    payout = await create(till, technician)
    async with till.world.services.transaction() as tx:
        failed = await payouts.fail(tx, payout.id, failure_reason="Invalid bank account")
    assert failed.status == "failed" and failed.failure_reason == "Invalid bank account"
    assert await till.sums() == before
    again = await create(till, technician)
    assert again.net_minor == payout.net_minor and sorted(again.earning_ids) == sorted(payout.earning_ids)
    async with till.world.services.transaction() as tx:
        with pytest.raises(PayoutState):
            await payouts.process(tx, payout.id, bank_transaction_id="TXN1")
    await till.check()


async def test_processing_pays_the_earnings_and_needs_its_proof(till: Till) -> None:
    technician = await till.world.technician()
    await online_job(till, technician)
    payout = await create(till, technician)
    async with till.world.services.transaction() as tx:
        with pytest.raises(Invalid):
            await payouts.process(tx, payout.id, upi_transaction_id="only-upi")
        done = await payouts.process(tx, payout.id, bank_transaction_id="TXN123456", notes="NEFT")
    assert (done.status, done.bank_transaction_id, done.notes) == ("completed", "TXN123456", "NEFT")
    async with till.world.services.read() as conn:
        summary = await earnings.summary(conn, technician, currency="INR")
        listed = await payouts.page(conn, technician, Wanted(limit=5), "Asia/Kolkata")
    assert (summary.pending_minor, summary.paid_minor, summary.payable_minor) == (0, 123984, 0)
    assert listed.total == 1 and listed.rows[0].party_id == technician
    async with till.world.services.transaction() as tx:
        with pytest.raises(PayoutState):
            await payouts.fail(tx, payout.id, failure_reason="too late")
        with pytest.raises(Missing):
            await payouts.process(tx, uuid4(), bank_transaction_id="x")
    assert (await till.sums())["bank"] == 123984
    told = await till.world.fetch("SELECT technician_id, metadata FROM notifications WHERE type = 'payout_paid'")
    assert [(n["technician_id"], n["metadata"]) for n in told] == [(technician, {"payout_number": payout.number})]
    await till.check()


async def test_named_earnings_belong_to_one_payout(till: Till) -> None:
    one, two = await till.world.technician(km_north=1), await till.world.technician(km_north=2)
    first = await online_job(till, one)
    await online_job(till, one)
    async with till.world.services.read() as conn:
        page = await earnings.page(conn, one, Wanted(), "Asia/Kolkata")
    named = next(e.id for e in page.rows if e.booking_id == first)
    payout = await create(till, one, earning_ids=[named, named], method="upi")
    assert payout.earning_ids == [named] and payout.total_minor == 123984
    with pytest.raises(EarningsTaken):
        await create(till, one, earning_ids=[named])
    with pytest.raises(Invalid):
        await create(till, two, earning_ids=[named])
    with pytest.raises(NothingToPay):
        await create(till, two)
    with pytest.raises(Invalid):
        await create(till, one, method="cheque")
    await till.check()


async def test_parallel_payouts_take_each_earning_once(till: Till) -> None:
    technician = await till.world.technician()
    await online_job(till, technician)
    answers = await asyncio.gather(*(create(till, technician) for _ in range(6)), return_exceptions=True)
    made = [a for a in answers if isinstance(a, Payout)]
    assert len(made) == 1 and all(isinstance(a, NothingToPay) for a in answers if a is not made[0])
    await till.check()


# ---------------------------------------------------------------- by amount


async def test_an_amount_comes_out_of_the_oldest_earnings(till: Till) -> None:
    technician = await till.world.technician()
    for _ in range(2):
        await online_job(till, technician)
    first = await create(till, technician, amount_minor=SHARE + 1000)
    assert (first.total_minor, first.net_minor, len(first.earning_ids)) == (SHARE + 1000, SHARE + 1000, 2)
    assert (await summary(till, technician)).payable_minor == SHARE - 1000
    await till.check()
    async with till.world.services.transaction() as tx:
        await payouts.process(tx, first.id, bank_transaction_id="TXN1")
    sums = await summary(till, technician)
    assert (sums.paid_minor, sums.pending_minor, sums.payable_minor) == (SHARE + 1000, SHARE - 1000, SHARE - 1000)
    async with till.world.services.read() as conn:
        listed = await earnings.page(conn, technician, Wanted(limit=5), "Asia/Kolkata")
    assert sorted(e.status for e in listed.rows) == ["paid", "pending"]
    # The rest of the second earning goes with the next payout, of the whole.
    rest = await create(till, technician)
    assert (rest.total_minor, rest.earning_ids) == (SHARE - 1000, [first.earning_ids[1]])
    with pytest.raises(NothingToPay):
        await create(till, technician, amount_minor=1)
    await till.check()


async def test_an_amount_is_judged_by_the_balance_after_cash_in_hand(till: Till) -> None:
    technician = await till.world.technician()
    await cash_job(till, technician)
    with pytest.raises(BalanceTooSmall) as caught:
        await create(till, technician, amount_minor=1)
    assert caught.value.details == {"available_minor": 0, "asked_minor": 1}
    for _ in range(2):
        await online_job(till, technician)
    left = 3 * SHARE - GRAND
    with pytest.raises(BalanceTooSmall) as caught:
        await create(till, technician, amount_minor=left + 1)
    assert caught.value.details == {"available_minor": left, "asked_minor": left + 1}
    assert caught.value.message == f"At most {amount_text(left, 'INR')} can be paid out."
    payout = await create(till, technician, amount_minor=left - 500)
    assert (payout.net_minor, payout.cash_offset_minor) == (left - 500, GRAND)
    assert (await summary(till, technician)).payable_minor == 500
    for wrong in ({"amount_minor": 0}, {"amount_minor": -5}, {"amount_minor": 5, "earning_ids": [uuid4()]}):
        with pytest.raises(Invalid):
            await create(till, technician, **wrong)
    await till.check()


async def earning_provider(till: Till) -> Owned:
    """A provider one of whose technicians has done a job."""
    owned = await add_provider(till.world.services)
    technician = await till.world.technician()
    await enlist(till.world.services, technician, owned)
    await online_job(till, technician)
    return owned


async def test_earnings_are_paid_as_far_as_they_are_owed(till: Till) -> None:
    owned = await earning_provider(till)
    # As a bill of the plan, the wallet has paid something else.
    await fund(till.world.services, owned, -(SHARE - 130))
    with pytest.raises(Invalid, match="Deduction"):
        await create(till, owned.id, deduction_minor=131)
    payout = await create(till, owned.id, deduction_minor=30)
    assert (payout.total_minor, payout.net_minor) == (130, 100)
    with pytest.raises(NothingToPay):
        await create(till, owned.id)
    with pytest.raises(NothingToPay):
        await create(till, owned.id, earning_ids=payout.earning_ids)
    await fund(till.world.services, owned, 50)
    assert (await create(till, owned.id, earning_ids=payout.earning_ids)).total_minor == 50


async def test_an_amount_comes_out_of_what_is_owed_earned_by_jobs_or_not(till: Till) -> None:
    owned = await add_provider(till.world.services)
    await fund(till.world.services, owned, 5_000)
    payout = await create(till, owned.id, amount_minor=100)
    assert (payout.net_minor, payout.currency, payout.earning_ids) == (100, "INR", [])
    with pytest.raises(BalanceTooSmall):
        await create(till, owned.id, amount_minor=4_901)
    with pytest.raises(NothingToPay):
        await create(till, owned.id)


async def test_an_amount_names_its_currency_where_several_are_owed(till: Till) -> None:
    owned = await earning_provider(till)
    await fund(till.world.services, owned, 5_000, "USD")
    with pytest.raises(Invalid, match="INR, USD"):
        await create(till, owned.id, amount_minor=100)
    assert (await create(till, owned.id, amount_minor=100, currency="USD")).earning_ids == []
    rupees = await create(till, owned.id, amount_minor=100, currency="INR")
    assert (rupees.currency, len(rupees.earning_ids)) == ("INR", 1)
    with pytest.raises(Invalid, match="one currency"):
        await create(till, owned.id, earning_ids=rupees.earning_ids, currency="USD")
    with pytest.raises(NothingToPay):
        await create(till, owned.id, currency="USD")
    assert (await create(till, owned.id)).total_minor == SHARE - 100
    assert (await create(till, owned.id, amount_minor=100)).currency == "USD"


async def test_parallel_amounts_never_pass_the_balance(till: Till) -> None:
    technician = await till.world.technician()
    for _ in range(2):
        await online_job(till, technician)
    asked = 2 * SHARE // 5
    before = await till.deadlocks()
    answers = await asyncio.gather(
        *(create(till, technician, amount_minor=asked) for _ in range(9)), return_exceptions=True
    )
    made = [a for a in answers if isinstance(a, Payout)]
    assert len(made) == 5 and sum(isinstance(a, BalanceTooSmall) for a in answers) == 4
    assert (await summary(till, technician)).payable_minor == 2 * SHARE - 5 * asked
    assert await till.deadlocks() == before
    await till.check()


async def test_the_constraints_themselves_decide(till: Till) -> None:
    technician = await till.world.technician()
    await online_job(till, technician)
    with pytest.raises(Exception, match="earnings_never_over_paid"):
        await till.world.execute("UPDATE earnings SET claimed_minor = earning_minor + 1")
    with pytest.raises(Exception, match="earnings_never_over_paid"):
        await till.world.execute("UPDATE earnings SET paid_minor = 1")
    with pytest.raises(Exception, match="ledger_balance_sign"):
        await till.world.execute("UPDATE ledger_accounts SET balance_minor = -1 WHERE type = 'payable'")


async def test_a_part_that_fails_or_comes_back_waits_again(till: Till) -> None:
    technician = await till.world.technician()
    for _ in range(2):
        await online_job(till, technician)
    before = await till.sums()
    first = await create(till, technician, amount_minor=1000)
    second = await create(till, technician, amount_minor=SHARE)
    async with till.world.services.transaction() as tx:
        await payouts.fail(tx, first.id, failure_reason="Invalid bank account")
    await till.check()
    async with till.world.services.transaction() as tx:
        await payouts.process(tx, second.id, bank_transaction_id="TXN1")
    await till.check()
    async with till.world.services.transaction() as tx:
        await payouts.came_back(tx, await payouts.lock(tx, second.id), "account closed")
    assert await till.sums() == before
    again = await create(till, technician)
    assert again.total_minor == 2 * SHARE
    await till.check()


async def test_what_was_paid_by_hand_and_came_back_is_owed_again(till: Till) -> None:
    """The bank tells nobody but its customer: staff say so, once, of what was sent."""
    technician = await till.world.technician()
    await online_job(till, technician)
    before = await till.sums()
    payout = await create(till, technician)

    async def returned(payout_id: UUID) -> Payout:
        async with till.world.services.transaction() as tx:
            return await payouts.returned(tx, payout_id, reason="account closed")

    with pytest.raises(PayoutState, match="is pending"):
        await returned(payout.id)
    async with till.world.services.transaction() as tx:
        await payouts.process(tx, payout.id, bank_transaction_id="TXN1")
    back = await returned(payout.id)
    assert (back.status, back.failure_reason, await till.sums()) == ("failed", "account closed", before)
    with pytest.raises(PayoutState, match="is failed"):
        await returned(payout.id)
    phone = await till.world.value("SELECT phone FROM parties WHERE id = $1", technician)
    [told] = await till.world.fetch("SELECT recipient, body FROM outbox WHERE template = 'payout_owed_again'")
    assert told["recipient"] == phone and payout.number in told["body"] and told["body"].endswith("account closed")
    assert (await create(till, technician)).net_minor == payout.net_minor
    await till.check()


async def test_what_only_settled_cash_cannot_come_back(till: Till) -> None:
    technician = await till.world.technician()
    await cash_job(till, technician)
    settled = await create(till, technician)
    assert (settled.status, settled.net_minor) == ("completed", 0)
    async with till.world.services.transaction() as tx:
        with pytest.raises(PayoutState, match="No money was sent"):
            await payouts.returned(tx, settled.id, reason="?")


async def test_completions_and_payouts_of_one_payee_do_not_lock_each_other_up(till: Till) -> None:
    technician = await till.world.technician()
    await online_job(till, technician)
    before = await till.deadlocks()
    for _ in range(3):
        booking = await till.world.book()
        await till.world.accept(booking.id, technician)
        await asyncio.gather(till.work(booking, technician), create(till, technician, amount_minor=10))
    assert await till.deadlocks() == before
    await till.check()
