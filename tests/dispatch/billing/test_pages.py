"""Pages of the gateway: whose they are, and the daily comparison that knows what came in at them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dispatch.billing import pages, platform_bills, platform_plans
from dispatch.billing.reconciliation import reconcile
from storage.platform_bills import Bill
from tests.dispatch.billing.till import STAFF, Till
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


@pytest.mark.parametrize("reference", [None, "", "order 7", "00000000-0000-0000-0000-000000000000"])
async def test_others_pages_are_nobodys(deaf_till: Till, reference: str | None) -> None:
    assert await pages.owner_of(deaf_till.world.services, link_id="plink_x", reference=reference) is None
