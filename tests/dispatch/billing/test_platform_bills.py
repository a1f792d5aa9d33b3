"""Plans that providers pay the platform for: begun, gone on with, changed, ended; a bill is paid once or not at all."""

from __future__ import annotations

import asyncio
from datetime import date, time, timedelta
from uuid import UUID

import pytest

from dispatch.billing import ledger, platform_bills, platform_plans, provider_dashboard, provider_wallet
from dispatch.billing.ledger import Line
from dispatch.billing.periods import Span
from dispatch.billing.platform_bills import (
    DUE_DAYS,
    MOST_UNPAID,
    UNPAID_DAYS,
    BillClosed,
    Standing,
    TooManyUnpaid,
    after_months,
)
from dispatch.errors import Invalid
from dispatch.localtime import local, to_utc
from dispatch.parties import providers
from dispatch.services import Tx
from storage import platform_bills as rows
from storage.platform_bills import Bill
from tests.dispatch.billing.till import STAFF, Till
from tests.providers import Owned, add_provider, ask, fund
from tests.turns import side_by_side


async def plans(till: Till) -> None:
    """Basic for 500.00 a month, Pro for 1000.00, both in INR."""
    async with till.world.services.transaction() as tx:
        for name, minor in (("Basic", 50_000), ("Pro", 100_000)):
            await platform_plans.create(
                tx, STAFF, name=name, currency="INR", monthly_minor=minor, yearly_minor=minor * 10, features=[]
            )


async def choose(till: Till, owned: Owned, name: str) -> None:
    await till.world.services.retrying(lambda tx: platform_bills.choose(tx, owned.id, name))


async def cancel(till: Till, owned: Owned) -> None:
    await till.world.services.retrying(lambda tx: platform_bills.cancel(tx, owned.id))


async def earn(till: Till, owned: Owned, minor: int) -> None:
    """A customer pays the provider so much."""
    request = await ask(till.world.services, owned, minor)
    assert request.payment_id is not None
    await till.reported(request.payment_id)
    await till.later(minutes=3)
    await till.worker.run_due()


async def standing(till: Till, owned: Owned) -> Standing:
    async with till.world.services.read() as conn:
        today = local(till.world.now, owned.provider.timezone).date()
        return await platform_bills.standing(conn, owned.provider, today)


async def bills(till: Till, owned: Owned) -> list[Bill]:
    async with till.world.services.read() as conn:
        return await platform_bills.newest(conn, owned.id)


async def held(till: Till, owned: Owned) -> int:
    async with till.world.services.read() as conn:
        found = await provider_wallet.balances(conn, owned.id)
    return next((b.available_minor for b in found if b.currency == "INR"), 0)


async def letters(till: Till) -> list[str]:
    found = await till.world.fetch("SELECT template FROM outbox WHERE template LIKE 'plan_%' ORDER BY id")
    return [row["template"] for row in found]


async def turn(till: Till) -> dict[str, int]:
    return await platform_bills.turn(till.world.services)


def test_a_month_without_the_day_has_its_last_one_and_the_next_the_day_again() -> None:
    assert after_months(date(2026, 1, 31), 1, 31) == date(2026, 2, 28)
    assert after_months(date(2026, 2, 28), 1, 31) == date(2026, 3, 31)
    assert after_months(date(2028, 2, 29), 12, 29) == date(2029, 2, 28)


async def test_a_plan_is_taken_from_the_wallet_period_by_period(deaf_till: Till) -> None:
    till, owned = deaf_till, await add_provider(deaf_till.world.services)
    await plans(till)
    assert (await standing(till, owned)).name == "Free"
    await earn(till, owned, 120_000)
    await asyncio.gather(*(choose(till, owned, "basic") for _ in range(4)))
    (first,) = await bills(till, owned)
    assert (first.status, first.paid_by, first.amount_minor) == ("paid", "wallet", 50_000)
    assert (first.starts_on, first.ends_on) == (date(2026, 1, 5), date(2026, 2, 5))
    assert await held(till, owned) == 70_000 and await letters(till) == []
    await choose(till, owned, "Pro")
    now = await standing(till, owned)
    assert (now.name, now.amount_minor, now.days_left, now.next_name) == ("Basic", 50_000, 31, "Pro")
    await till.world.advance(days=31)
    assert await turn(till) == {"heard": 0, "made": 1, "closed": 0}
    newest, _ = await bills(till, owned)
    assert (newest.plan_name, newest.status, newest.starts_on) == ("Pro", "open", date(2026, 2, 5))
    assert await letters(till) == ["plan_bill"], "the wallet holds less than it"
    await earn(till, owned, 30_000)
    assert await turn(till) == {"heard": 0, "made": 0, "closed": 1}
    assert [b.status for b in await bills(till, owned)] == ["paid", "paid"] and await held(till, owned) == 0
    await cancel(till, owned)
    assert (await standing(till, owned)).is_ending
    await till.world.advance(days=28)
    await turn(till)
    assert (await standing(till, owned)).name == "Free" and len(await bills(till, owned)) == 2
    await till.check()


async def test_an_open_bill_is_paid_at_its_page_once(deaf_till: Till) -> None:
    till, owned = deaf_till, await add_provider(deaf_till.world.services)
    await plans(till)
    await choose(till, owned, "Basic")
    (bill,) = await bills(till, owned)
    page = await platform_bills.pay(till.world.services, owned.id, bill.number)
    assert page == await platform_bills.pay(till.world.services, owned.id, bill.number)
    await pay_at(till, page)
    assert (await turn(till))["heard"] == 1 and (await turn(till))["heard"] == 0
    (bill,) = await bills(till, owned)
    assert (bill.status, bill.paid_by, bill.link_is_open) == ("paid", "link", False)
    with pytest.raises(BillClosed):
        await platform_bills.pay(till.world.services, owned.id, bill.number)
    assert await held(till, owned) == 0
    await till.check()


async def test_what_nobody_pays_ends_the_plan_and_what_comes_then_is_the_providers(deaf_till: Till) -> None:
    till, owned = deaf_till, await add_provider(deaf_till.world.services)
    await plans(till)
    await choose(till, owned, "Basic")
    (bill,) = await bills(till, owned)
    page = await platform_bills.pay(till.world.services, owned.id, bill.number)
    await till.world.advance(days=DUE_DAYS)
    assert (await turn(till))["closed"] == 0, "its last day is not over"
    await till.world.advance(days=1)
    assert (await turn(till))["closed"] == 1
    assert (await standing(till, owned)).name == "Free" and await bills(till, owned) == []
    await pay_at(till, page)
    assert (await turn(till))["heard"] == 1
    assert await held(till, owned) == 50_000
    assert await letters(till) == ["plan_bill", "plan_over"]
    await till.check()


async def test_another_plan_before_the_first_is_paid_for_takes_its_place(deaf_till: Till) -> None:
    till, owned = deaf_till, await add_provider(deaf_till.world.services)
    await plans(till)
    await choose(till, owned, "Basic")
    (first,) = await bills(till, owned)
    page = await platform_bills.pay(till.world.services, owned.id, first.number)
    await choose(till, owned, "Pro")
    (bill,) = await bills(till, owned)
    assert (bill.plan_name, bill.amount_minor) == ("Pro", 100_000)
    await turn(till)
    assert (await till.gateway.fetch_payment_link(page.gateway_link_id or "")).status == "cancelled"
    await cancel(till, owned)
    await cancel(till, owned)
    assert (await standing(till, owned)).name == "Free" and await bills(till, owned) == []
    with pytest.raises(Invalid):
        await choose(till, owned, "Gold")
    async with till.world.services.transaction() as tx:
        [pro] = [plan for plan in await platform_plans.all(tx.conn) if plan.name == "Pro"]
        await platform_plans.change(
            tx, STAFF, pro.id, name=None, monthly_minor=None, yearly_minor=None, features=None, is_active=False
        )
    with pytest.raises(Invalid):
        await choose(till, owned, "Pro")
    abroad = await add_provider(till.world.services, currency="NGN")
    with pytest.raises(Invalid):
        await choose(till, abroad, "Basic")


async def test_choosing_again_puts_no_payment_off(deaf_till: Till) -> None:
    """The bill of another plan is for the same days and due on the same one; few may come to nothing, then no more."""
    till, owned = deaf_till, await add_provider(deaf_till.world.services)
    await plans(till)
    await choose(till, owned, "Basic")
    (first,) = await bills(till, owned)
    await till.world.advance(days=DUE_DAYS - 1)
    for n in range(MOST_UNPAID):
        await choose(till, owned, "Basic" if n % 2 else "Pro")
        (bill,) = await bills(till, owned)
        assert (bill.starts_on, bill.ends_on, bill.due_on) == (first.starts_on, first.ends_on, first.due_on)
    with pytest.raises(TooManyUnpaid):
        await choose(till, owned, "Basic")
    assert await bills(till, owned) == [bill], "what is open stays as it was"
    # Nor by leaving and coming back.
    await cancel(till, owned)
    with pytest.raises(TooManyUnpaid):
        await choose(till, owned, "Basic")
    assert (await standing(till, owned)).name == "Free"
    # With its money a plan begins at once, and in time without.
    await earn(till, owned, 50_000)
    await choose(till, owned, "Basic")
    assert [b.status for b in await bills(till, owned)] == ["paid"] and await held(till, owned) == 0
    other = await add_provider(till.world.services)
    for _ in range(MOST_UNPAID + 1):
        await choose(till, other, "Basic")
        await cancel(till, other)
    with pytest.raises(TooManyUnpaid):
        await choose(till, other, "Basic")
    await till.world.advance(days=UNPAID_DAYS)
    await choose(till, other, "Basic")
    assert [b.status for b in await bills(till, other)] == ["open"]
    await till.check()


async def test_the_next_bill_comes_with_its_day_where_the_provider_is(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services, timezone="Pacific/Kiritimati")
    await plans(till)
    await fund(services, owned, 100_000)
    await choose(till, owned, "Basic")
    (first,) = await bills(till, owned)
    begins = to_utc(first.ends_on, time(), "Pacific/Kiritimati")
    await till.world.advance(seconds=(begins - till.world.now).total_seconds() - 60)
    assert (await turn(till))["made"] == 0
    await till.world.advance(minutes=2)
    assert till.world.now.date() < first.ends_on
    assert (await turn(till))["made"] == 1


async def test_what_was_taken_at_the_door_pays_no_bill(deaf_till: Till) -> None:
    till, owned = deaf_till, await add_provider(deaf_till.world.services)
    await plans(till)
    await fund(till.world.services, owned, 50_000)
    async with till.world.services.transaction() as tx:
        lines = [Line(ledger.cash_in_hand(owned.id, "INR"), -1), Line(ledger.platform("refunds", "INR"), 1)]
        await ledger.post(tx, "goodwill", "a coin", lines)
    await choose(till, owned, "Basic")
    assert [b.status for b in await bills(till, owned)] == ["open"] and await held(till, owned) == 49_999


@pytest.mark.parametrize("is_closed", [False, True])
async def test_what_a_page_says_counts_once_whoever_hears_it(deaf_till: Till, is_closed: bool) -> None:
    """By its event and by being asked, at the same time; also money for a bill that nobody waits for."""
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    await plans(till)
    await choose(till, owned, "Basic")
    (bill,) = await bills(till, owned)
    page = await platform_bills.pay(services, owned.id, bill.number)
    await pay_at(till, page)
    if is_closed:
        await cancel(till, owned)
    link = await till.gateway.fetch_payment_link(page.gateway_link_id or "")
    heard = await asyncio.gather(*(platform_bills.hear(services, page, link) for _ in range(3)))
    assert sorted(heard) == [False, False, True]
    assert await held(till, owned) == (50_000 if is_closed else 0)
    stated = await till.world.fetch("SELECT type, amount_minor FROM provider_transactions")
    assert [tuple(row) for row in stated] == ([("credit", 50_000)] if is_closed else [])
    async with services.read() as conn:
        provider, day = await providers.get(conn, owned.id), till.world.now.date()
        span = Span(day - timedelta(days=1), day + timedelta(days=1))
        assert await provider_dashboard.income(conn, provider, span) == 0, "its own money in its wallet is no income"
    await till.check()


async def pay_at(till: Till, bill: Bill) -> None:
    link = await till.gateway.fetch_payment_link(bill.gateway_link_id or "")
    assert link.order_id is not None
    await till.gw.pay(link.order_id)


async def test_two_nodes_ask_about_different_pages(deaf_till: Till) -> None:
    till, services, made = deaf_till, deaf_till.world.services, set()
    await plans(till)
    for _ in range(2):
        owned = await add_provider(services)
        await choose(till, owned, "Basic")
        (bill,) = await bills(till, owned)
        await platform_bills.pay(services, owned.id, bill.number)
        made.add(bill.id)

    async def ask(tx: Tx) -> list[UUID]:
        return [b.id for b in await rows.claim_links(tx.conn, most=1)]

    one, two = await side_by_side(services, ask, ask)
    assert len(one) == len(two) == 1 and {*one, *two} == made
