"""Webhooks: believed only when signed, stored once, and every order of the same events ends in the same state."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import random
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dispatch.adapters.razorpay import wire as wire
from dispatch.billing import gateway_events, invoice_payments, invoices, payments, refunds, review
from dispatch.billing.gateway_events import BadSignature, BadWebhook
from dispatch.events import Actor
from dispatch.ports.gateway import GatewayPayment, PaymentsNotConfigured
from dispatch.services import Tx
from storage import gateway_events as rows
from storage.bookings import Booking
from tests.dispatch.billing.till import GRAND, Till
from tests.organisations import add_organisation
from tests.turns import side_by_side
from tests.world import World


def sign(raw: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


async def send(till: Till, event: dict[str, Any], event_id: str | None = None, secret: str | None = None) -> bool:
    raw = json.dumps(event).encode()
    return await gateway_events.receive(
        till.world.services, raw, sign(raw, secret or till.gw.webhook_secret), event_id or f"evt_{uuid4().hex}"
    )


def entity(payment_id: str, order_id: str, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": payment_id, "entity": "payment", "amount": GRAND, "currency": "INR", "status": status,
        "order_id": order_id, "method": "upi", "captured": status in ("captured", "refunded"),
        "amount_refunded": 0, "created_at": int(time.time()), "notes": [], **changes,
    }  # fmt: skip


def event(kind: str, payload: dict[str, Any], **changes: Any) -> dict[str, Any]:
    wrapped = {noun: {"entity": value} for noun, value in payload.items()}
    return {
        "entity": "event", "account_id": "acc_Test", "event": kind, "contains": list(payload),
        "payload": wrapped, "created_at": int(time.time()), **changes,
    }  # fmt: skip


def test_the_published_vectors(shared: Path) -> None:
    vectors = json.loads((shared / "data" / "webhook_signature_vectors.json").read_text())
    hook, checkout = vectors["razorpay_webhook"], vectors["razorpay_checkout_order"]
    raw = hook["raw_body"].encode()
    assert wire.verify_webhook(raw, hook["signature"], ["other", hook["secret"]])
    assert not wire.verify_webhook(raw + b" ", hook["signature"], [hook["secret"]])
    assert wire.verify_checkout(checkout["order_id"], checkout["payment_id"], checkout["signature"], checkout["secret"])


async def test_a_forged_webhook_is_refused_and_not_kept(deaf_till: Till) -> None:
    raw = json.dumps(event("payment.captured", {"payment": entity("pay_x", "order_x", "captured")})).encode()
    good = sign(raw, deaf_till.gw.webhook_secret)
    for body, signature in (
        (raw, None),
        (raw, ""),
        (raw, "0" * 64),
        (raw, sign(raw, "guess")),
        (raw + b" ", good),
        (raw, "é"),
    ):
        with pytest.raises(BadSignature):
            await gateway_events.receive(deaf_till.world.services, body, signature, "evt_1")
    assert await deaf_till.world.value("SELECT count(*) FROM gateway_events") == 0


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b"{", b'{"event": 1, "payload": {}}', b'{"event": "payment.captured"}',
     b'{"event": "", "payload": {}}',
     b'{"event": "x", "payload": []}', b'{"event":"x","payload":{},"n":NaN}', b"[" * 5000, b"\xff\xfe"],
)  # fmt: skip
async def test_signed_garbage_is_refused(deaf_till: Till, raw: bytes) -> None:
    with pytest.raises(BadWebhook):
        await gateway_events.receive(deaf_till.world.services, raw, sign(raw, deaf_till.gw.webhook_secret), "evt_1")


async def test_a_giant_webhook_is_refused(deaf_till: Till) -> None:
    raw = json.dumps(event("x", {}, pad="x" * 70_000)).encode()
    with pytest.raises(BadWebhook):
        await gateway_events.receive(deaf_till.world.services, raw, sign(raw, deaf_till.gw.webhook_secret), "evt_1")


async def test_the_previous_secret_still_counts(deaf_till: Till) -> None:
    settings = deaf_till.world.services.settings
    before = settings.payments.model_copy(
        update={"previous_webhook_secret": type(settings.payments.webhook_secret)("old")}
    )
    deaf_till.world.services.settings = settings.model_copy(update={"payments": before})
    assert await send(deaf_till, event("x.y", {}), secret="old")
    with pytest.raises(BadSignature):
        await send(deaf_till, event("x.z", {}), secret="older")


async def test_without_a_gateway_there_is_no_webhook(world: World) -> None:
    with pytest.raises(PaymentsNotConfigured):
        await gateway_events.receive(world.services, b"{}", "x", None)


async def test_stored_once_by_id_by_bytes_and_by_meaning(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    pay = entity("pay_Abcdefgh123456", block["order_id"], "captured")
    first = event("payment.captured", {"payment": pay})
    assert await send(deaf_till, first, "evt_1") is True
    assert await send(deaf_till, event("payment.failed", {"payment": pay}), "evt_1") is False
    for _ in range(5):
        assert await send(deaf_till, first, f"evt_{uuid4().hex}") is False
    assert await send(deaf_till, {**first, "created_at": first["created_at"] + 1}, "evt_2") is False
    assert await deaf_till.world.value("SELECT count(*) FROM gateway_events") == 1


async def test_parallel_copies_are_stored_once(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    copy = event("payment.captured", {"payment": entity("pay_Abcdefgh123456", block["order_id"], "captured")})
    stored = await asyncio.gather(*(send(deaf_till, copy) for _ in range(8)))
    assert sorted(stored) == [False] * 7 + [True]


async def test_nothing_personal_is_kept(deaf_till: Till) -> None:
    pay = entity(
        "pay_Abcdefgh123456", "order_x", "captured", email="a@example.com", contact="+911234567890",
        card={"last4": "1111"}, vpa="a@upi",
    )  # fmt: skip
    await send(deaf_till, event("payment.captured", {"payment": pay}))
    kept = await deaf_till.world.value("SELECT payload::text FROM gateway_events")
    assert not any(word in kept for word in ("example.com", "1234567890", "1111", "a@upi"))


async def test_a_word_about_a_wrong_order_does_not_take_the_place_of_the_true_one(till: Till) -> None:
    wrong, wrong_block = await till.online()
    booking, block = await till.online(hours=4)
    await till.gw.control(webhooks={"hold": True})
    reply = await till.gw.pay(block["order_id"])
    lie = entity(reply["razorpay_payment_id"], wrong_block["order_id"], "captured", amount=5)
    await send(till, event("payment.captured", {"payment": lie}))
    await till.worker.run_due()
    assert (await till.payment(wrong)).review_reason is not None
    true = entity(reply["razorpay_payment_id"], block["order_id"], "captured")
    assert await send(till, event("payment.captured", {"payment": true})) is True
    assert await send(till, event("payment.captured", {"payment": true})) is False
    await till.worker.run_due()
    assert (await till.payment(booking)).status == "success"
    assert (await till.payment(wrong)).status == "pending"
    await till.check()


async def test_unknown_events_are_stored_and_left_alone(till: Till) -> None:
    assert await send(till, event("settlement.processed", {"settlement": {"id": "setl_1"}}))
    await till.drain()
    rows = await till.world.fetch("SELECT is_processed, error FROM gateway_events")
    assert [(r["is_processed"], r["error"]) for r in rows] == [(True, "not of interest")]


async def test_an_old_word_is_a_reason_to_ask_and_nothing_more(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    reply = await deaf_till.gw.pay(block["order_id"], "failed")
    lie = entity(reply["razorpay_payment_id"], block["order_id"], "captured")
    await send(deaf_till, event("payment.captured", {"payment": lie}, created_at=int(time.time()) - 49 * 3600))
    await deaf_till.drain()
    assert (await deaf_till.payment(booking)).status == "failed"
    assert await deaf_till.sums() == {}


async def test_the_link_of_an_invoice_is_heard_of_at_once(till: Till) -> None:
    services = till.world.services
    home = await add_organisation(services)
    day = services.clock.now().date()
    before = invoices.last_period(day, "monthly")
    paid, given_up = [], []
    for amount in (60000, 70000):
        await home.done(before.end, price_minor=amount)
        async with services.transaction() as tx:
            made = await invoices.issue(tx, home.id, before, kind="requested")
        asked = await invoice_payments.pay_online(services, home.id, made.id, Actor("organisation", "x"))
        (given_up if paid else paid).append((made, asked))
    [(invoice, asked)], [(other, cancelled)] = paid, given_up
    link = await till.gateway.fetch_payment_link(asked.gateway_link_id or "")
    # The answer to making the link may have been lost: then it is known by our reference.
    await till.world.execute("UPDATE invoice_payments SET gateway_link_id = NULL WHERE id = $1", asked.id)
    assert link.order_id is not None
    await till.gw.pay(link.order_id)
    await till.gateway.cancel_payment_link(cancelled.gateway_link_id or "")
    await till.drain()
    async with services.read() as conn:
        assert (await invoices.get(conn, home.id, invoice.id)).status == "paid"
        assert (await invoices.get(conn, home.id, other.id)).status == "pending"
        assert (await invoice_payments.get(conn, cancelled.id)).status == "failed"
    assert await home.owes() == other.total_minor
    assert await till.alerts() == []


async def test_money_of_another_shop_at_the_same_account_is_a_note_and_nobodys_alarm(deaf_till: Till) -> None:
    """An order that nobody knows, one of another shop, a payment without an order, a payout that we never made."""
    theirs = await deaf_till.gateway.create_order(50000, "INR", "OTHER-SHOP-1", {})
    for n, order_id in enumerate(("order_Unknown1234567", theirs.id, None)):
        pay = entity(f"pay_Abcdefgh12345{n}", order_id, "captured")  # type: ignore[arg-type]
        await send(deaf_till, event("payment.captured", {"payment": pay}))
    await deaf_till.drain()
    rows = await deaf_till.world.fetch("SELECT needs_review, is_processed, error FROM gateway_events")
    assert len(rows) == 3
    for row in rows:
        assert (row["needs_review"], row["is_processed"]) == (False, True) and "not ours" in row["error"]
    assert await deaf_till.world.value("SELECT count(*) FROM alerts") == 0
    assert await deaf_till.sums() == {}


@pytest.mark.parametrize("change", [{"amount": GRAND - 1}, {"currency": "USD"}])
async def test_a_wrong_amount_or_currency_is_quarantined(deaf_till: Till, change: dict[str, Any]) -> None:
    booking, block = await deaf_till.online()
    pay = entity("pay_Abcdefgh123456", block["order_id"], "captured", **change)
    await send(deaf_till, event("payment.captured", {"payment": pay}))
    await deaf_till.drain()
    held = await deaf_till.payment(booking)
    assert held.status == "pending" and held.review_reason is not None
    assert await deaf_till.sums() == {}


async def test_nobody_looks_any_more_when_what_was_quarantined_is_given_back(
    deaf_till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staff cannot book it: they give it back at the gateway."""
    till = deaf_till
    _, block = await till.online()
    pay = entity("pay_Abcdefgh123456", block["order_id"], "captured", amount=GRAND - 1)
    await send(till, event("payment.captured", {"payment": pay}))
    await till.drain()
    assert await till.alerts() == ["payment_review"]

    async def fetch(payment_id: str) -> GatewayPayment:
        return wire.payment_of({**pay, "status": status, "amount_refunded": back_minor})

    monkeypatch.setattr(till.gateway, "fetch_payment", fetch)
    refund = {
        "id": "rfnd_Abcdefgh12345", "entity": "refund", "payment_id": pay["id"], "amount": GRAND - 1, "currency": "INR",
        "status": "processed", "created_at": int(time.time()), "notes": [],
    }  # fmt: skip
    status, back_minor = "refunded", GRAND - 1
    await send(till, event("refund.processed", {"refund": refund}))
    await till.drain()
    assert await till.alerts() == [] and await till.sums() == {}
    # A part of it is not all: somebody still has to look.
    status, back_minor = "captured", 100
    await send(till, event("refund.processed", {"refund": {**refund, "id": "rfnd_Bbcdefgh12345", "amount": 100}}))
    await till.drain()
    assert sorted(await till.alerts()) == ["gateway_event_review", "payment_review"]


@pytest.mark.parametrize("hours", [0.1, 23, 26])
async def test_an_event_sits_out_an_outage_of_less_than_a_day(deaf_till: Till, hours: float) -> None:
    booking, block = await deaf_till.online()
    reply = await deaf_till.gw.pay(block["order_id"])
    await deaf_till.away()
    await send(
        deaf_till,
        event("payment.captured", {"payment": {"id": reply["razorpay_payment_id"], "order_id": block["order_id"]}}),
    )
    for _ in range(5):
        await deaf_till.worker.run_due()
        await deaf_till.later(hours=hours / 5)
    await deaf_till.worker.run_due()
    row = (await deaf_till.world.fetch("SELECT retry_count, needs_review, error FROM gateway_events"))[0]
    assert row["retry_count"] >= 4 and row["error"]
    is_old = hours > 24
    assert row["needs_review"] is is_old and await deaf_till.alerts() == ["gateway_event_review"] * is_old
    await deaf_till.back()
    if is_old:
        async with deaf_till.world.services.transaction() as tx:
            await review.try_again(tx)
    await deaf_till.later(minutes=1)
    await deaf_till.drain()
    assert (await deaf_till.payment(booking)).status == "success"


async def test_a_webhook_before_the_answer_to_the_order(till: Till) -> None:
    """The order is made, its answer is lost, and the customer's app has the order's page all the same."""
    await till.gw.control(api=[{"fault": "close", "next": 9, "match": "* /v1/orders*"}])
    booking = await till.world.book(dispatch=False, payment_method="online", wait_for_payment=True)
    with pytest.raises(payments.OrderPending):
        await payments.start(till.world.services, booking)
    order_id = next(iter((await till.gw.state())["orders"]))
    await till.gw.control(api=[])
    await till.gw.pay(order_id)
    await till.drain()
    assert (await till.payment(booking)).status == "success"
    await till.check()


# ---------------------------------------------------------------- any order, any repetition


async def five_events(till: Till, booking: Booking, block: dict[str, Any]) -> list[dict[str, Any]]:
    """What really happened: a failed try, a captured one, and a refund of a part that staff made at the gateway."""
    failed = await till.gw.pay(block["order_id"], "failed")
    paid = await till.gw.pay(block["order_id"])
    refund = await till.gateway.refund(paid["razorpay_payment_id"], 30000, f"outside-{uuid4().hex}")
    pay_id, order_id = paid["razorpay_payment_id"], block["order_id"]
    done = {
        "id": refund.id, "entity": "refund", "payment_id": pay_id, "amount": 30000, "currency": "INR",
        "status": "processed", "receipt": None, "notes": [], "created_at": int(time.time()),
    }  # fmt: skip
    order = {"id": order_id, "entity": "order"}
    captured = entity(pay_id, order_id, "captured")
    failed_id = failed["razorpay_payment_id"]
    return [
        event("payment.authorized", {"payment": entity(pay_id, order_id, "authorized")}),
        event("payment.failed", {"payment": entity(failed_id, order_id, "failed", error_code="BAD_REQUEST_ERROR")}),
        event("payment.captured", {"payment": captured}),
        event("order.paid", {"payment": captured, "order": order}),
        event("refund.processed", {"payment": captured, "refund": done}),
    ]


async def state(till: Till, booking: Booking) -> tuple[Any, ...]:
    payment = await till.payment(booking)
    shown = await till.world.booking(booking.id)
    lines = await till.world.fetch(
        "SELECT j.kind, l.type, p.amount_minor FROM ledger_journals j JOIN ledger_postings p ON p.journal_id = j.id"
        " JOIN ledger_accounts l ON l.id = p.account_id WHERE j.booking_id = $1 ORDER BY 1, 2, 3", booking.id,
    )  # fmt: skip
    return (
        payment.status, payment.captured_minor, payment.refunded_minor, payment.failure_reason, payment.review_reason,
        shown.payment_status, [tuple(line) for line in lines],
    )  # fmt: skip


async def test_every_order_of_five_events_ends_in_the_same_state(deaf_till: Till) -> None:
    till, seen = deaf_till, set()
    rng = random.Random(5)
    for order in itertools.permutations(range(5)):
        booking, block = await till.online(number=f"BK-P-{''.join(map(str, order))}")
        events = await five_events(till, booking, block)
        for index in order:
            for _ in range(rng.choice((1, 1, 2))):
                await send(till, events[index])
            await till.worker.run_due()
        seen.add(repr(await state(till, booking)))
        await till.world.execute("DELETE FROM slots WHERE booking_id = $1", booking.id)
        await till.world.execute("DELETE FROM alerts")
    assert len(seen) == 1
    assert "'partially_refunded', 177120, 30000, None, None, 'partially_refunded'" in seen.pop()
    assert await till.world.value("SELECT count(*) FROM gateway_events WHERE NOT is_processed") == 0
    await till.check()


async def test_verify_and_webhook_together_have_one_effect(till: Till) -> None:
    booking, block = await till.online()
    await till.gw.control(webhooks={"duplicate": 3})
    reply = await till.gw.pay(block["order_id"])
    await asyncio.gather(till.drain(), *(till.verify(booking, reply) for _ in range(5)))
    await till.drain()
    assert await till.sums() == {"gateway_clearing": -GRAND, "prepaid": GRAND}
    facts = await till.world.facts(booking.id)
    assert facts.count("payment.captured") == 1 and facts.count("partner.assigned") == 1
    await till.check()


async def test_the_names_of_refunds_all_lead_to_the_same(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    reply = await deaf_till.gw.pay(block["order_id"])
    await deaf_till.gateway.refund(reply["razorpay_payment_id"], GRAND, f"outside-{uuid4().hex}")
    pay = entity(reply["razorpay_payment_id"], block["order_id"], "refunded", amount_refunded=GRAND)
    await send(deaf_till, event("payment.refunded", {"payment": pay}))
    await deaf_till.drain()
    found = await deaf_till.payment(booking)
    assert (found.status, found.refunded_minor) == ("refunded", GRAND)
    async with deaf_till.world.services.read() as conn:
        (refund,) = await refunds.of_booking(conn, booking.id)
    assert (refund.requested_by, refund.status) == ("gateway", "processed")
    await deaf_till.check()


async def test_two_runners_take_different_events(deaf_till: Till) -> None:
    for n in range(2):
        await send(deaf_till, event(f"x.{n}", {}))

    async def take(tx: Tx) -> str | None:
        found = await rows.claim_due(tx.conn)
        return found.event_type if found else None

    assert {*await side_by_side(deaf_till.world.services, take, take)} == {"x.0", "x.1"}
