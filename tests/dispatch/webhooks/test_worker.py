"""Sending: signed, in order, tried over a day, given up, replayed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from dispatch.adapters.webhooks import HttpPoster
from dispatch.ports.webhooks import Answer
from dispatch.webhooks import deliveries, endpoints
from dispatch.webhooks.owners import PLATFORM, Owner
from dispatch.webhooks.worker import DELAYS_S, JITTER, WebhookWorker, retry_delay_s
from tests.dispatch.webhooks.hooks import STAFF, URL, Hooks
from tests.dispatch.webhooks.receivers import FACTS, Receivers, drain


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
