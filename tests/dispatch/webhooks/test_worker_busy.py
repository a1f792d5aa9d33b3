"""Receivers that take so much at a time and no more: they are left alone for as long as they ask, and miss nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from dispatch.ports.webhooks import Answer
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.owners import PLATFORM, Owner
from dispatch.webhooks.worker import WebhookWorker
from storage import webhook_deliveries as rows
from tests.dispatch.webhooks.hooks import STAFF, Hooks
from tests.dispatch.webhooks.receivers import Receivers, Sent, drain
from tests.world import World

EVENTS, A_MINUTE = 240, 2


class Busy:
    """Takes so many in a minute and answers 429 to the others."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.taken: Counter[datetime] = Counter()
        self.refused = 0

    def __call__(self, _: Sent) -> Answer:
        minute = self._world.now.replace(second=0, microsecond=0)
        if self.taken[minute] >= A_MINUTE:
            self.refused += 1
            return Answer(429, "slow down", retry_after_s=60.0)
        self.taken[minute] += 1
        return Answer(200, "")


async def test_a_receiver_that_takes_few_at_a_time_gets_all_of_them(hooks: Hooks) -> None:
    world, busy = hooks.world, Busy(hooks.world)
    ours = Owner("integration", await hooks.party("integration"))
    await hooks.endpoint(ours, "security.alert")
    worker = WebhookWorker(world.services, Receivers(answer=busy))
    async with world.services.transaction() as tx:
        for number in range(EVENTS):
            # Of streams of their own, as those of bookings are.
            told = {"kind": "test", "text": str(number), "at": tx.now.isoformat()}
            await deliveries.publish(tx, ours, "security.alert", told, stream=str(number))
    for _ in range(EVENTS // A_MINUTE + 30):
        await drain(worker)
        await world.advance(seconds=60)
    assert busy.taken.total() > EVENTS * 0.9
    # One or two were refused more than once, and have their own pauses.
    for _ in range(24):
        await drain(worker)
        await world.advance(seconds=3600)
    states = "SELECT state, count(*) FROM webhook_deliveries GROUP BY state"
    assert [tuple(row) for row in await world.fetch(states)] == [("delivered", EVENTS)]
    assert busy.taken.total() == EVENTS
    # What was refused was on its way already: the others waited without being tried.
    assert busy.refused <= EVENTS


async def test_a_pause_is_the_endpoints_alone_and_ends_early_for_a_test_or_another_address(hooks: Hooks) -> None:
    world = hooks.world
    asked = await hooks.endpoint(url="https://hooks.example.com/busy")
    await hooks.endpoint(url="https://hooks.example.com/well")
    receivers = Receivers()
    receivers.answer = lambda sent: Answer(429, "", 600.0) if sent.url.endswith("busy") else Answer(200, "")
    worker = WebhookWorker(world.services, receivers)
    first, second = await hooks.book(), await hooks.book()
    await drain(worker)
    assert Counter(sent.url[-4:] for sent in receivers.got) == {"busy": 1, "well": 2}
    waiting = [d for d in await hooks.log() if d.endpoint_id == asked.endpoint.id]
    assert [d.attempts for d in waiting] == [1, 0]
    # The log says of both when they are due.
    assert all(d.next_try_at is not None and d.next_try_at >= world.now + timedelta(seconds=600) for d in waiting)
    await world.advance(seconds=500)
    async with world.services.transaction() as tx:
        await endpoints.test(tx, PLATFORM, asked.endpoint.id, STAFF)
    await drain(worker)
    assert receivers.types.count("ping") == 1 and len(receivers.got) == 4
    async with world.services.transaction() as tx:
        await endpoints.change(tx, PLATFORM, asked.endpoint.id, STAFF, url="https://hooks.example.com/else")
    await drain(worker)
    there = [str(sent.body["data"]["booking_id"]) for sent in receivers.got if sent.url.endswith("else")]  # type: ignore[index]
    assert sorted(there) == sorted([str(first.id), str(second.id)])


@pytest.mark.parametrize("change", ["is_active = false", "paused_until = app_now() + interval '1 hour'"])
async def test_what_waits_for_an_endpoint_that_takes_nothing_is_not_looked_through(hooks: Hooks, change: str) -> None:
    """Whoever claims does so several hundred times a second, and a backlog may be of many thousands."""
    world = hooks.world
    made = await hooks.endpoint()
    async with world.services.transaction() as tx:
        await tx.conn.execute(
            "INSERT INTO webhook_deliveries (endpoint_id, owner_key, type, stream, data)"
            " SELECT id, owner_key, 'booking.created', n::text, '{}' FROM webhook_endpoints, generate_series(1, 2000) n"
        )
        off = ", disabled_reason = 'owner', disabled_at = app_now()" if "is_active" in change else ""
        await tx.conn.execute(f"UPDATE webhook_endpoints SET {change}{off}")
        await endpoints.test(tx, PLATFORM, made.endpoint.id, STAFF)
    await world.execute("ANALYZE webhook_deliveries")
    read = "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'webhook_deliveries'"
    async with world.services.transaction() as tx:
        before = await tx.conn.fetchval(read)
        [ping] = await rows.claim(tx.conn, endpoint_ids=[], rooms=[], is_failing=False, limit=10, lease_s=60.0)
        assert ping.type == "ping"
        assert await tx.conn.fetchval(read) - before < 100


async def test_what_arrived_is_delivered_though_its_endpoint_was_switched_off_meanwhile(hooks: Hooks) -> None:
    world = hooks.world
    await hooks.endpoint()
    is_there, may_end = asyncio.Event(), asyncio.Event()

    class Slow(Receivers):
        async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
            is_there.set()
            await may_end.wait()
            return await super().post(url, body, headers)

    first, second = await hooks.book(), await hooks.book()
    sending = asyncio.create_task(WebhookWorker(world.services, Slow()).run_once())
    await is_there.wait()
    await WebhookWorker(world.services, Receivers(answer=lambda _: Answer(410, ""))).run_once()
    assert [(d.booking_id, d.state) for d in await hooks.log()] == [(first.id, "failed"), (second.id, "failed")]
    may_end.set()
    await sending
    assert [(d.booking_id, d.state) for d in await hooks.log()] == [(first.id, "delivered"), (second.id, "failed")]
    [arrived, _] = await hooks.log()
    assert (arrived.last_status, arrived.error) == (200, None)
