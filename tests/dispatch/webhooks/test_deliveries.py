"""Who is handed what: facts of bookings to those who have to do with them, and events that are published."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from dispatch.engine.facts import UnknownFact
from dispatch.errors import Invalid, Missing
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.deliveries import NotReplayable
from dispatch.webhooks.owners import PLATFORM, Owner
from tests.dispatch.webhooks.hooks import STAFF, Hooks

STORY = ("booking.created", "partner.assigned", "partner.accepted", "booking.confirmed", "booking.cancelled")


@pytest.mark.parametrize("status", ["suspended", "inactive"])
async def test_an_integration_that_is_not_active_hears_nothing_and_can_have_it_sent_later(
    hooks: Hooks, status: str
) -> None:
    owner = Owner("integration", await hooks.party("integration"))
    await hooks.endpoint(owner, *STORY)
    customer = await hooks.customer_of(owner)
    booking = await hooks.book(account_id=customer)
    await hooks.world.execute("UPDATE integrations SET status = $1", status)
    begin = hooks.world.now
    await hooks.happen(booking.id, "booking.cancelled")
    told, missed = await hooks.log(owner)
    assert (told.type, told.state) == ("booking.created", "pending")
    assert (missed.type, missed.state, missed.attempts, missed.error) == (
        "booking.cancelled", "failed", 0, "The partner was not active.",
    )  # fmt: skip
    # Whoever manages it reads its log all the same, and has nothing sent from there.
    async with hooks.world.services.transaction() as tx:
        assert await deliveries.replay_range(tx, owner, since=begin, until=begin + timedelta(days=1)) == 0
        with pytest.raises(NotReplayable):
            await deliveries.replay(tx, owner, missed.id)
    await hooks.world.execute("UPDATE integrations SET status = 'active'")
    async with hooks.world.services.transaction() as tx:
        assert await deliveries.replay_range(tx, owner, since=begin, until=begin + timedelta(days=1)) == 1
    assert [d.state for d in await hooks.log(owner)] == ["pending", "pending"]


async def test_what_is_switched_off_gets_nothing_or_a_line_that_can_be_replayed(hooks: Hooks) -> None:
    world = hooks.world
    off, ours = await hooks.endpoint(is_active=False), await hooks.endpoint()
    await world.execute(
        "UPDATE webhook_endpoints SET is_active = false, disabled_reason = 'failing', disabled_at = app_now() "
        "WHERE id = $1",
        ours.endpoint.id,
    )
    await hooks.book()
    [missed] = await hooks.log()
    assert (missed.endpoint_id, missed.state, missed.attempts) == (ours.endpoint.id, "failed", 0)
    async with world.services.transaction() as tx:
        with pytest.raises(NotReplayable):
            await deliveries.replay(tx, PLATFORM, missed.id)
        await endpoints.change(tx, PLATFORM, ours.endpoint.id, STAFF, is_active=True)
        assert (await deliveries.replay(tx, PLATFORM, missed.id)).state == "pending"
        with pytest.raises(NotReplayable):
            await deliveries.replay(tx, PLATFORM, missed.id)
        with pytest.raises(Missing):
            await deliveries.replay(tx, Owner("integration", uuid4()), missed.id)
    assert off.endpoint.id not in {d.endpoint_id for d in await hooks.log()}


async def test_events_are_published_once_by_their_key(hooks: Hooks) -> None:
    owner = Owner("organisation", await hooks.party("organisation", "A"))
    other = Owner("organisation", await hooks.party("organisation", "B"))
    for one in (owner, other, PLATFORM):
        await hooks.endpoint(one, "invoice.generated")
    invoice = {"invoice_id": str(uuid4()), "invoice_number": "INV-1", "amount_minor": 5000, "currency": "INR"}
    async with hooks.world.services.transaction() as tx:
        assert await deliveries.publish(tx, owner, "invoice.generated", invoice, key="invoice:1") == 2
        assert await deliveries.publish(tx, owner, "invoice.generated", invoice, key="invoice:1") == 0
        assert await deliveries.publish(tx, other, "invoice.generated", invoice, key="invoice:1") == 2
        with pytest.raises(UnknownFact):
            await deliveries.publish(tx, owner, "invoice.generated", {"password": "x"})
        with pytest.raises(UnknownFact):
            await deliveries.publish(tx, Owner("integration", other.id), "invoice.generated", invoice)
    assert len(await hooks.log(owner)) == 1 and len(await hooks.log(PLATFORM)) == 2
    kept = await hooks.world.fetch("SELECT data FROM webhook_deliveries WHERE owner_key <> $1", UUID(int=0))
    assert all(r["data"] == invoice for r in kept)


async def test_a_broadcast_reaches_every_owner_of_a_kind(hooks: Hooks) -> None:
    ours = [Owner("integration", await hooks.party("integration", code)) for code in ("A", "B")]
    for owner in ours:
        await hooks.endpoint(owner, "maintenance.scheduled")
    async with hooks.world.services.transaction() as tx:
        assert await deliveries.broadcast(tx, "integration", "maintenance.scheduled", {"text": "at night"}) == 2
    assert [len(await hooks.log(owner)) for owner in ours] == [1, 1]


async def test_a_span_is_replayed_in_its_order(hooks: Hooks) -> None:
    world = hooks.world
    made = await hooks.endpoint()
    other = await hooks.endpoint()
    begin = world.now
    async with world.services.transaction() as tx:
        ping = await endpoints.test(tx, PLATFORM, made.endpoint.id, STAFF)
    for _ in range(3):
        await hooks.book()
        await world.advance(minutes=1)
    await world.execute(
        "UPDATE webhook_deliveries SET state = 'failed', finished_at = app_now(), tries = 8, attempts = 8"
    )
    async with world.services.transaction() as tx:
        with pytest.raises(Invalid):
            await deliveries.replay_range(tx, PLATFORM, since=begin, until=begin)
        count = await deliveries.replay_range(
            tx, PLATFORM, since=begin, until=begin + timedelta(minutes=2), endpoint_id=made.endpoint.id
        )
        assert count == 2
        stranger = Owner("integration", uuid4())
        assert await deliveries.replay_range(tx, stranger, since=begin, until=begin + timedelta(days=1)) == 0
    log = await hooks.log(endpoint_id=[made.endpoint.id])
    assert [d.state for d in log if d.id != ping.id] == ["pending", "pending", "failed"]
    assert [d.state for d in log if d.id == ping.id] == ["failed"], "a test is not sent again"
    assert {d.state for d in await hooks.log(endpoint_id=[other.endpoint.id])} == {"failed"}
    assert await world.value("SELECT max(tries) FROM webhook_deliveries WHERE state = 'pending'") == 0
    # Nothing is queued for an endpoint that is off.
    async with world.services.transaction() as tx:
        await endpoints.change(tx, PLATFORM, other.endpoint.id, STAFF, is_active=False)
        assert await deliveries.replay_range(
            tx, PLATFORM, since=begin, until=begin + timedelta(days=1), endpoint_id=other.endpoint.id
        ) == 0
