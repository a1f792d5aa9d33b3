"""Disputes: staff hear in time, and what a bank took is gone once, whatever else is said and in whatever order."""

from __future__ import annotations

import itertools
import time
from typing import Any

import pytest

from dispatch.billing.refunds import OverRefund
from storage.bookings import Booking
from tests.dispatch.billing.test_gateway_events import event, send
from tests.dispatch.billing.test_refunds import ask
from tests.dispatch.billing.till import GRAND, Till

ID = "disp_Abcdefgh123456"


async def about(till: Till, booking: Booking, kind: str, status: str, **changes: Any) -> dict[str, Any]:
    """What the gateway says of a dispute over a booking's payment."""
    payment = await till.payment(booking)
    dispute = {
        "id": ID, "entity": "dispute", "payment_id": payment.gateway_payment_id, "amount": GRAND, "currency": "INR",
        "amount_deducted": GRAND if status == "lost" else 0, "status": status, "phase": "chargeback",
        "respond_by": int(time.time()) + 5 * 86400, "created_at": int(time.time()), **changes,
    }  # fmt: skip
    return event(f"payment.dispute.{kind}", {"dispute": dispute})


async def test_staff_hear_of_a_dispute_while_they_can_answer(till: Till) -> None:
    booking = await till.paid()
    await send(till, await about(till, booking, "created", "open"))
    await send(till, await about(till, booking, "under_review", "under_review"))
    await till.drain()
    (alert,) = await till.world.fetch("SELECT kind, booking_id, message FROM alerts WHERE resolved_at IS NULL")
    assert (alert["kind"], alert["booking_id"]) == ("dispute", booking.id)
    assert "₹1,771.20" in alert["message"] and "by " in alert["message"]
    assert (await till.payment(booking)).refunded_minor == 0
    await send(till, await about(till, booking, "won", "won"))
    await till.drain()
    assert await till.alerts() == []
    assert (await till.world.booking(booking.id)).payment_status == "paid"
    await till.check()


@pytest.mark.parametrize("is_done", [False, True])
async def test_what_a_lost_one_took_is_gone_and_not_given_back_once_more(till: Till, is_done: bool) -> None:
    technician = await till.world.technician()
    booking = await till.paid()
    if is_done:
        await till.finish(booking, technician)
    words = [await about(till, booking, k, s) for k, s in (("created", "open"), ("lost", "lost"), ("closed", "closed"))]
    words[2]["payload"]["dispute"]["entity"]["amount_deducted"] = GRAND
    for word in words:
        await send(till, word)
        await till.drain()
    assert "dispute_lost" in await till.alerts() and "dispute" not in await till.alerts()
    sums = await till.sums()
    assert "gateway_clearing" not in sums and sums.get("refunds", 0) == (-GRAND if is_done else 0)
    payment = await till.payment(booking)
    assert (payment.status, payment.refunded_minor) == ("refunded", GRAND)
    with pytest.raises(OverRefund):
        await ask(till, booking, 100, to_wallet=True)
    await till.check()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_its_words_lead_to_the_same_in_any_order(till: Till, order: tuple[int, ...]) -> None:
    booking = await till.paid()
    kinds = [("created", "open"), ("action_required", "open"), ("lost", "lost")]
    words = [await about(till, booking, *kind) for kind in kinds]
    for one in order:
        await send(till, words[one])
        await till.drain()
    assert {"dispute", "dispute_lost"} & set(await till.alerts()) == {"dispute_lost"}
    assert (await till.payment(booking)).refunded_minor == GRAND
    await till.check()


async def test_money_that_went_both_ways_is_a_persons_matter(till: Till) -> None:
    booking = await till.paid()
    await ask(till, booking, GRAND)
    await till.drain()
    await send(till, await about(till, booking, "lost", "lost"))
    await till.drain()
    assert "gateway_event_review" in await till.alerts()
    await till.check()


async def test_one_over_a_payment_of_which_nobody_told(deaf_till: Till) -> None:
    booking, block = await deaf_till.online()
    reply = await deaf_till.gw.pay(block["order_id"])
    await send(deaf_till, await about(deaf_till, booking, "created", "open", payment_id=reply["razorpay_payment_id"]))
    await deaf_till.drain()
    assert (await deaf_till.payment(booking)).status == "success"
    assert await deaf_till.alerts() == ["dispute"]
