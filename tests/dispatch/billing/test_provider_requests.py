"""Requests for payment: what people write on one, and those that are paid already."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from dispatch.billing import captures, provider_requests, provider_subscriptions
from dispatch.services import Tx
from storage.payment_requests import PaymentRequest
from tests.dispatch.billing.test_provider_subscriptions import line_of, request_of
from tests.dispatch.billing.till import Till
from tests.providers import add_provider, ask, subscribe
from tests.turns import one_after_the_other, until_waiting


async def test_calling_off_what_is_paid_changes_nothing(deaf_till: Till) -> None:
    till = deaf_till
    one = await subscribe(till.world.services, await add_provider(till.world.services))
    request = await request_of(till, one)
    assert request.payment_id is not None
    payment, told = await till.reported(request.payment_id)
    async with till.world.services.transaction() as tx:
        await captures.captured(tx, payment, told)
        assert not await provider_requests.call_off(tx, request), "as it was read before it was paid"
    assert await line_of(till, request) == "settled"


async def test_what_people_write_on_a_request_makes_nothing_go_on(deaf_till: Till) -> None:
    till = deaf_till
    services = till.world.services
    one = await subscribe(services, await add_provider(services))
    request = await request_of(till, one)
    change = provider_requests.Change(metadata={"renewsDays": 3660})
    await provider_requests.change(services, one.provider_id, request.id, change)
    assert request.payment_id is not None
    payment, told = await till.reported(request.payment_id)
    async with services.transaction() as tx:
        await captures.captured(tx, payment, told)
    async with services.read() as conn:
        assert (await provider_subscriptions.get(conn, one.provider_id, one.id)).ends_at == one.ends_at


async def test_a_page_that_somebody_else_had_made_meanwhile_is_found(till: Till) -> None:
    services = till.world.services
    made = await request_of(till, await subscribe(services, await add_provider(services)))
    assert made.url is not None
    as_read_before = replace(made, url=None)
    assert await provider_requests.with_page(services, as_read_before) == made, "the call is over by now"


async def test_cash_that_two_say_is_there_is_there_once(deaf_till: Till) -> None:
    services = deaf_till.world.services
    owned = await add_provider(services)
    asked = await ask(services, owned, method="cash")

    async def receive(tx: Tx) -> PaymentRequest:
        return await provider_requests.receive(tx, owned.id, asked.id)

    one, two = await one_after_the_other(services, receive, receive)
    assert (one.status, two.status) == ("paid", "paid")
    await deaf_till.check()


async def test_one_that_is_paid_while_it_is_called_off_waits_for_that(deaf_till: Till) -> None:
    """Whoever calls it off holds the request before its payment: so does whoever has it paid."""
    till, services = deaf_till, deaf_till.world.services
    owned = await add_provider(services)
    asked = await ask(services, owned)
    assert asked.payment_id is not None
    payment, told = await till.reported(asked.payment_id)
    before = await till.deadlocks()

    async def pay() -> captures.Outcome:
        async with services.transaction() as tx:
            return await captures.captured(tx, payment, told)

    async with services.transaction() as tx:
        request = await provider_requests.lock(tx, owned.id, asked.id)
        paying = asyncio.create_task(pay())
        await until_waiting(services, paying)
        assert await provider_requests.call_off(tx, request)
    assert await paying is not captures.Outcome.PAID
    assert await till.deadlocks() == before
    async with services.read() as conn:
        assert (await provider_requests.get(conn, owned.id, asked.id)).status == "cancelled"
    await till.check()
