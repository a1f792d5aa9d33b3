"""Endpoints that fail are switched off, and why; the dead and those who are gone take nothing from the others."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import uuid4

from dispatch.ports.webhooks import Answer
from dispatch.process import housekeeping
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.lanes import MOST_FAILING
from dispatch.webhooks.owners import PLATFORM, Owner
from dispatch.webhooks.worker import DELAYS_S, JITTER, WebhookWorker
from tests.api.live import until
from tests.dispatch.webhooks.hooks import STAFF, URL, Hooks
from tests.dispatch.webhooks.receivers import Receivers, drain
from tests.parties import add_account, add_membership, set_status
from tests.world import NOON


async def test_gone_switches_an_endpoint_off_and_its_owner_is_told(hooks: Hooks) -> None:
    services = hooks.world.services
    ours = Owner("provider", await hooks.party("provider"))
    account = await add_account(services, "boss@example.com", password=None)
    await add_membership(services, account, "provider", "owner", ours.id)
    asked_in = await add_account(services, "asked.in@example.com", password=None)
    await set_status(services, await add_membership(services, asked_in, "provider", "owner", ours.id), "pending")
    await hooks.endpoint(ours, "booking.rated")
    technician = await hooks.world.technician(provider_id=ours.id)
    booking = await hooks.book()
    for _ in range(2):
        await hooks.happen(booking.id, "booking.rated", rating=5, technician_id=str(technician))
    receivers = Receivers()
    receivers.answer = lambda _: Answer(410, "")
    await drain(WebhookWorker(services, receivers))
    assert len(receivers.got) == 1
    assert [(d.state, d.attempts) for d in await hooks.log(ours)] == [("failed", 1), ("failed", 0)]
    [letter] = await hooks.world.fetch("SELECT recipient, template, body FROM outbox WHERE channel = 'email'")
    assert (letter["recipient"], letter["template"]) == ("boss@example.com", "webhook_disabled")
    assert URL in letter["body"] and "410" in letter["body"]


async def test_an_owner_is_told_of_what_could_not_be_delivered_once_a_day(hooks: Hooks) -> None:
    """The endpoint goes on, and refuses one kind of event for good."""
    world = hooks.world
    ours = Owner("provider", await hooks.party("provider"))
    account = await add_account(world.services, "boss@example.com", password=None)
    await add_membership(world.services, account, "provider", "owner", ours.id)
    await hooks.endpoint(ours, "booking.rated", "booking.rescheduled")
    await hooks.endpoint(PLATFORM, "booking.rated")
    technician = str(await world.technician(provider_id=ours.id))
    receivers = Receivers()
    receivers.answer = lambda sent: Answer(200 if sent.body["type"] == "booking.rescheduled" else 422, "no such field")
    worker = WebhookWorker(world.services, receivers)
    letters = "SELECT count(*) FROM outbox WHERE template = 'webhook_failed'"

    async def refused(number: int) -> None:
        for _ in range(number):
            booking = await hooks.book()
            await hooks.happen(booking.id, "booking.rated", rating=5, technician_id=technician)
            other = await hooks.book()
            await hooks.happen(other.id, "booking.rescheduled", technician_id=technician)
        for delay_s in (*DELAYS_S, 0):
            await drain(worker)
            await world.advance(seconds=delay_s * (1 + JITTER) + 1)

    await refused(3)
    states = Counter((d.type, d.state) for d in await hooks.log(ours))
    assert states == {("booking.rated", "failed"): 3, ("booking.rescheduled", "delivered"): 3}
    [letter] = await world.fetch("SELECT recipient, body FROM outbox WHERE template = 'webhook_failed'")
    assert letter["recipient"] == "boss@example.com"
    assert "booking.rated" in letter["body"] and "answered 422" in letter["body"] and "8 times" in letter["body"]
    assert await world.value("SELECT count(*) FROM alerts WHERE kind = 'webhook_failed' AND resolved_at IS NULL") == 1
    # Their tries alone took more than a day. Again at an hour at which somebody works.
    await world.advance(seconds=(NOON + timedelta(days=7) - world.now).total_seconds())
    await refused(1)
    assert await world.value(letters) == 2


async def test_a_failure_after_a_quiet_month_is_the_first_one(hooks: Hooks) -> None:
    made = await hooks.endpoint()
    worker = WebhookWorker(hooks.world.services, Receivers(answer=lambda _: Answer(500, "")))
    await hooks.book()
    for delay_s in (*DELAYS_S, 0):
        await drain(worker)
        await hooks.world.advance(seconds=delay_s * (1 + JITTER) + 1)
    # To the hour at which somebody works.
    await hooks.world.advance(seconds=(NOON + timedelta(days=32) - hooks.world.now).total_seconds())
    await hooks.book()
    await worker.run_once()
    async with hooks.world.services.read() as conn:
        shown = await endpoints.get(conn, PLATFORM, made.endpoint.id)
    assert shown.is_active and shown.failing_since == hooks.world.now


async def test_five_days_without_one_success_switch_an_endpoint_off(hooks: Hooks) -> None:
    world = hooks.world
    made = await hooks.endpoint()
    receivers = Receivers()
    receivers.answer = lambda _: Answer(500, "")
    worker = WebhookWorker(world.services, receivers)
    for day in range(6):
        if day == 1:
            # One success, and the days are counted anew.
            receivers.answer = lambda _: Answer(200, "")
            await hooks.book()
            await drain(worker)
            receivers.answer = lambda _: Answer(500, "")
        await hooks.book()
        await drain(worker)
        async with world.services.read() as conn:
            assert (await endpoints.get(conn, PLATFORM, made.endpoint.id)).is_active, day
        await world.advance(days=1)
    await hooks.book()
    await drain(worker)
    async with world.services.read() as conn:
        off = await endpoints.get(conn, PLATFORM, made.endpoint.id)
    assert (off.is_active, off.disabled_reason) == (False, "failing")
    assert {d.state for d in await hooks.log()} == {"failed", "delivered"}
    assert await world.value("SELECT count(*) FROM alerts WHERE kind = 'webhook_disabled' AND resolved_at IS NULL") == 1
    async with world.services.transaction() as tx:
        on = await endpoints.change(tx, PLATFORM, made.endpoint.id, STAFF, is_active=True)
    assert on.failing_since is None
    assert await world.value("SELECT count(*) FROM alerts WHERE kind = 'webhook_disabled' AND resolved_at IS NULL") == 0


async def test_neither_a_failed_ping_nor_an_address_that_is_no_more_counts_against_an_endpoint(hooks: Hooks) -> None:
    world = hooks.world
    made = await hooks.endpoint()
    worker = WebhookWorker(world.services, Receivers(answer=lambda _: Answer(500, "")))

    async def since() -> object:
        async with world.services.read() as conn:
            return (await endpoints.get(conn, PLATFORM, made.endpoint.id)).failing_since

    async def change(url: str) -> None:
        async with world.services.transaction() as tx:
            await endpoints.change(tx, PLATFORM, made.endpoint.id, STAFF, url=url, description="ours")

    async with world.services.transaction() as tx:
        await endpoints.test(tx, PLATFORM, made.endpoint.id, STAFF)
    await drain(worker)
    assert [d.state for d in await hooks.log()] == ["failed"] and await since() is None
    await hooks.book()
    await drain(worker)
    began = await since()
    assert began is not None
    await change(URL)
    assert await since() == began, "the same address goes on failing"
    await change(f"{URL}/new")
    assert await since() is None


async def test_an_endpoint_that_hangs_takes_nothing_from_the_others(hooks: Hooks) -> None:
    """Ten of thirty never answer; the others get all that is theirs while those still hang."""
    world, each = hooks.world, 5
    receivers = Receivers(hang=asyncio.Event(), hangs={f"{URL}/{n}" for n in range(10)})
    owners = []
    for n in range(30):
        owners.append(Owner("integration", await hooks.party("integration", f"I-{n}")))
        await hooks.endpoint(owners[-1], "security.alert", url=f"{URL}/{n}")
    async with world.services.transaction() as tx:
        for k in range(each):
            for owner in owners:
                await deliveries.publish(tx, owner, "security.alert", {"text": str(k)}, stream=str(k))
    worker = WebhookWorker(world.services, receivers)
    healthy = 20 * each

    def arrived() -> int:
        return sum(sent.url not in receivers.hangs for sent in receivers.got)

    worker.start()
    await until(lambda: arrived() == healthy, "the others get everything")
    assert Counter(s.url for s in receivers.got if s.url in receivers.hangs) == dict.fromkeys(receivers.hangs, 1)
    assert receivers.hang is not None
    receivers.hang.set()
    await worker.stop()
    assert arrived() == healthy


async def test_one_that_has_recovered_is_not_behind_the_old_deliveries_of_the_dead(hooks: Hooks) -> None:
    world = hooks.world
    dead = [Owner("integration", await hooks.party("integration", f"I-{n}")) for n in range(4)]
    for owner in dead:
        for n in range(endpoints.MOST_ENDPOINTS):
            await hooks.endpoint(owner, "security.alert", url=f"{URL}/{owner.id}/{n}")
    assert len(dead) * endpoints.MOST_ENDPOINTS > MOST_FAILING
    well = Owner("integration", await hooks.party("integration", "well"))
    await hooks.endpoint(well, "security.alert", url=f"{URL}/well")
    receivers = Receivers(answer=lambda sent: Answer(500, ""))

    async def tell(*owners: Owner, times: int = 1) -> None:
        async with world.services.transaction() as tx:
            for owner in owners:
                for _ in range(times):
                    await deliveries.publish(tx, owner, "security.alert", {"text": "x"}, stream=str(uuid4()))

    worker = WebhookWorker(world.services, receivers)
    await tell(*dead, well)
    await drain(worker)
    await tell(*dead, times=10)
    await tell(well)
    receivers.answer = lambda sent: Answer(200 if sent.url.endswith("/well") else 500, "")
    # Drawn for, it is missed nine times in a row once in a million; the eldest first would not have come to it by then.
    for _ in range(9):
        if (await hooks.log(well))[-1].state == "delivered":
            break
        assert await worker.run_once() == MOST_FAILING
    assert (await hooks.log(well))[-1].state == "delivered"


# ---------------------------------------------------------------- endpoints that are well again


async def test_what_waits_for_an_endpoint_that_is_well_again_goes_at_once(hooks: Hooks) -> None:
    """Its next try would be hours away, and all that happens to the booking waits behind it."""
    world = hooks.world
    made = await hooks.endpoint(PLATFORM, "booking.created", "booking.cancelled")
    other = await hooks.endpoint(PLATFORM, "booking.created", url=f"{URL}/other")
    booking = await hooks.book()
    receivers = Receivers(answer=lambda _: Answer(503, ""))
    worker = WebhookWorker(world.services, receivers)
    for delay_s in DELAYS_S[:4]:
        await drain(worker)
        await world.advance(seconds=delay_s * (1 + JITTER) + 1)
    await drain(worker)
    await hooks.happen(booking.id, "booking.cancelled")
    await world.advance(minutes=10)
    await drain(worker)
    assert {d.state for d in await hooks.log()} == {"pending"}
    receivers.got.clear()
    receivers.answer = lambda _: Answer(204, "")
    async with world.services.transaction() as tx:
        await endpoints.test(tx, PLATFORM, made.endpoint.id, STAFF)
    await drain(worker)
    assert receivers.types == ["ping", "booking.created", "booking.cancelled"]
    assert {sent.url for sent in receivers.got} == {URL}
    [waits] = await hooks.log(endpoint_id=[other.endpoint.id])
    assert waits.state == "pending", "of another endpoint nothing is known"


async def test_what_waits_goes_at_once_to_another_address(hooks: Hooks) -> None:
    world = hooks.world
    made = await hooks.endpoint()
    await hooks.book()
    receivers = Receivers(answer=lambda sent: Answer(204 if sent.url.endswith("/new") else 503, ""))
    worker = WebhookWorker(world.services, receivers)
    for delay_s in DELAYS_S[:2]:
        await drain(worker)
        await world.advance(seconds=delay_s * (1 + JITTER) + 1)
    await drain(worker)
    assert [d.state for d in await hooks.log()] == ["pending"]
    async with world.services.transaction() as tx:
        await endpoints.change(tx, PLATFORM, made.endpoint.id, STAFF, url=f"{URL}/new")
    await drain(worker)
    assert [d.state for d in await hooks.log()] == ["delivered"]


async def test_an_event_that_alone_is_refused_keeps_its_tries(hooks: Hooks) -> None:
    world = hooks.world
    made = await hooks.endpoint()
    refused = await hooks.book()
    receivers = Receivers()
    receivers.answer = lambda s: Answer(500 if s.body["data"]["booking_id"] == str(refused.id) else 204, "")  # type: ignore[index]
    worker = WebhookWorker(world.services, receivers)

    async def tries() -> tuple[int, int]:
        [row] = await world.fetch("SELECT tries, attempts FROM webhook_deliveries WHERE booking_id = $1", refused.id)
        return row["tries"], row["attempts"]

    await drain(worker)
    await world.advance(seconds=DELAYS_S[0] * (1 + JITTER))
    await drain(worker)
    for _ in range(4):
        # What arrives within minutes says nothing new of the endpoint.
        await world.advance(seconds=50)
        await hooks.book()
        await drain(worker)
    assert await tries() == (2, 2)

    async def hurry(times: int) -> tuple[int, int]:
        for _ in range(times):
            async with world.services.transaction() as tx:
                await deliveries.hurry(tx, made.endpoint.id)
            await drain(worker)
        return await tries()

    assert await hurry(12) == (2, 14), "a try that others brought about is one more"
    await world.advance(days=2)
    assert await hurry(3) == (5, 17), "but not for ever"


# ---------------------------------------------------------------- owners who are gone


async def test_nothing_leaves_for_an_owner_who_is_no_longer_there(hooks: Hooks) -> None:
    world, owner = hooks.world, Owner("integration", await hooks.party("integration"))
    made = await hooks.endpoint(owner, "security.alert")
    async with world.services.transaction() as tx:
        await deliveries.publish(tx, owner, "security.alert", {"text": "x"})
    await world.execute("UPDATE parties SET deleted_at = app_now() WHERE id = $1", owner.id)
    receivers = Receivers()
    worker = WebhookWorker(world.services, receivers)
    await drain(worker)
    assert receivers.got == []
    await world.execute("UPDATE parties SET deleted_at = NULL WHERE id = $1", owner.id)
    async with world.services.transaction() as tx:
        await endpoints.change(tx, owner, made.endpoint.id, STAFF, is_active=False)
    await drain(worker)
    assert receivers.got == [] and len(await hooks.log(owner)) == 1
    await world.advance(days=31)
    await housekeeping.tidy(world.services)
    assert await hooks.log(owner) == [], "what waits in vain is not kept"


async def test_what_waits_for_an_owner_who_is_gone_is_not_kept(hooks: Hooks) -> None:
    world, owner = hooks.world, Owner("integration", await hooks.party("integration"))
    await hooks.endpoint(owner, "security.alert")
    await hooks.endpoint()
    await hooks.book()
    async with world.services.transaction() as tx:
        await deliveries.publish(tx, owner, "security.alert", {"text": "x"})
    await world.execute("UPDATE parties SET deleted_at = app_now() WHERE id = $1", owner.id)
    await world.advance(days=31)
    await housekeeping.tidy(world.services)
    assert await hooks.log(owner) == []
    assert [d.state for d in await hooks.log()] == ["pending"], "what can still be sent stays"
