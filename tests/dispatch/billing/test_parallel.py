"""Two at once for each balance and counter of money: the second waits for the first, and then sees what it left.

Every case is interleaved by hand over two real connections, so that it fails when the lock that it needs is gone; and
no deadlock may happen on the way, which retries would hide.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch import numbers
from dispatch.billing import captures, charges, payout_sending, payouts, refunds
from dispatch.billing.captures import Outcome
from dispatch.billing.payouts import BalanceTooSmall, PayoutState
from dispatch.billing.refunds import OverRefund
from dispatch.engine import bookings
from dispatch.parties import bank_accounts
from dispatch.ports.gateway import GatewayPayment
from dispatch.services import Tx
from storage import quotas
from tests.dispatch.billing.till import GRAND, Till
from tests.world import until_waiting

Work = Callable[[Tx], Awaitable[Any]]


async def one_after_the_other(till: Till, first: Work, second: Work) -> tuple[Any, Any]:
    """Runs `first` up to its commit, starts `second` and sees it wait, lets the first commit; gives both results."""
    before = await till.deadlocks()
    services = till.world.services

    async def other() -> Any:
        try:
            async with services.transaction() as tx:
                return await second(tx)
        except Exception as e:
            return e

    async with services.transaction() as tx:
        led = await first(tx)
        task = asyncio.create_task(other())
        await until_waiting(till.world.services, task)
    followed = await task
    assert await till.deadlocks() == before
    return led, followed


def booked(till: Till, account_id: UUID, hours: float, *, use_wallet: bool = False) -> Work:
    """A new cash booking with its payment."""

    async def work(tx: Tx) -> Any:
        booking = await bookings.open_booking(tx, till.world.new_booking(account_id, hours=hours))
        await charges.open_payment(tx, booking, use_wallet=use_wallet)
        return booking

    return work


async def test_the_wallet_is_spent_once(till: Till) -> None:
    account = await till.rich(30000)
    one, two = await one_after_the_other(
        till, booked(till, account, 1.5, use_wallet=True), booked(till, account, 4, use_wallet=True)
    )
    shown = [await till.world.booking(b.id) for b in (one, two)]
    assert [(b.wallet_minor, b.to_collect_minor) for b in shown] == [(30000, GRAND - 30000), (0, GRAND)]
    await till.check()


async def test_an_old_fee_is_asked_for_once(till: Till) -> None:
    account = (await till.owing(17712)).account_id
    one, two = await one_after_the_other(till, booked(till, account, 1.5), booked(till, account, 4))
    shown = [await till.world.booking(b.id) for b in (one, two)]
    assert [b.outstanding_fee_minor for b in shown] == [17712, 0]


async def test_a_balance_is_paid_out_once(till: Till) -> None:
    technician = await till.world.technician()
    await till.finish(await till.paid(), technician)

    async def ask(tx: Tx) -> Any:
        return await payouts.create(tx, technician, method="upi", requested_by="x", amount_minor=100000)

    one, two = await one_after_the_other(till, ask, ask)
    assert one.net_minor == 100000 and isinstance(two, BalanceTooSmall)
    await till.check()


async def test_cash_in_hand_is_netted_once(till: Till) -> None:
    technician = await till.world.technician()
    await till.finish(await till.world.book(), technician)
    for hours in (4, 6):
        await till.finish(await till.paid(hours=hours), technician)

    async def ask(tx: Tx) -> Any:
        return await payouts.create(tx, technician, method="upi", requested_by="x", amount_minor=1000)

    one, two = await one_after_the_other(till, ask, ask)
    assert (one.cash_offset_minor, two.cash_offset_minor) == (GRAND, 0)
    await till.check()


async def test_a_payment_is_refunded_once(till: Till) -> None:
    booking = await till.paid()

    async def ask(tx: Tx) -> Any:
        return await refunds.request_for_booking(tx, booking.id, GRAND, reason="x", requested_by="x", to_wallet=True)

    _, two = await one_after_the_other(till, ask, ask)
    assert isinstance(two, OverRefund)
    await till.check()


async def test_a_capture_is_booked_once(deaf_till: Till) -> None:
    till = deaf_till
    booking, block = await till.online()
    payment = await till.payment(booking)
    told = GatewayPayment(
        "pay_Abcdefgh123456", block["order_id"], GRAND, "INR", "captured", "upi", True, 0, None, None, None, None,
        till.world.now,
    )  # fmt: skip

    async def hear(tx: Tx) -> Any:
        return await captures.captured(tx, payment, told)

    assert await one_after_the_other(till, hear, hear) == (Outcome.PAID, Outcome.KNOWN)
    assert (await till.sums())["prepaid"] == GRAND


async def test_a_payout_goes_one_way(till: Till) -> None:
    technician = await till.world.technician()
    await till.finish(await till.paid(), technician)
    async with till.world.services.transaction() as tx:
        await bank_accounts.replace(
            tx, technician, number="1234567890123", ifsc="HDFC0000001", bank_name="A bank",
            account_name="A technician", told_phone=None,
        )  # fmt: skip
        payout = await payouts.create(tx, technician, method="bank_transfer", requested_by="x")
    _, by_hand = await one_after_the_other(
        till,
        lambda tx: payout_sending.hand_over(tx, payout.id),
        lambda tx: payouts.process(tx, payout.id, bank_transaction_id="TXN1"),
    )
    assert isinstance(by_hand, PayoutState)
    await till.drain()
    assert len((await till.gw.state())["payouts"]) == 1
    await till.check()


async def test_a_quota_and_a_number_are_taken_once(till: Till) -> None:
    key = f"test:{uuid4()}"
    one, two = await one_after_the_other(
        till, lambda tx: quotas.take(tx.conn, key, 1, 3600), lambda tx: quotas.take(tx.conn, key, 1, 3600)
    )
    assert one == 0 and two > 3000
    day = till.world.now.date()
    one, two = await one_after_the_other(
        till, lambda tx: numbers.take(tx.conn, "PO", day), lambda tx: numbers.take(tx.conn, "PO", day)
    )
    assert one != two


@pytest.mark.parametrize("turn", range(3))
async def test_a_customers_wallet_and_debt_move_in_one_order(till: Till, turn: int) -> None:
    """A cancellation that refunds to the wallet and charges a fee, a payment that settles a debt, and a booking that
    spends the wallet: all of one customer and all at once."""
    account = (await till.owing(17712)).account_id
    async with till.world.services.transaction() as tx:
        await till.give(tx, account, 50000)
    part = await till.world.book(account, hours=3, use_wallet=True)
    async with till.world.services.transaction() as tx:
        await till.give(tx, account, 20000)
    due, block = await till.online(account, hours=5)
    reply = await till.gw.pay(block["order_id"])
    before = await till.deadlocks()
    await asyncio.gather(
        till.cancel(part, fee_minor=60000), till.verify(due, reply),
        till.world.book(account, hours=7, use_wallet=True),
    )  # fmt: skip
    assert await till.deadlocks() == before
    await till.drain()
    await till.check()
