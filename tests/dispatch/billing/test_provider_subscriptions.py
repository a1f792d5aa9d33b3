"""Subscriptions that are called off just as they are paid, and what one may not be."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from dispatch.billing import captures, provider_requests, provider_subscriptions, refunds, renewals
from dispatch.billing.provider_subscriptions import Change, NewSubscription
from dispatch.errors import Invalid
from dispatch.events import Actor
from storage.payment_requests import PaymentRequest
from storage.provider_subscriptions import Subscription
from tests.dispatch.billing.till import Till
from tests.providers import Owned, add_customer, add_provider, subscribe
from tests.turns import until_waiting

ACTOR = Actor("provider", "somebody")


async def request_of(till: Till, one: Subscription) -> PaymentRequest:
    """The newest request for it."""
    which = await till.world.value(
        "SELECT id FROM payment_requests WHERE purpose_id = $1 ORDER BY created_at DESC LIMIT 1", one.id
    )
    async with till.world.services.read() as conn:
        return await provider_requests.get(conn, one.provider_id, which)


async def line_of(till: Till, request: PaymentRequest) -> str:
    return str(await till.world.value("SELECT status FROM provider_transactions WHERE id = $1", request.transaction_id))


def cancelling(till: Till, one: Subscription, *, refund: bool) -> Any:
    return provider_subscriptions.cancel(
        till.world.services, one.provider_id, one.id, refund=refund, actor=ACTOR
    )  # fmt: skip


@pytest.mark.parametrize(("refund", "line", "given_back"), [(True, "refunded", 300_000), (False, "settled", None)])
async def test_one_that_is_paid_while_it_is_called_off(
    deaf_till: Till, refund: bool, line: str, given_back: int | None
) -> None:
    till = deaf_till
    one = await subscribe(till.world.services, await add_provider(till.world.services))
    request = await request_of(till, one)
    assert request.payment_id is not None
    payment, told = await till.reported(request.payment_id)
    before = await till.deadlocks()
    async with till.world.services.transaction() as tx:
        await captures.captured(tx, payment, told)
        task = asyncio.create_task(cancelling(till, one, refund=refund))
        await until_waiting(till.world.services, task)
    done = await task
    assert (done.status, done.refund_minor) == ("cancelled", given_back)
    await till.worker.run_due()
    await till.later(minutes=10)
    await till.worker.run_due()
    assert (await request_of(till, one)).status == "paid" and await line_of(till, request) == line
    assert await till.deadlocks() == before
    await till.check()


async def pay(till: Till, one: Subscription) -> UUID:
    """The newest request for it is paid at its page. Returns the payment."""
    await till.worker.run_due()
    request = await request_of(till, one)
    assert request.payment_id is not None
    payment, told = await till.reported(request.payment_id)
    async with till.world.services.transaction() as tx:
        assert await captures.captured(tx, payment, told) is captures.Outcome.PAID
    return request.payment_id


async def give_back(till: Till, payment_id: UUID, minor: int) -> None:
    async with till.world.services.transaction() as tx:
        await refunds.request(tx, payment_id, minor, reason="a complaint", requested_by="admin:1")


async def test_an_older_payment_gives_nothing_back_where_the_newest_went_back(deaf_till: Till) -> None:
    till = deaf_till
    one = await subscribe(till.world.services, await add_provider(till.world.services), auto_renew=True)
    await pay(till, one)
    await till.world.advance(days=28)
    assert (await renewals.turn(till.world.services))["asked"] == 1
    await give_back(till, await pay(till, one), 300_000)
    await till.world.advance(days=12)
    assert (await cancelling(till, one, refund=True)).refund_minor == 0
    await till.check()


async def test_no_more_goes_back_than_the_rest_of_what_was_paid(deaf_till: Till) -> None:
    till = deaf_till
    one = await subscribe(till.world.services, await add_provider(till.world.services))
    await give_back(till, await pay(till, one), 100_000)
    assert (await cancelling(till, one, refund=True)).refund_minor == 200_000
    await till.check()


async def test_a_first_payment_after_its_end_buys_the_time_from_then_on(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one = await subscribe(services, owned)
    over = await begin(
        till, owned, one.plan_name, starts_at=till.world.now - timedelta(days=60),
        ends_at=till.world.now - timedelta(days=30),
    )  # fmt: skip
    await till.world.advance(days=40)
    await renewals.turn(services)
    await pay(till, one)
    await pay(till, over)
    async with services.read() as conn:
        paid = await provider_subscriptions.get(conn, owned.id, one.id)
        written_down = await provider_subscriptions.get(conn, owned.id, over.id)
    assert (paid.status, paid.starts_at, paid.ends_at) == (
        "active", till.world.now, till.world.now + timedelta(days=30)
    )  # fmt: skip
    assert (written_down.status, written_down.ends_at) == ("expired", over.ends_at), "it was over from the start"
    assert (await cancelling(till, one, refund=True)).refund_minor == 300_000
    await till.check()


async def test_what_is_asked_for_follows_the_amount_and_the_plan(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one, year = await subscribe(services, owned), await subscribe(services, owned, 900_000)
    first = await request_of(till, one)
    kept = await provider_subscriptions.change(services, owned.id, one.id, Change(notes="Calls before"))
    assert (await request_of(till, kept)).id == first.id
    await till.world.advance(minutes=1)
    changed = await provider_subscriptions.change(services, owned.id, one.id, Change(amount_minor=50_000))
    second = await request_of(till, changed)
    assert (await line_of(till, first), second.amount_minor, second.status) == ("cancelled", 50_000, "pending")
    assert second.url is not None
    await till.world.advance(minutes=1)
    moved = await provider_subscriptions.change(services, owned.id, one.id, Change(plan_name=year.plan_name))
    third = await request_of(till, moved)
    assert (third.amount_minor, third.renews_days) == (900_000, None)
    await provider_subscriptions.change(services, owned.id, one.id, Change(amount_minor=0))
    assert await line_of(till, third) == "cancelled"


async def begin(till: Till, owned: Owned, plan_name: str, **values: Any) -> Subscription:
    customer: UUID = (await add_customer(till.world.services, owned)).id
    new = NewSubscription(customer, plan_name, **values)
    return await provider_subscriptions.create(till.world.services, owned.provider, new)


async def test_prices_that_nobody_can_be_asked_for(deaf_till: Till) -> None:
    till = deaf_till
    owned = await add_provider(till.world.services)
    one = await subscribe(till.world.services, owned)
    with pytest.raises(Invalid) as bad:
        await begin(till, owned, one.plan_name, currency="EUR")
    assert bad.value.fields.keys() == {"currency"}
    with pytest.raises(Invalid) as bad:
        await begin(till, owned, one.plan_name, amount_minor=99)
    assert bad.value.fields.keys() == {"amount"}
    with pytest.raises(Invalid) as bad:
        await provider_subscriptions.change(till.world.services, owned.id, one.id, Change(amount_minor=1))
    assert bad.value.fields.keys() == {"amount"}
    with pytest.raises(Invalid):
        await subscribe(till.world.services, owned, 99)
    made = await begin(till, owned, one.plan_name, currency="EUR", amount_minor=100)
    assert (made.currency, made.amount_minor) == ("EUR", 100)


async def test_calling_one_off_waits_for_its_request_before_it_holds_the_subscription(deaf_till: Till) -> None:
    """As whoever has the request paid: they hold it, and the subscription is the next that they need."""
    till, services = deaf_till, deaf_till.world.services
    one = await subscribe(services, await add_provider(services), auto_renew=True)
    await till.worker.run_due()
    await till.world.advance(days=28)
    assert (await renewals.turn(services))["asked"] == 1
    await till.worker.run_due()
    request = await request_of(till, one)
    assert request.renews_days == 30 and request.payment_id is not None
    payment, told = await till.reported(request.payment_id)
    before = await till.deadlocks()
    async with services.transaction() as tx:
        await provider_requests.lock(tx, one.provider_id, request.id)
        task = asyncio.create_task(cancelling(till, one, refund=True))
        await until_waiting(services, task)
        assert await captures.captured(tx, payment, told) is captures.Outcome.PAID
    done = await task
    assert (done.status, done.refund_minor) == ("cancelled", 300_000)
    assert await till.deadlocks() == before
    await till.check()


#: Days from now at which it begins and ends, seconds later than that, and what it is called.
NAMES = [
    (-30, 7, 0, "expiring_soon"), (-30, 7, 1, "active"), (-30, 0, 0, "expired"), (-30, 0, 1, "expiring_soon"),
    (-7, 30, 0, "active"), (-7, 30, 1, "new"),
]  # fmt: skip


async def test_what_a_subscription_is_called_changes_at_a_moment(till: Till) -> None:
    services = till.world.services
    one = await subscribe(services, await add_provider(services))
    for starts_days, ends_days, seconds, name in NAMES:
        then = till.world.now + timedelta(seconds=seconds)
        await till.world.execute(
            "UPDATE provider_subscriptions SET starts_at = $2, ends_at = $3 WHERE id = $1", one.id,
            then + timedelta(days=starts_days), then + timedelta(days=ends_days),
        )  # fmt: skip
        async with services.read() as conn:
            assert (await provider_subscriptions.get(conn, one.provider_id, one.id)).derived == name
