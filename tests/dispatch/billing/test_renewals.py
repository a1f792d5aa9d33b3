"""The clock's turn over subscriptions: it waits for nobody's page, and one that cannot be done stops no other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dispatch.billing import provider_requests, provider_subscriptions, renewals
from dispatch.billing.provider_subscriptions import Change
from dispatch.errors import Conflict
from storage import provider_subscriptions as rows
from storage.provider_subscriptions import Subscription
from tests.dispatch.billing.test_subscription_notices import told
from tests.dispatch.billing.till import Till
from tests.providers import add_provider, subscribe


async def now(till: Till, one: Subscription) -> Subscription:
    async with till.world.services.read() as conn:
        return await provider_subscriptions.get(conn, one.provider_id, one.id)


async def test_what_costs_nothing_goes_on_without_a_request(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    free = await subscribe(services, owned, 0, auto_renew=True)
    once = await subscribe(services, owned, 0)
    await till.world.advance(days=28)
    assert (await renewals.turn(services))["asked"] == 1
    assert (await renewals.turn(services))["asked"] == 0
    await till.world.advance(days=3)
    assert (await renewals.turn(services))["ended"] == 1
    shown = await now(till, free)
    assert (shown.status, (shown.ends_at - free.ends_at).days) == ("active", 30)
    assert (await now(till, once)).status == "expired"
    assert await till.world.value("SELECT count(*) FROM payment_requests") == 0


async def test_two_nodes_end_each_once_and_one_that_cannot_end_stops_no_other(
    deaf_till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    bad, *good = [await subscribe(services, owned, 0) for _ in range(3)]
    await till.world.advance(days=31)
    tell = provider_subscriptions.tell

    async def hurt(tx: Any, provider_id: Any, subscription_id: Any) -> None:
        if subscription_id == bad.id:
            raise Conflict
        await tell(tx, provider_id, subscription_id)

    monkeypatch.setattr(provider_subscriptions, "tell", hurt)
    turns = await asyncio.gather(*(renewals.turn(services) for _ in range(2)))
    assert sum(one["ended"] for one in turns) == 2
    assert [(await now(till, one)).status for one in (bad, *good)] == ["active", "expired", "expired"]
    monkeypatch.setattr(provider_subscriptions, "tell", tell)
    assert (await renewals.turn(services))["ended"] == 1 and (await now(till, bad)).status == "expired"


async def test_it_ends_at_its_moment_and_money_that_comes_later_counts_from_then(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one = await subscribe(services, owned, auto_renew=True)
    await till.world.advance(days=28)
    # Two at once ask once.
    await asyncio.gather(*(renewals.turn(services) for _ in range(3)))
    [asked] = await till.world.fetch("SELECT id, payment_id FROM payment_requests WHERE renews_days = 30")
    await till.world.advance(seconds=(one.ends_at - till.world.now).total_seconds())
    assert (await renewals.turn(services))["ended"] == 1 and (await now(till, one)).status == "expired"
    await till.world.advance(days=5)
    await till.worker.run_due()
    await till.reported(asked["payment_id"])
    await till.later(minutes=3)
    await till.worker.run_due()
    shown = await now(till, one)
    assert shown.status == "active" and (shown.ends_at - one.ends_at).days == 35
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE provider_subscriptions SET status = 'cancelled', cancelled_at = app_now()")
        assert not await rows.extend(tx.conn, id=one.id, days=30), "what is called off stays so"


async def test_the_page_is_made_later_by_its_intent(deaf_till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till, services = deaf_till, deaf_till.world.services
    await subscribe(services, await add_provider(services), auto_renew=True)
    await till.worker.run_due()
    await till.world.advance(days=28)

    async def refuse(*args: Any) -> Any:
        raise AssertionError("the clock waits for no page")

    monkeypatch.setattr(provider_requests, "with_page", refuse)
    assert (await renewals.turn(services))["asked"] == 1
    newest = "SELECT url FROM payment_requests WHERE renews_days = 30"
    assert await till.world.value(newest) is None
    await till.worker.run_due()
    assert (await till.world.value(newest)).startswith("http")


async def test_the_customer_gets_the_link_once_there_is_one_and_again_at_the_end(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one, dropped = await subscribe(services, owned, auto_renew=True), await subscribe(services, owned)
    await till.worker.run_due()

    await till.world.advance(days=28)
    assert (await renewals.turn(services))["asked"] == 1
    assert len(await told(till, one)) == 2, "where to pay the first period, and the reminder; there is no page yet"
    await till.worker.run_due()
    url = await till.world.value("SELECT url FROM payment_requests WHERE renews_days = 30")
    [_, _, asked] = await told(till, one)
    assert url in asked and "3,000" in asked.replace("3000", "3,000")
    await till.world.advance(days=3)
    await renewals.turn(services)
    await renewals.turn(services)
    [_, _, _, ended] = await told(till, one)
    assert "ended" in ended and url in ended
    assert len(await told(till, dropped)) == 2, "it was not to go on"


async def test_one_that_cannot_be_done_stops_no_other_and_what_is_over_ends_first(
    deaf_till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    over = await subscribe(services, owned, 0)
    await till.world.advance(days=4)
    bad, good = [await subscribe(services, owned, 0, auto_renew=True) for _ in range(2)]
    await till.world.advance(days=27)
    extend = provider_subscriptions.rows.extend

    async def hurt(conn: Any, *, id: Any, days: int) -> int:
        assert (await now(till, over)).status == "expired", "what is over ends before anything is asked for"
        if id == bad.id:
            raise Conflict
        return await extend(conn, id=id, days=days)

    with monkeypatch.context() as patched:
        patched.setattr(provider_subscriptions.rows, "extend", hurt)
        assert (await renewals.turn(services))["asked"] == 1
    assert (await now(till, good)).ends_at > good.ends_at and (await now(till, bad)).ends_at == bad.ends_at
    assert (await renewals.turn(services))["asked"] == 1, "at the next turn it is tried again"
    assert (await now(till, bad)).ends_at > bad.ends_at


async def test_an_end_that_was_put_off_asks_for_no_second_period(deaf_till: Till) -> None:
    """Whoever paid both pages would have paid twice for what they were told is one period."""
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one = await subscribe(services, owned, auto_renew=True)
    await till.worker.run_due()
    await till.world.advance(days=28)
    await renewals.turn(services)
    await till.worker.run_due()
    later = Change(ends_at=one.ends_at + timedelta(days=10))
    await provider_subscriptions.change(services, owned.id, one.id, later)
    await till.world.advance(days=10)
    assert (await renewals.turn(services))["asked"] == 1 and (await renewals.turn(services))["asked"] == 0
    await till.worker.run_due()
    [asked] = await till.world.fetch("SELECT url, due_at FROM payment_requests WHERE renews_days = 30")
    assert asked["due_at"] == (await now(till, one)).ends_at
    letters = [message for message in await told(till, one) if asked["url"] in message]
    assert len(letters) == 2, "the page is written of again, with the day that counts now"
    assert letters[0] != letters[1]


async def test_a_next_period_that_was_asked_for_and_costs_nothing_now_begins(deaf_till: Till) -> None:
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    one = await subscribe(services, owned, auto_renew=True)
    await till.world.advance(days=28)
    await renewals.turn(services)
    await provider_subscriptions.change(services, owned.id, one.id, Change(amount_minor=0))
    shown = await now(till, one)
    assert (shown.ends_at - one.ends_at).days == 30, "nobody would ask for this end a second time"
    await till.world.advance(days=3)
    assert (await renewals.turn(services))["ended"] == 0
