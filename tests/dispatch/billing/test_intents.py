"""Intents: repeated by themselves for a day, with the old key; for a person when they are refused or a day old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from dispatch.billing import intents, payments, refunds
from dispatch.billing.payments import OrderClosed, OrderPending, OrderRefused
from dispatch.services import Tx
from storage import intents as rows
from storage.bookings import Booking
from tests.dispatch.billing.test_gateway_events import entity, event, send
from tests.dispatch.billing.till import GRAND, Till
from tests.turns import side_by_side

#: How long the gateway is away, as steps of the time that passes between two tries.
OUTAGES = {
    "8 seconds": [2.0, 6.0],
    "10 minutes": [2.0, 6.0, 18.0, 54.0, 162.0, 358.0],
    "23 hours": [60.0, 900.0, 3600.0] + [7200.0] * 11,
}


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits three seconds for an order that does not come."""
    monkeypatch.setattr(payments, "WAIT_FOR_ORDER_S", 0.2)


async def unpaid(till: Till, **changes: object) -> Booking:
    return await till.world.book(dispatch=False, payment_method="online", wait_for_payment=True, **changes)


async def sit_out(till: Till, steps: list[float]) -> None:
    """Lets the outage pass; all that is due is tried each time."""
    for seconds in steps:
        await till.later(seconds=seconds)
        await till.worker.run_due()


def test_the_waits_grow_and_end_at_a_quarter_of_an_hour() -> None:
    for tries, middle in ((1, 2.0), (2, 6.0), (3, 18.0), (6, 486.0), (7, 900.0), (50, 900.0), (2000, 900.0)):
        waits = [intents.wait_s(tries) for _ in range(50)]
        assert all(middle / 2 <= wait <= middle * 1.5 for wait in waits) and len(set(waits)) > 1


@pytest.mark.parametrize("steps", OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("has_effect", [False, True])
async def test_an_outage_ends_and_the_order_is_made_once(till: Till, steps: list[float], has_effect: bool) -> None:
    await till.away(has_effect=has_effect, match="* /v1/orders*")
    booking = await unpaid(till)
    with pytest.raises(OrderPending):
        await payments.start(till.world.services, booking)
    await sit_out(till, steps)
    assert await till.intents() == [("order", "pending")] and await till.alerts() == []
    await till.back()
    await till.later(minutes=25)
    await till.drain()
    block = await payments.start(till.world.services, booking)
    assert block is not None and len((await till.gw.state())["orders"]) == 1
    assert (await till.verify(booking, await till.gw.pay(block["order_id"]))).payment_status == "success"
    await till.check()


async def test_the_customer_who_asks_again_does_not_wait_for_the_backoff(till: Till) -> None:
    await till.away(has_effect=True)
    booking = await unpaid(till)
    with pytest.raises(OrderPending):
        await payments.start(till.world.services, booking)
    await sit_out(till, OUTAGES["10 minutes"])
    await till.back()
    # Nothing is due for minutes, and no worker runs: the request itself asks by receipt and finds the order.
    block = await payments.start(till.world.services, booking)
    orders = (await till.gw.state())["orders"]
    assert block is not None and list(orders) == [block["order_id"]]
    assert await till.intents() == [("order", "done")]


@pytest.mark.parametrize("wait_s", [payments.WAIT_FOR_ORDER_S, 0.0])
async def test_an_order_that_is_refused_is_said_and_frees_the_time(
    till: Till, monkeypatch: pytest.MonkeyPatch, wait_s: float
) -> None:
    """Also when the answer took longer than an order is waited for."""
    monkeypatch.setattr(payments, "WAIT_FOR_ORDER_S", wait_s)
    booking = await unpaid(till, total_minor=99, tax_minor=0)
    for _ in range(2):
        with pytest.raises(OrderRefused):
            await payments.start(till.world.services, booking)
    gone = await till.world.booking(booking.id)
    assert (gone.status, gone.cancelled_by) == ("cancelled", "system")
    assert await till.world.value("SELECT count(*) FROM slots WHERE booking_id = $1", booking.id) == 0
    assert await till.intents() == [("order", "failed")]
    other = await unpaid(till, hours=4)
    await till.cancel(other)
    with pytest.raises(OrderClosed):
        await payments.start(till.world.services, other)


async def test_after_a_day_a_person_is_asked_once_and_the_customer_still_heals_it(till: Till) -> None:
    await till.away()
    booking = await unpaid(till)
    with pytest.raises(OrderPending):
        await payments.start(till.world.services, booking)
    await sit_out(till, OUTAGES["23 hours"])
    assert await till.alerts() == []
    await sit_out(till, [3600.0] * 2)
    assert await till.intents() == [("order", "manual_review")] and await till.alerts() == ["order_review"]
    await till.back()
    assert await payments.start(till.world.services, booking) is not None
    assert await till.intents() == [("order", "done")]


async def test_a_refund_sits_out_an_outage_and_goes_once(till: Till) -> None:
    for has_effect in (False, True):
        booking = await till.paid()
        await till.drain()
        await till.away(has_effect=has_effect, match="* /v1/payments/*/refund*")
        async with till.world.services.transaction() as tx:
            await refunds.request_for_booking(tx, booking.id, GRAND, reason="x", requested_by="staff-1")
        await till.worker.run_due()
        await sit_out(till, OUTAGES["23 hours"])
        await till.back()
        await till.later(minutes=25)
        await till.drain()
        assert (await till.payment(booking)).status == "refunded"
    assert (await till.gw.state())["refunded"] == 2 * GRAND
    # Nobody has to look at the refunds; that their bookings still stand is another matter.
    assert set(await till.alerts()) == {"payment_returned", "queued"}
    await till.check()


async def test_the_first_success_calls_the_others_that_wait(till: Till) -> None:
    bookings = [await till.paid(hours=2 + n) for n in range(3)]
    await till.drain()
    await till.away(match="* /v1/payments/*/refund*")
    for booking in bookings:
        async with till.world.services.transaction() as tx:
            await refunds.request_for_booking(tx, booking.id, GRAND, reason="x", requested_by="staff-1")
    await till.worker.run_due()
    far = "UPDATE payment_intents SET next_try_at = clock_timestamp() + interval '15 minutes' WHERE kind = 'refund'"
    await till.world.execute(far)
    await till.back()
    one = "SELECT id FROM payment_intents WHERE kind = 'refund' ORDER BY created_at LIMIT 1"
    await till.world.execute(f"UPDATE payment_intents SET next_try_at = clock_timestamp() WHERE id = ({one})")
    assert await till.worker.run_due() >= 1
    waits = await till.world.value(
        "SELECT max(extract(epoch FROM next_try_at - clock_timestamp())) FROM payment_intents WHERE state = 'pending'"
    )
    assert waits is None or waits <= intents.HURRY_S
    await till.later(seconds=intents.HURRY_S)
    await till.drain()
    assert (await till.gw.state())["refunded"] == 3 * GRAND
    await till.check()


async def test_a_runner_that_died_leaves_its_intent_to_the_next(till: Till) -> None:
    booking = await unpaid(till)
    services = till.world.services
    await till.away()
    with pytest.raises(OrderPending):
        await payments.start(services, booking)
    await till.back()
    died = "UPDATE payment_intents SET state = 'running', next_try_at = clock_timestamp() + interval '30 seconds'"
    await till.world.execute(died)
    assert not await intents.run_due(services, till.gateway)
    await till.later(seconds=31)
    await till.drain()
    assert await till.intents() == [("order", "done")]
    await till.world.execute(died + ", give_up_at = clock_timestamp()")
    await till.later(seconds=31)
    await till.worker.run_due()
    assert await till.intents() == [("order", "manual_review")] and await till.alerts() == ["order_review"]


async def test_one_runner_at_a_time(till: Till) -> None:
    booking = await unpaid(till)
    services = till.world.services
    await till.away()
    with pytest.raises(OrderPending):
        await payments.start(services, booking)
    await till.back()
    await till.later(minutes=1)
    ran = await asyncio.gather(*(intents.run_due(services, till.gateway) for _ in range(5)))
    assert sum(ran) == 1 and len((await till.gw.state())["orders"]) == 1


@pytest.mark.parametrize(("claim", "state"), [("claim_due", "pending"), ("give_up_stale", "running")])
async def test_two_runners_take_different_ones(deaf_till: Till, claim: str, state: str) -> None:
    till = deaf_till
    for hours in (1.5, 4):
        await till.online(hours=hours)
    await till.world.execute(
        "UPDATE payment_intents SET state = $1, next_try_at = clock_timestamp(),"
        " give_up_at = clock_timestamp() + CASE $1 WHEN 'pending' THEN interval '1 day' ELSE '0' END", state
    )  # fmt: skip

    def take(tx: Tx) -> Awaitable[rows.Intent | None]:
        return rows.give_up_stale(tx.conn) if claim == "give_up_stale" else rows.claim_due(tx.conn, lease_s=60.0)

    one, two = await side_by_side(till.world.services, take, take)
    assert one.id != two.id


async def test_what_somebody_tries_is_not_waited_for_when_the_gateway_is_back(deaf_till: Till) -> None:
    till = deaf_till
    _, block = await till.online()
    await till.online(hours=4)
    await send(till, event("x.y", {"payment": entity("pay_1", block["order_id"], "captured")}))
    await send(till, event("x.y", {"payment": entity("pay_2", block["order_id"], "captured")}))
    await till.world.execute(
        "UPDATE payment_intents SET state = 'pending', attempts = 1, next_try_at = clock_timestamp() + interval '1 day'"
    )
    await till.world.execute(
        "UPDATE gateway_events SET retry_count = 1, next_try_at = clock_timestamp() + interval '1 day'"
    )

    async def one_of_each(tx: Tx) -> None:
        for table in ("payment_intents", "gateway_events"):
            await tx.conn.execute(f"SELECT FROM {table} LIMIT 1 FOR UPDATE")

    await side_by_side(till.world.services, one_of_each, intents.hurry)
    for table in ("payment_intents", "gateway_events"):
        soon = f"SELECT count(*) FROM {table} WHERE next_try_at < clock_timestamp() + interval '1 hour'"
        assert await till.world.value(soon) == 1, table
