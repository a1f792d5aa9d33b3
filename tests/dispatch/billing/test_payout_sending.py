"""Payouts through the gateway: sent once whatever is lost on the way, and undone exactly when they fail."""

from __future__ import annotations

from uuid import UUID

import pytest

from dispatch.billing import payout_sending, payouts
from dispatch.billing.payout_sending import PayoutsByHand
from dispatch.billing.payouts import PayoutState
from dispatch.errors import Invalid
from dispatch.parties import bank_accounts
from dispatch.ports.gateway import GatewayPayout
from storage.payouts import Payout
from tests.dispatch.billing.test_intents import OUTAGES, sit_out
from tests.dispatch.billing.till import Till
from tests.world import World


async def owed(till: Till, *, with_account: bool = True) -> Payout:
    """A pending payout of one online job."""
    technician = await till.world.technician()
    await till.finish(await till.paid(), technician)
    async with till.world.services.transaction() as tx:
        if with_account:
            await bank_accounts.replace(
                tx, technician, number="1234567890123", ifsc="HDFC0000001", bank_name="A bank",
                account_name="A technician", told_phone=None,
            )  # fmt: skip
        return await payouts.create(tx, technician, method="bank_transfer", requested_by="staff-1")


async def hand_over(till: Till, payout_id: UUID) -> Payout:
    async with till.world.services.transaction() as tx:
        return await payout_sending.hand_over(tx, payout_id)


async def now(till: Till, payout_id: UUID) -> Payout:
    async with till.world.services.read() as conn:
        return await payouts.get(conn, payout_id)


async def test_the_gateway_sends_a_payout(till: Till) -> None:
    payout = await owed(till)
    assert (await hand_over(till, payout.id)).status == "processing"
    async with till.world.services.transaction() as tx:
        with pytest.raises(PayoutState):
            await payouts.process(tx, payout.id, bank_transaction_id="TXN1")
        with pytest.raises(PayoutState):
            await payouts.fail(tx, payout.id, failure_reason="impatience")
        with pytest.raises(PayoutState):
            await payout_sending.hand_over(tx, payout.id)
    await till.drain()
    done = await now(till, payout.id)
    assert done.status == "completed" and done.gateway_payout_id and done.processed_at
    assert (await till.sums())["bank"] == payout.net_minor
    assert [p["amount"] for p in (await till.gw.state())["payouts"].values()] == [payout.net_minor]
    # Its coming back is the gateway's to tell: staff and it would give the same money back twice.
    async with till.world.services.transaction() as tx:
        with pytest.raises(PayoutState, match="The gateway has sent"):
            await payouts.returned(tx, payout.id, reason="they say that it never came")
    await till.check()


@pytest.mark.parametrize("till", [1.0], indirect=True)
@pytest.mark.parametrize("fault", ["hang", "close", "garbage", "error_500", "throttle"])
async def test_a_lost_answer_never_sends_twice(till: Till, fault: str) -> None:
    payout = await owed(till)
    await till.gw.control(api=[{"fault": fault, "next": 2, "match": "POST /v1/payouts", "seconds": 2}])
    await hand_over(till, payout.id)
    await till.drain()
    assert (await now(till, payout.id)).status == "completed"
    assert len((await till.gw.state())["payouts"]) == 1
    await till.check()


@pytest.mark.parametrize("has_effect", [False, True])
async def test_a_payout_sits_out_an_outage_and_goes_once(till: Till, has_effect: bool) -> None:
    payout = await owed(till)
    await till.away(has_effect=has_effect, match="* /v1/payouts*")
    await hand_over(till, payout.id)
    await till.worker.run_due()
    await sit_out(till, OUTAGES["23 hours"])
    # One that went all the same is told of by the gateway itself.
    assert (await now(till, payout.id)).status == ("completed" if has_effect else "processing")
    # Of the payout, that is: the job behind it was done before its start.
    assert await till.alerts() == ["doubtful"]
    await till.back()
    await till.later(minutes=25)
    await till.drain()
    assert (await now(till, payout.id)).status == "completed" and await till.alerts() == ["doubtful"]
    assert [p["amount"] for p in (await till.gw.state())["payouts"].values()] == [payout.net_minor]
    await till.check()


@pytest.mark.parametrize(("manner", "status"), [("processed", "completed"), ("failed", "failed")])
async def test_what_waits_for_a_person_is_settled_by_the_gateways_late_word(
    till: Till, manner: str, status: str
) -> None:
    """It was out of reach for a day, and then tells by itself how it ended: nobody need ask it again."""
    payout = await owed(till)
    await till.away(match="* /v1/payouts*")
    await hand_over(till, payout.id)
    await till.worker.run_due()
    await sit_out(till, [*OUTAGES["23 hours"], 7200.0, 7200.0])
    assert await till.intents() == [("order", "done"), ("payout", "manual_review")]
    assert "payout_review" in await till.alerts()
    told = GatewayPayout(
        "pout_late", "fa_1", payout.net_minor, "INR", manner, "NEFT", "UTR1", payout.number, None, till.world.now
    )
    async with till.world.services.transaction() as tx:
        await payout_sending.heard(tx, payout.id, told)
    assert (await now(till, payout.id)).status == status
    assert await till.intents() == [("order", "done"), ("payout", "done")]
    assert "payout_review" not in await till.alerts()
    await till.check()


@pytest.mark.parametrize("manner", ["failed", "reversed"])
async def test_a_payout_that_comes_back_gives_back(till: Till, manner: str) -> None:
    payout = await owed(till)
    await till.gw.control(payouts=manner, settle_s=0)
    await hand_over(till, payout.id)
    await till.drain()
    await till.gw.control(settle=True)
    await till.drain()
    found = await now(till, payout.id)
    if found.status == "failed":
        assert (await till.sums())["payable"] == payout.total_minor and found.failure_reason
    else:
        # It had been processed before it came back: that is for a person.
        assert await till.world.value("SELECT count(*) FROM alerts WHERE kind LIKE 'payout_review%'") == 1
    await till.check()


async def test_a_payout_of_which_nobody_tells_is_asked_about(till: Till) -> None:
    payout = await owed(till)
    await till.gw.control(payouts="queued", settle_s=3600, webhooks={"drop": {"probability": 1.0}})
    await hand_over(till, payout.id)
    await till.drain()
    assert (await now(till, payout.id)).status == "processing"
    await till.gw.control(payouts="processed", settle=True)
    await till.world.execute("UPDATE payouts SET poll_at = clock_timestamp()")
    await till.drain()
    assert (await now(till, payout.id)).status in ("completed", "processing")
    await till.check()


@pytest.mark.parametrize(("more_minor", "currency"), [(1, "INR"), (-1, "INR"), (0, "USD")])
async def test_what_is_another_amount_or_currency_is_for_a_person(till: Till, more_minor: int, currency: str) -> None:
    payout = await owed(till)
    await hand_over(till, payout.id)
    told = GatewayPayout(
        "pout_other", "fa_1", payout.net_minor + more_minor, currency, "processed", "NEFT", "UTR1", payout.number, None,
        till.world.now,
    )  # fmt: skip
    async with till.world.services.transaction() as tx:
        await payout_sending.heard(tx, payout.id, told)
    found = await now(till, payout.id)
    assert (found.status, found.gateway_payout_id) == ("processing", None)
    assert await till.world.value("SELECT count(*) FROM alerts WHERE kind = 'payout_review'") == 1


@pytest.mark.parametrize("with_account", [True, False])
async def test_it_goes_to_the_account_that_is_on_file_when_it_is_sent(till: Till, with_account: bool) -> None:
    """Also one that was made before there was an account: whoever adds theirs is paid."""
    payout = await owed(till, with_account=with_account)
    async with till.world.services.transaction() as tx:
        account = await bank_accounts.replace(
            tx, payout.party_id, number="9876543210987", ifsc="ICIC0000002", bank_name="Another bank",
            account_name="A technician", told_phone=None,
        )  # fmt: skip
    assert (await hand_over(till, payout.id)).bank_account_id == account.id
    await till.drain()
    assert (await now(till, payout.id)).status == "completed"
    # The gateway knows no other account.
    known = await till.world.fetch("SELECT id FROM bank_accounts WHERE fund_account_id IS NOT NULL")
    assert [row["id"] for row in known] == [account.id]


async def test_what_cannot_be_sent_is_said(till: Till, world: World) -> None:
    payout = await owed(till, with_account=False)
    with pytest.raises(Invalid):
        await hand_over(till, payout.id)
    async with world.services.transaction() as tx:
        with pytest.raises(PayoutsByHand):
            await payout_sending.hand_over(tx, payout.id)
