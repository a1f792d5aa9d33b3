"""A partner's price: the discount and its cap, VAT by group or the settings', none for the exempt; and its list."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from dispatch.billing import ledger_check, trade_orders
from dispatch.billing.trade_orders import price_of
from dispatch.engine.bookings import NewItem
from dispatch.parties import partner_status
from dispatch.services import Services, Tx
from storage import trade_orders as rows
from storage.trade_orders import Terms
from tests.trade import CLERK, add_partner, partner_now
from tests.turns import one_after_the_other


def terms(**changes: Any) -> Terms:
    given: dict[str, Any] = {
        "no": 1, "party_id": uuid4(), "code": "CL1", "name": "A", "status": "ACTIVE", "price_list_id": None,
        "tax_exempt": False, "vat_percent": None, "min_order_minor": None, "default_discount_rate": None,
        "default_discount_minor": None, "max_discount_rate": None, "credit_available_minor": 0, **changes,
    }  # fmt: skip
    return Terms(**given)


def item(price_minor: int, quantity: int = 1) -> NewItem:
    return NewItem(uuid4(), "x", "Facial", "Minimal", quantity, 60, price_minor, price_minor)


@pytest.mark.parametrize(("changes", "savings", "tax", "total"), [
    ({}, 0, 18_000, 118_000),
    ({"vat_percent": Decimal(20)}, 0, 20_000, 120_000),
    ({"vat_percent": Decimal(20), "tax_exempt": True}, 0, 0, 100_000),
    ({"default_discount_rate": Decimal(10)}, 10_000, 16_200, 106_200),
    ({"default_discount_rate": Decimal(10), "default_discount_minor": 500}, 10_500, 16_110, 105_610),
    ({"default_discount_rate": Decimal(10), "max_discount_rate": Decimal(5)}, 5_000, 17_100, 112_100),
    ({"default_discount_minor": 500, "max_discount_rate": Decimal(0)}, 0, 18_000, 118_000),
    ({"default_discount_minor": 10**9}, 100_000, 0, 0),
    ({"default_discount_rate": Decimal("33.33"), "vat_percent": Decimal("5.5")}, 33_330, 3_667, 70_337),
])  # fmt: skip
def test_what_a_partner_pays(changes: dict[str, Any], savings: int, tax: int, total: int) -> None:
    price = price_of(terms(**changes), [item(30_000, 2), item(40_000)], Decimal(18))
    assert (price.subtotal_minor, price.savings_minor, price.discount_minor) == (100_000, savings, 0)
    assert (price.tax_minor, price.grand_total_minor) == (tax, total)


async def test_a_price_list_that_is_off_prices_nothing(services: Services) -> None:
    async with services.transaction() as tx:
        list_id = await tx.conn.fetchval("INSERT INTO price_lists (code, name) VALUES ('OFF', 'Old') RETURNING id")
    partner = await add_partner(services, price_list_id=list_id)
    for is_active, used in ((True, list_id), (False, None)):
        async with services.transaction() as tx:
            await tx.conn.execute("UPDATE price_lists SET is_active = $2 WHERE id = $1", list_id, is_active)
            found = await rows.terms(tx.conn, no=partner.no)
        assert found is not None and found.price_list_id == used


async def test_a_partner_who_is_blocked_meanwhile_orders_nothing(services: Services) -> None:
    """The order waits for the block and goes by it: it does not slip in by what it saw before."""
    partner = await add_partner(services, credit_limit_minor=1_000_000)

    async def blocking(tx: Tx) -> None:
        await partner_status.block(tx, CLERK, partner.no, tx.now.date() + timedelta(days=2), "late")

    async def ordering(tx: Tx) -> int | None:
        return await rows.insert(
            tx.conn, party_id=partner.party_id, booking_id=None, organisation_id=None, currency="INR", lines=[],
            subtotal_minor=100_000, discount_minor=0, tax_minor=0, total_minor=100_000, notes=None,
        )  # fmt: skip

    _, ordered = await one_after_the_other(services, blocking, ordering)
    assert ordered is None
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM trade_orders") == 0


async def test_a_payment_is_undone_once(services: Services) -> None:
    """Two who look at the same mistake: the second finds it mended, and the credit is taken once."""
    partner = await add_partner(services, credit_limit_minor=1_000_000)
    async with services.transaction() as tx:
        order_id = await rows.insert(
            tx.conn, party_id=partner.party_id, booking_id=None, organisation_id=None, currency="INR", lines=[],
            subtotal_minor=100_000, discount_minor=0, tax_minor=0, total_minor=100_000, notes=None,
        )  # fmt: skip
    assert order_id is not None
    async with services.transaction() as tx:
        await trade_orders.deliver(tx, CLERK, order_id)
        await trade_orders.pay(tx, CLERK, order_id, "wire 7")

    async def undoing(tx: Tx) -> None:
        await trade_orders.undo_pay(tx, CLERK, order_id, "Of another order")

    async def paying(tx: Tx) -> None:
        await trade_orders.pay(tx, CLERK, order_id, "wire 8")

    _, second = await one_after_the_other(services, undoing, undoing)
    assert isinstance(second, trade_orders.NotPaid)
    assert (await partner_now(services, partner.no)).credit_used_minor == 100_000
    _, second = await one_after_the_other(services, paying, paying)
    assert isinstance(second, trade_orders.NothingOwed)
    async with services.read() as conn:
        assert await ledger_check.check(conn) == []
