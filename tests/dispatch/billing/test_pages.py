"""Pages of the gateway: whose they are, and the daily comparison that knows what came in at them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from dispatch.billing import invoice_payments, ledger_check, pages, platform_bills, platform_plans
from dispatch.billing.reconciliation import reconcile
from storage.invoices import Invoice
from storage.platform_bills import Bill
from tests.dispatch.billing.invoiced import issued, last_month, seen
from tests.dispatch.billing.till import STAFF, Till
from tests.organisations import Home, add_organisation
from tests.providers import add_provider


async def paid_bill(till: Till) -> Bill:
    """A bill for 500.00 that was paid at its page; nobody has told us."""
    services, owned = till.world.services, await add_provider(till.world.services)
    async with services.transaction() as tx:
        await platform_plans.create(
            tx, STAFF, name="Basic", currency="INR", monthly_minor=50_000, yearly_minor=500_000, features=[]
        )
    await services.retrying(lambda tx: platform_bills.choose(tx, owned.id, "Basic"))
    async with services.read() as conn:
        (bill,) = await platform_bills.newest(conn, owned.id)
    bill = await platform_bills.pay(services, owned.id, bill.number)
    link = await till.gateway.fetch_payment_link(bill.gateway_link_id or "")
    assert link.order_id is not None
    await till.gw.pay(link.order_id)
    return bill


async def found(till: Till) -> list[tuple[str, str]]:
    """What the comparison of today says."""
    today = (datetime.now(UTC) + timedelta(hours=5, minutes=30)).date()
    return [(i.kind, i.resolution) for i in (await reconcile(till.world.services, till.gateway, today)).items]


async def test_what_came_in_at_a_page_and_nobody_told_is_made_up_for(deaf_till: Till) -> None:
    bill = await paid_bill(deaf_till)
    assert await found(deaf_till) == [("status", "repaired")]
    async with deaf_till.world.services.read() as conn:
        (now,) = await platform_bills.newest(conn, bill.provider_id)
    assert (now.status, now.paid_by) == ("paid", "link")
    assert await found(deaf_till) == [("status", "repaired")], "it is known from then on"
    await deaf_till.check()


async def test_a_page_that_was_heard_of_is_no_discrepancy(deaf_till: Till) -> None:
    bill = await paid_bill(deaf_till)
    services = deaf_till.world.services
    owner = await pages.owner_of(services, link_id=bill.gateway_link_id, reference=None)
    assert isinstance(owner, Bill)
    link = await deaf_till.gateway.fetch_payment_link(bill.gateway_link_id or "")
    assert [await pages.settle(services, owner, link) for _ in range(2)] == [True, False]
    assert await found(deaf_till) == []
    await deaf_till.check()


async def paid_invoice(till: Till) -> tuple[Home, Invoice, str]:
    """An invoice that was paid at its page, which we have heard of; and the gateway's payment."""
    services = till.world.services
    home = await add_organisation(services)
    await home.done(last_month(home).end)
    made = await issued(home)
    begun = await invoice_payments.pay_online(services, home.id, made.id, STAFF)
    link = await till.gateway.fetch_payment_link(begun.gateway_link_id or "")
    assert link.order_id is not None
    reply = await till.gw.pay(link.order_id)
    await invoice_payments.poll(services)
    return home, made, reply["razorpay_payment_id"]


async def is_sound(till: Till) -> None:
    """But for what the visit that was billed has earned, which is made up."""
    async with till.world.services.read() as conn:
        off = await ledger_check.check(conn)
    assert [(f.question, f.subject) for f in off if f.question != "unearned"] == [
        ("platform_accounts", "platform_revenue")
    ]


async def test_what_the_gateway_gave_back_of_an_invoice_is_open_again_once(deaf_till: Till) -> None:
    home, made, payment_id = await paid_invoice(deaf_till)
    assert ((await seen(home, made.id)).status, await home.owes()) == ("paid", 0)
    told = await deaf_till.gateway.refund(payment_id, made.total_minor, f"outside-{uuid4().hex}")
    for _ in range(2):
        assert await found(deaf_till) == [("missing_here", "repaired")]
        after = await seen(home, made.id)
        assert (after.status, after.paid_minor, await home.owes()) == ("pending", 0, made.total_minor)
    async with deaf_till.world.services.read() as conn:
        (payment,) = await invoice_payments.of_invoice(conn, made.id)
    assert payment.reversal_reason is not None and told.id in payment.reversal_reason
    # It can be paid again, at another page.
    again = await invoice_payments.pay_online(deaf_till.world.services, home.id, made.id, STAFF)
    assert again.id != payment.id and again.amount_minor == made.total_minor
    await is_sound(deaf_till)


async def test_a_part_that_went_back_of_an_invoice_or_a_bill_needs_a_person(deaf_till: Till) -> None:
    home, made, payment_id = await paid_invoice(deaf_till)
    await deaf_till.gateway.refund(payment_id, 10_000, f"outside-{uuid4().hex}")
    assert await found(deaf_till) == [("missing_here", "open")]
    assert (await seen(home, made.id)).status == "paid"
    bill = await paid_bill(deaf_till)
    link = await deaf_till.gateway.fetch_payment_link(bill.gateway_link_id or "")
    await deaf_till.gateway.refund(link.payment_ids[0], 50_000, f"outside-{uuid4().hex}")
    assert sorted(await found(deaf_till)) == [("missing_here", "open")] * 2 + [("status", "repaired")]


async def test_a_webhook_of_it_does_the_same(till: Till) -> None:
    home, made, payment_id = await paid_invoice(till)
    await till.gateway.refund(payment_id, made.total_minor, f"outside-{uuid4().hex}")
    await till.drain()
    assert ((await seen(home, made.id)).status, await home.owes()) == ("pending", made.total_minor)
    await is_sound(till)


@pytest.mark.parametrize("reference", [None, "", "order 7", "00000000-0000-0000-0000-000000000000"])
async def test_others_pages_are_nobodys(deaf_till: Till, reference: str | None) -> None:
    assert await pages.owner_of(deaf_till.world.services, link_id="plink_x", reference=reference) is None
