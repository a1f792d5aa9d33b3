"""A partner's credit: its limit by staff, audited, and what is used by what its orders take."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from dispatch.billing import trade_orders
from dispatch.billing.trade_orders import CreditExceeded
from dispatch.engine import catalogue
from dispatch.engine.bookings import NewItem
from dispatch.parties import partner_credit
from storage import trade_orders as order_rows
from storage.database.pool import Pool
from storage.trade_orders import TradeOrder
from storage.trade_partners import TradePartner
from tests.city import City, city
from tests.trade import CLERK, add_partner


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=0, customers=1) as made:
        yield made


async def ordered(town: City, partner: TradePartner, minor: int = 100_00) -> TradeOrder:
    service = (await catalogue.current(town.services)).offered("INR")[0]
    item = NewItem(service.id, service.name, service.category, service.tier, 1, 60, minor, minor)
    quote = trade_orders.Quote(partner.party_id, (item,), trade_orders.Price(minor, 0, 0, 0))
    async with town.services.transaction() as tx:
        terms = await order_rows.terms(tx.conn, no=partner.no)
        assert terms is not None
        return await trade_orders.order(tx, CLERK, terms, quote)


async def test_recalculating_repairs(town: City) -> None:
    partner = await add_partner(town.services, credit_limit_minor=10_000_000)
    made = await ordered(town, partner)
    await town.run("UPDATE trade_partners SET credit_used_minor = 7")
    async with town.services.transaction() as tx:
        assert await partner_credit.recalculate(tx, CLERK, partner.no) == made.total_minor
    async with town.services.transaction() as tx:
        lowered = await partner_credit.set_limit(tx, CLERK, partner.no, 5, None)
    assert lowered.credit_available_minor == 5 - made.total_minor


async def test_a_limit_below_what_is_used_lets_it_stand_and_takes_no_more(town: City) -> None:
    partner = await add_partner(town.services, credit_limit_minor=250_00)
    first, second = await ordered(town, partner), await ordered(town, partner)
    async with town.services.transaction() as tx:
        await partner_credit.set_limit(tx, CLERK, partner.no, 150_00, "Annual review")
    with pytest.raises(CreditExceeded):
        await ordered(town, partner, 1_00)
    async with town.services.transaction() as tx:
        await trade_orders.cancel(tx, CLERK, first.id, "not needed")
    third = await ordered(town, partner, 50_00)
    async with town.services.read() as conn:
        story = await partner_credit.history(conn, partner.no)
        why = await conn.fetchval(
            "SELECT changes->>'reason' FROM audit_log WHERE action = 'set_credit_limit' ORDER BY id DESC LIMIT 1"
        )
    assert [o.id for o in story.orders] == [third.id, second.id, first.id] and story.notes == []
    assert (story.partner.credit_used_minor, story.partner.credit_available_minor) == (150_00, 0)
    assert why == "Annual review"
