"""Sending: signed, in order, tried over a day, given up, replayed; endpoints that are switched off, and why."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dispatch.adapters.webhooks import HttpPoster
from dispatch.ports.webhooks import Answer, NoAnswer
from dispatch.process import housekeeping
from dispatch.services import Tx
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.lanes import MOST_FAILING
from dispatch.webhooks.owners import PLATFORM, Owner
from dispatch.webhooks.worker import DELAYS_S, JITTER, WebhookWorker, retry_delay_s
from storage import webhook_deliveries as rows
from tests import turns
from tests.api.live import until
from tests.dispatch.webhooks.hooks import STAFF, URL, Hooks
from tests.parties import add_account, add_membership, set_status
from tests.world import NOON

FACTS = ("booking.created", "booking.queued", "booking.rescheduled", "booking.cancelled")


@dataclass
class Sent:
    url: str
    body: dict[str, object]
    headers: Mapping[str, str]
    text: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receivers:
    """Takes what is posted and answers as it is told to."""

    got: list[Sent] = field(default_factory=list)
    answer: Callable[[Sent], Answer] = lambda _: Answer(200, "")
    hang: asyncio.Event | None = None
    hangs: set[str] = field(default_factory=set)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        sent = Sent(url, json.loads(body), headers, body.decode())
        self.got.append(sent)
        if url in self.hangs and self.hang is not None:
            await self.hang.wait()
            raise NoAnswer("There was no answer within 15 seconds.")
        return self.answer(sent)

    async def close(self) -> None:
        return None

    @property
    def types(self) -> list[object]:
        return [sent.body["type"] for sent in self.got]


async def drain(worker: WebhookWorker) -> None:
    while await worker.run_once():
        pass


async def test_an_event_arrives_signed_as_its_owner_may_know_it(hooks: Hooks) -> None:
    library = pytest.importorskip("standardwebhooks")
    ours = Owner("organisation", await hooks.party("organisation"))
    made = {o.kind: await hooks.endpoint(o, "booking.cancelled", url=f"{URL}/{o.kind}") for o in (PLATFORM, ours)}
    booking = await hooks.book(organisation_id=ours.id)
    await hooks.happen(booking.id, "booking.cancelled", by="technician", reason="a secret", cost_minor=5, fee_minor=7)
    receivers = Receivers()
    await drain(WebhookWorker(hooks.world.services, receivers))
    assert len(receivers.got) == 2
    for sent in receivers.got:
        kind = sent.url.rsplit("/", 1)[1]
        assert library.Webhook(made[kind].secret).verify(sent.text, dict(sent.headers)) == sent.body
        assert sent.body["id"] == sent.id and sent.body["type"] == "booking.cancelled"
    data = {sent.url.rsplit("/", 1)[1]: sent.body["data"] for sent in receivers.got}
    number = booking.number
    assert data["organisation"] == {
        "bookingId": str(booking.id), "bookingNumber": number, "seq": 2, "by": "technician", "reason": "a secret",
        "feeMinor": 7,
    }  # fmt: skip
    assert data["platform"] == {
        "booking_id": str(booking.id), "booking_number": number, "seq": 2, "by": "technician", "reason": "a secret",
        "cost_minor": 5, "fee_minor": 7,
    }  # fmt: skip
    assert [d.state for d in await hooks.log()] == ["delivered"]


async def test_a_booking_waits_for_its_eldest_event_and_no_other_booking_does(hooks: Hooks) -> None:
    await hooks.endpoint(PLATFORM, *FACTS)
    first, second = await hooks.book(), await hooks.book()
    for booking in (first, second):
        await hooks.happen(booking.id, *FACTS[1:])
    receivers = Receivers()
    receivers.answer = lambda sent: Answer(500 if sent.body["data"]["booking_id"] == str(first.id) else 200, "")  # type: ignore[index]
    worker = WebhookWorker(hooks.world.services, receivers)
    await drain(worker)
    of_first = [s for s in receivers.got if s.body["data"]["booking_id"] == str(first.id)]  # type: ignore[index]
    assert [s.body["type"] for s in of_first] == ["booking.created"]
    of_second = [s for s in receivers.got if s not in of_first]
    assert [s.body["type"] for s in of_second] == list(FACTS)
    waits = {d.next_try_at for d in await hooks.log(state="pending")}
    assert len(waits) == 1 and min(d for d in waits if d) > hooks.world.now, "what stands behind it waits as long"
    receivers.answer = lambda _: Answer(204, "")
    receivers.got.clear()
    await hooks.world.advance(seconds=DELAYS_S[0] * (1 + JITTER))
    await drain(worker)
    assert receivers.types == list(FACTS)
    assert {s.id for s in of_first} <= {s.id for s in receivers.got}, "under the id that it had"


async def test_a_delivery_out_of_tries_has_failed_and_the_next_goes_on_and_it_can_be_replayed(hooks: Hooks) -> None:
    await hooks.endpoint(PLATFORM, "booking.created", "booking.queued")
    booking = await hooks.book()
    await hooks.happen(booking.id, "booking.queued")
    receivers = Receivers()
    receivers.answer = lambda sent: Answer(500 if sent.body["type"] == "booking.created" else 200, "sorry")
    worker = WebhookWorker(hooks.world.services, receivers)
    begun = hooks.world.now
    for delay_s in DELAYS_S:
        assert await worker.run_once() == 1
        assert await worker.run_once() == 0, "before its time nothing is tried"
        await hooks.world.advance(seconds=delay_s * (1 + JITTER))
    assert await worker.run_once() == 1
    assert receivers.types == ["booking.created"] * (len(DELAYS_S) + 1)
    assert hooks.world.now - begun < timedelta(days=2)
    await drain(worker)
    assert receivers.types[-1] == "booking.queued"
    failed, told = await hooks.log()
    assert (failed.state, failed.attempts, failed.last_status, failed.error) == (
        "failed", 8, 500, "The endpoint answered 500.",
    )  # fmt: skip
    assert told.state == "delivered"
    async with hooks.world.services.read() as conn:
        tries = await deliveries.attempts(conn, PLATFORM, failed.id)
    assert [(t.attempt, t.status, t.reply) for t in tries] == [(n, 500, "sorry") for n in range(1, 9)]
    receivers.answer = lambda _: Answer(200, "")
    async with hooks.world.services.transaction() as tx:
        await deliveries.replay(tx, PLATFORM, failed.id)
    await drain(worker)
    assert receivers.got[-1].id == receivers.got[0].id
    assert [(d.state, d.attempts) for d in await hooks.log()] == [("delivered", 9), ("delivered", 1)]


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


async def test_after_a_rotation_both_secrets_sign_for_a_day(hooks: Hooks) -> None:
    library = pytest.importorskip("standardwebhooks")
    world, receivers = hooks.world, Receivers()
    made = await hooks.endpoint()
    worker = WebhookWorker(world.services, receivers)
    async with world.services.transaction() as tx:
        rotated = await endpoints.rotate(tx, PLATFORM, made.endpoint.id, STAFF)
    await hooks.book()
    await drain(worker)
    for secret in (made.secret, rotated.secret):
        library.Webhook(secret).verify(receivers.got[0].text, dict(receivers.got[0].headers))
    await world.advance(days=1, seconds=1)
    await hooks.book()
    await drain(worker)
    library.Webhook(rotated.secret).verify(receivers.got[1].text, dict(receivers.got[1].headers))
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook(made.secret).verify(receivers.got[1].text, dict(receivers.got[1].headers))


async def test_a_ping_is_tried_once_and_holds_nothing_up(hooks: Hooks) -> None:
    made = await hooks.endpoint(is_active=False)
    receivers = Receivers(answer=lambda _: Answer(500, "no"))
    async with hooks.world.services.transaction() as tx:
        await endpoints.test(tx, PLATFORM, made.endpoint.id, STAFF)
    await drain(WebhookWorker(hooks.world.services, receivers))
    assert receivers.types == ["ping"]
    assert [(d.state, d.last_status) for d in await hooks.log()] == [("failed", 500)]


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


async def test_two_nodes_send_each_event_once(hooks: Hooks) -> None:
    await hooks.endpoint(PLATFORM, *FACTS)
    for _ in range(3):
        booking = await hooks.book()
        await hooks.happen(booking.id, *FACTS[1:])
    receivers = Receivers()
    nodes = [WebhookWorker(hooks.world.services, receivers) for _ in range(2)]
    while sum(await asyncio.gather(*(node.run_once() for node in nodes))):
        pass
    assert len(receivers.got) == len({s.id for s in receivers.got}) == 12
    by_booking = defaultdict(list)
    for sent in receivers.got:
        by_booking[sent.body["data"]["booking_id"]].append(sent.body["type"])  # type: ignore[index]
    assert all(types == list(FACTS) for types in by_booking.values())


async def test_what_one_node_takes_another_passes_over(hooks: Hooks) -> None:
    """Two that take the same events in another order would wait for each other, and one of them would fail."""
    await hooks.endpoint(PLATFORM, *FACTS)
    for _ in range(3):
        await hooks.book()

    async def claim(tx: Tx) -> list[rows.Claimed]:
        return await rows.claim(tx.conn, endpoint_ids=[], rooms=[], is_failing=False, limit=10, lease_s=60.0)

    mine, others = await turns.side_by_side(hooks.world.services, claim, claim)
    assert mine and not {one.id for one in mine} & {one.id for one in others}


@dataclass
class Waiting:
    """Answers each that is posted when, and as, the test says."""

    answers: list[asyncio.Future[Answer]] = field(default_factory=list)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.answers.append(asyncio.get_running_loop().create_future())
        return await self.answers[-1]

    async def close(self) -> None:
        return None


@pytest.mark.parametrize("late", [200, 500])
async def test_a_node_that_was_thought_dead_settles_nothing(hooks: Hooks, late: int) -> None:
    """What it heard is of a try that is not the last one: that one's word counts, and it keeps its lease."""
    await hooks.endpoint()
    await hooks.book()
    poster = Waiting()
    first, second = (WebhookWorker(hooks.world.services, poster) for _ in range(2))
    for n, node in enumerate((first, second)):
        assert await node.begin_due() == 1
        await until(lambda n=n: len(poster.answers) > n, "it is posted")  # type: ignore[misc]
        if node is first:
            await hooks.world.execute("UPDATE webhook_deliveries SET leased_until = clock_timestamp()")
    poster.answers[0].set_result(Answer(late, ""))
    assert await first.run_once() == 0
    [waits] = await hooks.log()
    assert (waits.state, waits.attempts, waits.last_status) == ("pending", 2, None)
    assert await hooks.world.value("SELECT leased_until > clock_timestamp() FROM webhook_deliveries")
    poster.answers[1].set_result(Answer(204, ""))
    await second.run_once()
    [done] = await hooks.log()
    assert (done.state, done.attempts, done.last_status) == ("delivered", 2, 204)


async def test_a_receiver_that_fails_hangs_and_comes_back_gets_everything_in_order(hooks: Hooks) -> None:
    """Over real HTTP; whoever deduplicates on the webhook-id counts each event once."""
    seen: list[tuple[str, str]] = []
    moods = iter(["fail", "hang", "drop", "ok", "fail"])

    async def receive(request: web.Request) -> web.Response:
        body = await request.json()
        mood = next(moods, "ok")
        if mood == "fail":
            return web.Response(status=503)
        # It has it, and we never hear so.
        seen.append((request.headers["webhook-id"], body["type"]))
        if mood == "hang":
            await asyncio.Event().wait()
        if mood == "drop":
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/in", receive)
    server = TestServer(app, handler_cancellation=True)
    await server.start_server(shutdown_timeout=0.1)
    try:
        await hooks.endpoint(PLATFORM, *FACTS, url=str(server.make_url("/in")))
        booking = await hooks.book()
        await hooks.happen(booking.id, *FACTS[1:])
        worker = WebhookWorker(hooks.world.services, HttpPoster(["127.0.0.1"], total_s=2.0))
        for _ in range(20):
            await drain(worker)
            await hooks.world.advance(hours=1)
        await worker.stop()
    finally:
        await server.close()
    assert [kind for _, kind in dict.fromkeys(seen)] == list(FACTS)
    assert len(seen) > len(FACTS), "some came twice, under the same id"
    assert {d.state for d in await hooks.log()} == {"delivered"}


def test_pauses_grow_and_differ_and_are_as_long_as_the_endpoint_asks() -> None:
    assert DELAYS_S == (5, 300, 1800, 7200, 18000, 36000, 36000)
    for tries, base in enumerate(DELAYS_S, 1):
        pauses = {retry_delay_s(tries) for _ in range(20)}
        assert len(pauses) > 1 and all(base * (1 - JITTER) <= p <= base * (1 + JITTER) for p in pauses)
    assert retry_delay_s(1, 60) == 60
    assert retry_delay_s(1, 10**6) == 3600
