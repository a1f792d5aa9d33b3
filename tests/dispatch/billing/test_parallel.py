"""Two at once for each balance and counter of money: the second waits for the first, and then sees what it left.

Every case is interleaved by hand over two real connections, so that it fails when the lock that it needs is gone; and
no deadlock may happen on the way, which retries would hide.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch import numbers
from dispatch.billing import (
    captures,
    charges,
    payout_sending,
    payouts,
    promos,
    provider_subscriptions,
    refunds,
    renewals,
    trade_orders,
)
from dispatch.billing.captures import Outcome
from dispatch.billing.payouts import BalanceTooSmall, PayoutState
from dispatch.billing.promos import PromoIn, PromoUsedUp
from dispatch.billing.refunds import OverRefund
from dispatch.billing.trade_orders import CreditExceeded, OrderOver
from dispatch.engine import bookings
from dispatch.engine.bookings import NewItem
from dispatch.parties import bank_accounts, budgets, partner_credit
from dispatch.parties.budgets import BudgetExceeded, BudgetTooLow, Rules
from dispatch.ports.gateway import GatewayPayment
from dispatch.services import Tx
from storage import promos as promo_rows
from storage import quotas
from storage import trade_orders as order_rows
from storage.bookings import Booking
from tests import turns
from tests.dispatch.billing.till import GRAND, Till
from tests.organisations import add_organisation
from tests.providers import add_provider, subscribe
from tests.trade import CLERK, add_partner, partner_now
from tests.turns import Work, one_after_the_other


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
        till.world.services, booked(till, account, 1.5, use_wallet=True), booked(till, account, 4, use_wallet=True)
    )
    shown = [await till.world.booking(b.id) for b in (one, two)]
    assert [(b.wallet_minor, b.to_collect_minor) for b in shown] == [(30000, GRAND - 30000), (0, GRAND)]
    await till.check()


async def test_an_old_fee_is_asked_for_once(till: Till) -> None:
    account = (await till.owing(17712)).account_id
    one, two = await one_after_the_other(till.world.services, booked(till, account, 1.5), booked(till, account, 4))
    shown = [await till.world.booking(b.id) for b in (one, two)]
    assert [b.outstanding_fee_minor for b in shown] == [17712, 0]


async def test_a_balance_is_paid_out_once(till: Till) -> None:
    technician = await till.world.technician()
    await till.finish(await till.paid(), technician)

    async def ask(tx: Tx) -> Any:
        return await payouts.create(tx, technician, method="upi", requested_by="x", amount_minor=100000)

    one, two = await one_after_the_other(till.world.services, ask, ask)
    assert one.net_minor == 100000 and isinstance(two, BalanceTooSmall)
    await till.check()


async def test_cash_in_hand_is_netted_once(till: Till) -> None:
    technician = await till.world.technician()
    await till.finish(await till.world.book(), technician)
    for hours in (4, 6):
        await till.finish(await till.paid(hours=hours), technician)

    async def ask(tx: Tx) -> Any:
        return await payouts.create(tx, technician, method="upi", requested_by="x", amount_minor=1000)

    one, two = await one_after_the_other(till.world.services, ask, ask)
    assert (one.cash_offset_minor, two.cash_offset_minor) == (GRAND, 0)
    await till.check()


async def test_a_payment_is_refunded_once(till: Till) -> None:
    booking = await till.paid()

    async def ask(tx: Tx) -> Any:
        return await refunds.request_for_booking(tx, booking.id, GRAND, reason="x", requested_by="x", to_wallet=True)

    _, two = await one_after_the_other(till.world.services, ask, ask)
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

    assert await one_after_the_other(till.world.services, hear, hear) == (Outcome.PAID, Outcome.KNOWN)
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
        till.world.services,
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
        till.world.services, *(lambda tx: quotas.take(tx.conn, key, 1, 3600) for _ in range(2))
    )
    assert one == 0 and two > 3000
    day = till.world.now.date()
    one, two = await one_after_the_other(
        till.world.services, *(lambda tx: numbers.take(tx.conn, "PO", day) for _ in range(2))
    )
    assert one != two


@pytest.mark.parametrize(("limits", "is_same"), [({"per_user_limit": 1}, True), ({"total_limit": 1}, False)])
async def test_a_promo_code_is_used_as_often_as_it_may_be(till: Till, limits: dict[str, int], is_same: bool) -> None:
    """By one customer, and by all of them."""
    services = till.world.services
    async with services.transaction() as tx:
        code = await promos.upsert(tx, PromoIn("ONCE", "INR", discount_minor=5000, **limits))
    one = await till.world.book(hours=2)
    two = await till.world.book(one.account_id if is_same else None, hours=5)

    def using(booking: Booking) -> Work:
        return lambda tx: promos.redeem(tx, code, booking.account_id, booking.id, 5000)

    _, refused = await one_after_the_other(services, using(one), using(two))
    assert isinstance(refused, PromoUsedUp)
    # A use that is given back may be had again, once.
    async with services.transaction() as tx:
        await promos.release(tx, one.id)
    third, refused = await one_after_the_other(services, using(two), using(one))
    assert third is None and isinstance(refused, PromoUsedUp)
    async with services.read() as conn:
        assert await promo_rows.used_count(conn, promo_code_id=code) == 1


async def test_a_budget_is_passed_by_nobody(till: Till) -> None:
    """By two who reserve, in a month that is open and in one that both open; by one who reserves while it is cut."""
    services, day = till.world.services, till.world.now.date()
    home = await add_organisation(services)
    place = await home.department("Works")
    month, later = budgets.month_of(day), budgets.month_of(day + timedelta(days=40))

    def allotting(amount_minor: int) -> Work:
        rules = Rules(allow_overspend=False)
        return lambda tx: budgets.allocate(tx, home.id, place.id, day, amount_minor, rules=rules, set_by="a test")

    def reserving(amounts: dict[date, int]) -> Work:
        return lambda tx: budgets.reserve(tx, home.id, place.id, amounts, ["facial"])

    async with services.transaction() as tx:
        await allotting(1000)(tx)
        await reserving({month: 100})(tx)
    for first in (month, later):
        _, refused = await one_after_the_other(services, reserving({first: 600}), reserving({first: 600}))
        assert isinstance(refused, BudgetExceeded)
    async with services.transaction() as tx:
        await budgets.release(tx, home.id, place.id, {month: 700, later: 600})
    _, refused = await one_after_the_other(services, allotting(300), reserving({month: 400}))
    assert isinstance(refused, BudgetExceeded)
    _, refused = await one_after_the_other(services, reserving({month: 300}), allotting(200))
    assert isinstance(refused, BudgetTooLow)
    async with services.read() as conn:
        stands = (await budgets.standing(conn, home.id, month))[place.id]
    assert (stands.amount_minor, stands.reserved_minor) == (300, 300)


async def test_the_credit_of_a_trade_partner_is_taken_once(till: Till) -> None:
    """By two orders; and an order that comes while the limit is cut sees the new one."""
    services = till.world.services
    partner = await add_partner(services, credit_limit_minor=150_00)
    async with services.read() as conn:
        terms = await order_rows.terms(conn, no=partner.no)
    assert terms is not None
    item = NewItem(till.world.service_ids["Facial"], "Facial", "Facial", "Minimal", 1, 60, 100_00, 100_00)
    quote = trade_orders.Quote(partner.party_id, (item,), trade_orders.Price(100_00, 0, 0, 0))

    async def order(tx: Tx) -> Any:
        return await trade_orders.order(tx, CLERK, terms, quote)

    def limited(minor: int) -> Work:
        return lambda tx: partner_credit.set_limit(tx, CLERK, partner.no, minor, "a test")

    one, refused = await one_after_the_other(services, order, order)
    assert isinstance(refused, CreditExceeded)
    async with services.transaction() as tx:
        await limited(200_00)(tx)
    _, refused = await one_after_the_other(services, limited(150_00), order)
    assert isinstance(refused, CreditExceeded)
    # What is given back is there for who waits for it; nobody gives it back twice.
    two, again = await one_after_the_other(services, lambda tx: trade_orders.cancel(tx, CLERK, one.id, "no"), order)
    assert two.status == "CANCELLED" and again.status == "CONFIRMED"
    _, refused = await one_after_the_other(
        services, lambda tx: trade_orders.cancel(tx, CLERK, again.id, "no"),
        lambda tx: trade_orders.cancel(tx, CLERK, again.id, "no"),
    )  # fmt: skip
    assert isinstance(refused, OrderOver)
    assert (await partner_now(services, partner.no)).credit_used_minor == 0
    await till.check()


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_subscription_is_renewed_once_and_not_after_its_end(deaf_till: Till, is_cancelled: bool) -> None:
    """Two clocks come to one that somebody else is holding: one of them asks, and none where it was cancelled."""
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one = await subscribe(services, owned, 0, auto_renew=True)
    await till.world.advance(days=28)
    before = await turns.deadlocks(services)
    async with services.transaction() as tx:
        await provider_subscriptions.lock(tx, owned.id, one.id)
        clocks = [asyncio.create_task(renewals.turn(services)) for _ in range(2)]
        await turns.until_waiting(services, *clocks)
        if is_cancelled:
            await provider_subscriptions.rows.cancel(tx.conn, id=one.id, refund_minor=None)
    done = await asyncio.gather(*clocks)
    assert sorted(d["asked"] for d in done) == ([0, 0] if is_cancelled else [0, 1])
    async with services.read() as conn:
        after = await provider_subscriptions.get(conn, owned.id, one.id)
    assert (after.ends_at - one.ends_at).days == (0 if is_cancelled else 30)
    assert await turns.deadlocks(services) == before


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
