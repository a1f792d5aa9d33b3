"""Reconciliation: everything injected is found, nothing else is, and running it again changes nothing."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dispatch.billing import reconciliation, refunds, review
from dispatch.billing.reconciliation import AlreadyRunning, reconcile, run_due
from dispatch.ports.gateway import GatewayPayment, GatewayRefund, GatewayRefused
from tests.dispatch.billing.till import GRAND, STAFF, Till


def today() -> date:
    """In Kolkata, by the clock of the gateway; asked for when it is needed, for a run may go on past midnight."""
    return (datetime.now(UTC) + timedelta(hours=5, minutes=30)).date()


@dataclass
class Books:
    """The reading half of a gateway, out of two dicts."""

    payments: dict[str, GatewayPayment] = field(default_factory=dict)
    refunds: dict[str, GatewayRefund] = field(default_factory=dict)

    async def payments_between(self, from_s: int, to_s: int) -> AsyncIterator[GatewayPayment]:
        for told in list(self.payments.values()):
            if from_s <= told.created_at.timestamp() <= to_s:
                yield told

    async def refunds_between(self, from_s: int, to_s: int) -> AsyncIterator[GatewayRefund]:
        for told in list(self.refunds.values()):
            if from_s <= told.created_at.timestamp() <= to_s:
                yield told

    async def fetch_payment(self, payment_id: str) -> GatewayPayment:
        if payment_id not in self.payments:
            raise GatewayRefused("no such payment")
        return self.payments[payment_id]

    async def fetch_refund(self, refund_id: str) -> GatewayRefund:
        if refund_id not in self.refunds:
            raise GatewayRefused("no such refund")
        return self.refunds[refund_id]

    async def fetch_order(self, order_id: str) -> Any:
        raise GatewayRefused("no such order")


def paid(payment_id: str, order_id: str | None, minor: int = GRAND, **changes: Any) -> GatewayPayment:
    told = GatewayPayment(
        payment_id,
        order_id,
        minor,
        "INR",
        "captured",
        "upi",
        True,
        0,
        None,
        None,
        None,
        None,
        datetime.now(UTC).replace(microsecond=0),
    )
    return replace(told, **changes)


async def test_ten_thousand_payments_with_one_percent_wrong(deaf_till: Till) -> None:
    till, books, rng = deaf_till, Books(), random.Random(20)
    account = await till.world.customer()
    now = datetime.now(UTC)
    rows = []
    for n in range(10_000 - 25):
        payment_id, minor = f"pay_{n:014d}", rng.randint(100, 500_000)
        books.payments[payment_id] = paid(payment_id, f"order_{n:014d}", minor, fee_minor=minor // 50)
        rows.append((
            uuid4(), account, "online", "success", "INR", minor, minor, f"RC-{n}", f"order_{n:014d}", payment_id, now,
        ))  # fmt: skip
    async with till.world.services.transaction() as tx:
        await tx.conn.copy_records_to_table(
            "payments", records=rows, timeout=600,
            columns=[
                "id", "account_id", "kind", "status", "currency", "amount_minor", "captured_minor", "receipt",
                "gateway_order_id", "gateway_payment_id", "captured_at",
            ],
        )  # fmt: skip
    injected = set()
    wrong = rng.sample(range(10_000 - 25), 75)
    for n in wrong[:25]:
        payment_id = f"pay_{n:014d}"
        injected.add(("missing_here", payment_id))
        await till.world.execute("DELETE FROM payments WHERE gateway_payment_id = $1", payment_id)
    for n in wrong[25:50]:
        payment_id = f"pay_{n:014d}"
        injected.add(("missing_there", payment_id))
        del books.payments[payment_id]
    for n in wrong[50:]:
        payment_id = f"pay_{n:014d}"
        injected.add(("amount", payment_id))
        books.payments[payment_id] = replace(books.payments[payment_id], amount_minor=99)
    for n in range(25):
        booking, block = await till.online(account, number=f"BK-R-{n}")
        await till.world.execute("DELETE FROM slots WHERE booking_id = $1", booking.id)
        payment_id = f"pay_Missed{n:08d}"
        books.payments[payment_id] = paid(payment_id, block["order_id"])
        injected.add(("status", payment_id))
    first = await reconcile(till.world.services, books, today())  # type: ignore[arg-type]
    assert {(i.kind, i.gateway_id) for i in first.items} == injected and len(first.items) == 100
    assert {i.kind for i in first.items if i.resolution == "repaired"} == {"status"}
    assert first.run.payments_there == 10_000 - 25
    assert await till.world.value("SELECT count(*) FROM bookings WHERE payment_status = 'paid'") == 25
    journals = await till.world.value("SELECT count(*) FROM ledger_journals")
    second = await reconcile(till.world.services, books, today())  # type: ignore[arg-type]
    assert second.items == first.items
    assert await till.world.value("SELECT count(*) FROM ledger_journals") == journals
    lines = second.csv().splitlines()
    assert len(lines) == 101 and lines[0].startswith("entity,kind,gateway_id")


async def test_missed_webhooks_are_made_up_for(deaf_till: Till) -> None:
    till = deaf_till
    booking, block = await till.online()
    reply = await till.gw.pay(block["order_id"])
    await till.gateway.refund(reply["razorpay_payment_id"], 30000, f"outside-{uuid4().hex}")
    report = await reconcile(till.world.services, till.gateway, today())
    assert {(i.entity, i.kind, i.resolution) for i in report.items} == {
        ("payment", "status", "repaired"), ("refund", "missing_here", "repaired"),
    }  # fmt: skip
    payment = await till.payment(booking)
    assert (payment.status, payment.refunded_minor) == ("partially_refunded", 30000)
    sums = await till.sums()
    assert sums["gateway_fees"] < 0 and sums["prepaid"] == GRAND - 30000
    before = await till.sums()
    assert (await reconcile(till.world.services, till.gateway, today())).items == report.items
    assert await till.sums() == before
    await till.check()


async def test_a_refund_whose_end_was_never_told(till: Till) -> None:
    await till.gw.control(refunds="pending", settle_s=3600)
    booking = await till.paid()
    async with till.world.services.transaction() as tx:
        await refunds.request_for_booking(tx, booking.id, GRAND, reason="x", requested_by="x")
    await till.drain()
    await till.gw.control(webhooks={"drop": {"probability": 1.0}}, settle=True)
    report = await reconcile(till.world.services, till.gateway, today())
    assert ("refund", "status", "repaired") in {(i.entity, i.kind, i.resolution) for i in report.items}
    assert (await till.payment(booking)).status == "refunded"
    await till.check()


async def test_one_run_at_a_time(deaf_till: Till) -> None:
    services = deaf_till.world.services
    answers = await asyncio.gather(
        *(reconcile(services, deaf_till.gateway, today()) for _ in range(4)), return_exceptions=True
    )
    assert all(isinstance(a, reconciliation.Report | AlreadyRunning) for a in answers)
    assert any(isinstance(a, reconciliation.Report) for a in answers)


async def test_a_failed_run_is_repeated_by_the_next_turn(deaf_till: Till) -> None:
    services = deaf_till.world.services
    await deaf_till.gw.control(api=[{"fault": "error_500", "next": 1}])
    with pytest.raises(Exception, match="payment gateway"):
        await run_due(services, deaf_till.gateway)
    assert await deaf_till.world.value("SELECT state FROM reconciliation_runs") == "failed"
    assert await run_due(services, deaf_till.gateway) == 1
    assert await run_due(services, deaf_till.gateway) == 0


async def test_days_on_which_nothing_was_compared_are_made_up_for(deaf_till: Till) -> None:
    services = deaf_till.world.services
    assert await run_due(services, deaf_till.gateway) == 1
    # The last comparison was four days ago, and three days went by without a server.
    await deaf_till.world.execute("UPDATE reconciliation_runs SET day = day - 4")
    assert await run_due(services, deaf_till.gateway) == 4
    # After a longer time a week is looked at, and what was looked at too early is looked at again.
    newer = "DELETE FROM reconciliation_runs WHERE day > (SELECT min(day) FROM reconciliation_runs)"
    await deaf_till.world.execute(newer)
    await deaf_till.world.execute("UPDATE reconciliation_runs SET day = day - 30")
    assert await run_due(services, deaf_till.gateway) == reconciliation.DAYS_BACK + 1
    await deaf_till.world.execute(
        "UPDATE reconciliation_runs SET started_at = day WHERE day = (SELECT max(day) FROM reconciliation_runs)"
    )
    assert await run_due(services, deaf_till.gateway) == 1
    assert await run_due(services, deaf_till.gateway) == 0


async def test_staff_hear_of_what_does_not_agree_and_have_it_compared_again(deaf_till: Till) -> None:
    till, books, services = deaf_till, Books(), deaf_till.world.services
    booking, block = await till.online()
    reply = await till.gw.pay(block["order_id"])
    await till.verify(booking, reply)
    ours = await till.gateway.fetch_payment(reply["razorpay_payment_id"])
    books.payments[ours.id] = replace(ours, amount_minor=99)
    # Another shop's at the same account: noted, and nobody's alarm.
    books.payments["pay_SomebodyElses1"] = paid("pay_SomebodyElses1", "order_SomebodyElse")
    for _ in range(2):
        assert len((await reconcile(services, books, today())).open_items) == 2  # type: ignore[arg-type]
    (alert,) = await till.world.fetch("SELECT id, kind, subject, message FROM alerts WHERE resolved_at IS NULL")
    assert (alert["kind"], alert["subject"]) == ("reconciliation_open", f"reconciliation:{today()}")
    assert f"payment {ours.id} is 1771.20 here and 0.99 there" in alert["message"]
    assert "pay_SomebodyElses1" not in alert["message"]
    async with services.transaction() as tx:
        await review.retry(tx, STAFF, alert["id"])
    (task,) = await till.world.fetch("SELECT kind, payload FROM tasks")
    assert (task["kind"], task["payload"]) == ("reconcile", {"day": f"{today()}"})
    books.payments[ours.id] = ours
    await reconcile(services, books, today())  # type: ignore[arg-type]
    assert await till.alerts() == []


async def test_a_refund_that_does_not_fit_is_told_of(deaf_till: Till) -> None:
    till, books, services = deaf_till, Books(), deaf_till.world.services
    booking, block = await till.online()
    reply = await till.gw.pay(block["order_id"])
    await till.verify(booking, reply)
    ours = await till.gateway.fetch_payment(reply["razorpay_payment_id"])
    books.payments[ours.id] = ours
    books.refunds["rfnd_TooMuchByFar1"] = GatewayRefund(
        "rfnd_TooMuchByFar1", ours.id, GRAND + 1, "INR", "processed", None, datetime.now(UTC).replace(microsecond=0)
    )
    (item,) = (await reconcile(services, books, today())).items  # type: ignore[arg-type]
    assert (item.kind, item.resolution, item.local_id) == ("missing_here", "open", (await till.payment(booking)).id)
    assert await till.alerts() == ["reconciliation_open"]


async def test_what_was_never_booked_and_is_all_given_back_is_nothing_to_find(deaf_till: Till) -> None:
    till, books, services = deaf_till, Books(), deaf_till.world.services
    _, block = await till.online()
    wrong = paid("pay_OfAWrongAmount", block["order_id"], GRAND - 1)
    books.payments[wrong.id] = wrong
    await reconcile(services, books, today())  # type: ignore[arg-type]
    assert sorted(await till.alerts()) == ["payment_review", "reconciliation_open"]
    books.payments[wrong.id] = replace(wrong, status="refunded", amount_refunded_minor=GRAND - 1)
    assert not (await reconcile(services, books, today())).open_items  # type: ignore[arg-type]
    assert await till.alerts() == []
