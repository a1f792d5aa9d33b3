"""What an app owes and has paid: each currency by itself, a transfer once, a mistake taken back once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.billing import integration_account, ledger_check
from dispatch.billing.integration_account import AlreadyReversed, Transfer
from dispatch.billing.invoice_payments import TransferKnown
from dispatch.engine import jobs
from dispatch.errors import Invalid, Missing
from dispatch.localtime import local
from dispatch.parties import integration_customers, integrations
from dispatch.parties.integrations import PartnerNotFound
from dispatch.services import Tx
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage.bookings import Booking
from storage.database.listing import Wanted
from storage.integration_payments import IntegrationPayment
from storage.ledger import DebtorEntry
from tests.dispatch.billing.till import GRAND, STAFF, Till
from tests.dispatch.parties.test_integrations import make, new
from tests.turns import one_after_the_other


class App:
    """An app that is billed, and somebody for whom it books."""

    def __init__(self, till: Till, id: UUID, customer_id: UUID) -> None:
        self.till, self.id, self.customer_id = till, id, customer_id

    async def done(self, **changes: Any) -> Booking:
        booked = await self.till.world.book(self.customer_id, payment_method="account", billed_to=self.id, **changes)
        offer = await self.till.world.open_offer(booked.id)
        return await self.till.finish(booked, offer["technician_id"])

    async def paid(self, *booked: Booking) -> list[str]:
        return [(await self.till.world.booking(one.id)).payment_status for one in booked]

    async def owes(self) -> list[tuple[str, int]]:
        async with self.till.world.services.read() as conn:
            return [(b.currency, b.owed_minor) for b in await integration_account.balances(conn, self.id)]

    async def lines(self, **filters: Any) -> list[DebtorEntry]:
        async with self.till.world.services.read() as conn:
            return list((await integration_account.lines(conn, self.id, Wanted(filters=filters), "Asia/Kolkata")).rows)

    def transfer(self, minor: int, reference: str = "UTR-1", currency: str = "INR") -> Transfer:
        return Transfer(minor, currency, reference, local(self.till.world.now, "Asia/Kolkata").date())

    async def pays(self, minor: int, reference: str = "UTR-1", currency: str = "INR") -> IntegrationPayment:
        return await self.records(self.transfer(minor, reference, currency))

    async def records(self, transfer: Transfer) -> IntegrationPayment:
        async with self.till.world.services.transaction() as tx:
            return await integration_account.record(tx, STAFF, self.id, transfer)

    async def reverses(self, payment_id: UUID) -> IntegrationPayment:
        async with self.till.world.services.transaction() as tx:
            return await integration_account.reverse(tx, STAFF, self.id, payment_id, "for another app")


async def billed(till: Till, email: str = "dev@acme.example", phone: str = "+911234500001") -> App:
    made = await make(till.world.services, new(email))
    async with till.world.services.transaction() as tx:
        await integrations.set_limits(tx, made.id, STAFF, is_billed=True)
        customer, _ = await integration_customers.create(tx, made.id, STAFF, name="Asha", phone=phone, email=None)
    return App(till, made.id, customer.id)


async def off(till: Till) -> dict[str, tuple[int, int | None]]:
    async with till.world.services.read() as conn:
        return {f.question: (f.found_minor, f.expected_minor) for f in await ledger_check.check(conn)}


async def test_what_is_done_is_owed_and_what_is_paid_is_not(till: Till) -> None:
    app, other = await billed(till), await billed(till, "dev@other.example", "+911234500002")
    assert (await app.owes(), await app.lines()) == ([], [])
    first = await app.done()
    missed = await till.world.book(app.customer_id, payment_method="account", billed_to=app.id)
    await till.cancel(missed, fee_minor=5000)
    assert await app.owes() == [("INR", GRAND + 5000)]
    paid = await app.pays(100_000)
    assert await app.owes() == [("INR", GRAND + 5000 - 100_000)]
    lines = await app.lines()
    assert [(e.kind, e.amount_minor, e.booking_id) for e in lines] == [
        ("integration_payment", 100_000, None), ("cancellation_fee", -5000, missed.id),
        ("completion", -GRAND, first.id),
    ]  # fmt: skip
    assert [integration_account.payment_of(e) for e in lines] == [paid.id, None, None]
    assert [e.id for e in await app.lines(type=["credit"])] == [lines[0].id]
    assert (await other.owes(), await other.lines()) == ([], [])
    assert await off(till) == {}


async def test_each_currency_is_owed_and_paid_by_itself(till: Till) -> None:
    app = await billed(till)
    await app.done()
    await app.done(currency="PHP", hours=4)
    await app.pays(GRAND, "UTR-1", "PHP")
    assert await app.owes() == [("INR", GRAND), ("PHP", 0)]
    assert [e.currency for e in await app.lines(currency=["PHP"])] == ["PHP", "PHP"]
    assert await off(till) == {}


async def test_a_statement_is_of_some_days(till: Till) -> None:
    app = await billed(till)
    await app.done()
    first = local(till.world.now, "Asia/Kolkata").date()
    await till.world.advance(days=2)
    await app.pays(1000)
    last = first + timedelta(days=2)
    for days, kinds in (
        ({}, ["integration_payment", "completion"]), ({"date_to": last - timedelta(days=1)}, ["completion"]),
        ({"date_from": first + timedelta(days=1)}, ["integration_payment"]),
        ({"date_from": last, "date_to": last}, ["integration_payment"]),
        ({"date_from": first, "date_to": first}, ["completion"]), ({"date_from": last + timedelta(days=1)}, []),
    ):  # fmt: skip
        assert [e.kind for e in await app.lines(**days)] == kinds, days


async def test_what_was_paid_over_the_next_bookings_take(till: Till) -> None:
    app = await billed(till)
    await app.pays(2 * GRAND)
    assert await app.owes() == [("INR", -2 * GRAND)]
    await app.done()
    assert await app.owes() == [("INR", -GRAND)]
    # A part of a payment is owed, and the rest is credit; of a booking the credit pays a part: either is one line.
    await app.done(hours=4)
    await app.pays(1000, "UTR-2")
    await app.done(hours=7)
    assert await app.owes() == [("INR", GRAND - 1000)]
    await app.pays(GRAND, "UTR-3")
    assert await app.owes() == [("INR", -1000)]
    sums = [e.amount_minor for e in await app.lines()]
    assert sums == [GRAND, -GRAND, 1000, -GRAND, -GRAND, 2 * GRAND]
    assert await off(till) == {}


async def test_a_credit_that_a_mistake_made_is_owed_again(till: Till) -> None:
    app = await billed(till)
    made = await app.pays(GRAND + 1000)
    await app.done()
    assert await app.owes() == [("INR", -1000)]
    await app.reverses(made.id)
    assert await app.owes() == [("INR", GRAND)]
    assert [e.amount_minor for e in await app.lines()] == [-GRAND - 1000, -GRAND, GRAND + 1000]
    assert await off(till) == {}


async def test_the_oldest_debts_are_paid_first_and_their_bookings_say_so(till: Till) -> None:
    app = await billed(till)
    first = await app.done()
    missed = await till.world.book(app.customer_id, payment_method="account", billed_to=app.id)
    await till.cancel(missed, fee_minor=5000)
    second, other = await app.done(hours=4), await app.done(currency="PHP", hours=7)
    assert await app.paid(first, second, other) == ["pending", "pending", "pending"]
    await app.pays(GRAND - 1)
    assert await app.paid(first, second) == ["pending", "pending"]
    made = await app.pays(1 + 5000, "UTR-2")
    assert await app.paid(first, second, missed) == ["paid", "pending", "pending"]
    told = {e.booking_id: e.payment_status for e in await app.lines(type=["debit"])}
    assert told == {first.id: "paid", missed.id: None, second.id: "pending", other.id: "pending"}
    rest = await app.pays(GRAND + 1000, "UTR-3")
    assert await app.paid(first, second, other) == ["paid", "paid", "pending"]
    # What is taken back is owed again, by the newest.
    await app.reverses(rest.id)
    assert await app.paid(first, second) == ["paid", "pending"]
    await app.reverses(made.id)
    assert await app.paid(first, second) == ["pending", "pending"]
    assert await off(till) == {}


async def test_what_credit_pays_is_paid_when_it_is_done(till: Till) -> None:
    app = await billed(till)
    await app.pays(GRAND + 1000)
    first, second = await app.done(), await app.done(hours=4)
    assert await app.paid(first, second) == ["paid", "pending"]
    await app.pays(GRAND - 1000, "UTR-2")
    assert await app.paid(first, second) == ["paid", "paid"]


async def test_what_is_paid_while_a_job_ends_leaves_no_credit_beside_a_debt(till: Till) -> None:
    app = await billed(till)
    technician = await till.world.technician()
    booked = await till.world.book(app.customer_id, payment_method="account", billed_to=app.id)
    await till.world.accept(booked.id, technician)
    await till.world.advance(hours=1)

    async def pay(tx: Tx) -> IntegrationPayment:
        return await integration_account.record(tx, STAFF, app.id, app.transfer(5000))

    async def end(tx: Tx) -> None:
        for step in ("in_transit", "arrived"):
            await jobs.advance(tx, booked.id, technician, step)
        await jobs.complete(tx, booked.id, technician)

    await one_after_the_other(till.world.services, pay, end)
    held = await till.world.fetch(
        "SELECT type, balance_minor FROM ledger_accounts WHERE owner_id = $1 ORDER BY type", app.id
    )
    assert [tuple(row) for row in held] == [("receivable", 5000 - GRAND), ("wallet", 0)]
    assert await off(till) == {}


@pytest.mark.parametrize("is_paid_first", [True, False])
async def test_a_job_that_ends_while_all_of_it_is_paid_is_paid(till: Till, is_paid_first: bool) -> None:
    app = await billed(till)
    technician = await till.world.technician()
    booked = await till.world.book(app.customer_id, payment_method="account", billed_to=app.id)
    await till.world.accept(booked.id, technician)
    await till.world.advance(hours=1)

    async def pay(tx: Tx) -> None:
        await integration_account.record(tx, STAFF, app.id, app.transfer(GRAND))

    async def end(tx: Tx) -> None:
        for step in ("in_transit", "arrived"):
            await jobs.advance(tx, booked.id, technician, step)
        await jobs.complete(tx, booked.id, technician)

    await one_after_the_other(till.world.services, *((pay, end) if is_paid_first else (end, pay)))
    assert (await app.paid(booked), await app.owes()) == (["paid"], [("INR", 0)])
    assert await off(till) == {}


async def test_a_transfer_counts_once_for_each_app(till: Till) -> None:
    app, other = await billed(till), await billed(till, "dev@other.example", "+911234500002")
    await app.pays(5000, "UTR-1")
    with pytest.raises(TransferKnown):
        await app.pays(7000, "utr-1")
    await app.pays(7000, "UTR-2")
    await other.pays(5000, "UTR-1")
    assert (await app.owes(), await other.owes()) == ([("INR", -12_000)], [("INR", -5000)])


async def test_of_two_that_record_one_transfer_at_once_one_does(till: Till) -> None:
    app = await billed(till)

    async def record(tx: Tx) -> IntegrationPayment:
        return await integration_account.record(tx, STAFF, app.id, app.transfer(5000))

    made, refused = await one_after_the_other(till.world.services, record, record)
    assert isinstance(made, IntegrationPayment) and isinstance(refused, TransferKnown)
    assert await app.owes() == [("INR", -5000)] and await off(till) == {}


async def test_a_mistake_is_taken_back_once_and_its_reference_is_free(till: Till) -> None:
    app, other = await billed(till), await billed(till, "dev@other.example", "+911234500002")
    await app.done()
    made = await app.pays(GRAND)
    with pytest.raises(Missing):
        await other.reverses(made.id)

    async def reverse(tx: Tx) -> IntegrationPayment:
        return await integration_account.reverse(tx, STAFF, app.id, made.id, "for another app")

    taken_back, refused = await one_after_the_other(till.world.services, reverse, reverse)
    assert (taken_back.reversed_by, taken_back.reversal_reason) == (f"admin:{STAFF.id}", "for another app")
    assert isinstance(refused, AlreadyReversed)
    assert await app.owes() == [("INR", GRAND)]
    assert [e.amount_minor for e in await app.lines()] == [-GRAND, GRAND, -GRAND]
    again = await app.pays(1000)
    with pytest.raises(AlreadyReversed):
        await app.reverses(made.id)
    with pytest.raises(TransferKnown):
        await app.pays(1000)
    assert await app.owes() == [("INR", GRAND - 1000)] and await off(till) == {}
    async with till.world.services.read() as conn:
        listed = (await integration_account.payments(conn, app.id, Wanted())).rows
    assert {(p.id, p.reversed_at is None) for p in listed} == {(again.id, True), (made.id, False)}
    told = await till.world.fetch("SELECT action, resource_id FROM audit_log WHERE action LIKE '%_payment' ORDER BY id")
    assert [tuple(entry) for entry in told] == [
        (action, str(app.id)) for action in ("record_payment", "reverse_payment", "record_payment")
    ]  # fmt: skip


async def test_a_day_to_come_and_an_app_that_never_was_are_refused(till: Till) -> None:
    app = await billed(till)
    tomorrow = app.transfer(5000).paid_on + timedelta(days=1)
    with pytest.raises(Invalid) as refused:
        await app.records(replace(app.transfer(5000), paid_on=tomorrow))
    assert list(refused.value.fields) == ["paid_on"]
    with pytest.raises(PartnerNotFound):
        await App(till, uuid4(), uuid4()).pays(5000)
    assert await app.owes() == []


async def test_a_deleted_app_may_still_pay_what_it_owes(till: Till) -> None:
    app = await billed(till)
    await app.done()
    async with till.world.services.transaction() as tx:
        await integrations.delete(tx, app.id, STAFF)
    await app.pays(GRAND)
    assert await app.owes() == [("INR", 0)] and await off(till) == {}


async def test_a_payment_that_no_transfer_stands_for_is_seen(till: Till) -> None:
    app = await billed(till)
    made = await app.pays(5000)
    await till.world.execute("UPDATE integration_payments SET amount_minor = 4000 WHERE id = $1", made.id)
    assert await off(till) == {"platform_accounts": (-5000, -4000), "integration_debts": (-5000, -4000)}


async def test_the_app_is_told_of_what_it_paid_and_of_what_was_taken_back(till: Till) -> None:
    """Its bookings turn paid by the one and unpaid by the other."""
    app, other = await billed(till), await billed(till, "dev@other.example", "+911234500002")
    for one in (app, other):
        async with till.world.services.transaction() as tx:
            events = ("account.payment_recorded", "account.payment_reversed")
            await endpoints.create(tx, Owner("integration", one.id), STAFF, url="https://a.example/in", events=events)
    booked = await app.done()
    made = await app.pays(GRAND + 500)
    assert await app.paid(booked) == ["paid"]
    await app.reverses(made.id)
    assert await app.paid(booked) == ["pending"]
    told = await till.world.fetch("SELECT owner_key, type, stream, data FROM webhook_deliveries ORDER BY no")
    assert [(t["owner_key"], t["type"]) for t in told] == [
        (app.id, "account.payment_recorded"), (app.id, "account.payment_reversed"),
    ]  # fmt: skip
    paid = {
        "payment_id": str(made.id), "amount_minor": GRAND + 500, "currency": "INR", "reference": "UTR-1",
        "paid_on": made.paid_on.isoformat(),
    }  # fmt: skip
    assert [t["data"] for t in told] == [
        {**paid, "owed_minor": 0, "credit_minor": 500},
        {**paid, "owed_minor": GRAND, "credit_minor": 0, "reason": "for another app"},
    ]
    assert told[0]["stream"] == told[1]["stream"], "they arrive in their order"
