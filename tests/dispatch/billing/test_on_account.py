"""A booking on account: priced by the partner's terms, an order against its credit, a note or the credit back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from dispatch.billing import cancellation, checkout, confirm, integration_account, ledger, on_account, trade_orders
from dispatch.billing.checkout import Preview, Wish
from dispatch.billing.confirm import Confirmation, Confirmed, Contact
from dispatch.billing.debtors import Debtor, NobodyBilled
from dispatch.billing.trade_orders import BelowMinimum, Booker, CreditExceeded, MayNotOrder, OtherCurrency
from dispatch.config import Settings
from dispatch.engine import bookings, catalogue
from dispatch.engine.bookings import NewItem
from dispatch.errors import Invalid
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties import addresses, integrations, partner_credit, partner_status, references
from storage import bookings as booking_rows
from storage import integration_customers as app_rows
from storage import trade_orders as order_rows
from storage.database.pool import Pool
from storage.trade_orders import TradeOrder
from storage.trade_partners import TradePartner
from tests.city import City, city
from tests.dispatch.parties.test_integrations import make, new
from tests.organisations import add_organisation
from tests.statements import counted
from tests.trade import CLERK, add_partner, change_partner, partner_now
from tests.turns import until_waiting

TOMORROW = date(2026, 1, 21)
CONTACT = Contact("Asha Rao", "+911100010001", "asha@example.com")


@pytest.fixture
async def town(fresh_pool: Pool) -> AsyncIterator[City]:
    async with city(fresh_pool, technicians=24) as made:
        yield made


async def facial(town: City) -> UUID:
    offered = (await catalogue.current(town.services)).offered("INR")
    return next(s.id for s in offered if s.name == "Facial - Minimal")


async def prepared(town: City, account_id: UUID, **wish: Any) -> Preview:
    given = {"quantities": {await facial(town): 1}, "booking_date": TOMORROW, "on_account": True, **wish}
    return await checkout.prepare(town.services, account_id, Wish(**given))


async def confirmed(town: City, account_id: UUID, preview: Preview, **changes: Any) -> Confirmed:
    async with town.services.read() as conn:
        home = await addresses.find_default(conn, account_id)
    assert home is not None and preview.day is not None
    at = preview.free[changes.pop("nth", 4)]
    asked = {"preview_id": preview.id, "payment_method": "account", "address_id": home.id, "booking_date": preview.day,
             "booking_time": at, "contact": CONTACT, **changes}  # fmt: skip
    return await confirm.confirm(town.services, account_id, Confirmation(**asked))


async def app_of(town: City, account_id: UUID, *, is_billed: bool) -> UUID:
    """An app whose customer this account is."""
    made = await make(town.services, new())
    async with town.services.transaction() as tx:
        await integrations.set_limits(tx, made.id, CLERK, is_billed=is_billed)
        await app_rows.insert(tx.conn, account_id=account_id, integration_id=made.id, phone="+911234500001")
    return made.id


async def billing(town: City, app_id: UUID, *, is_billed: bool) -> None:
    async with town.services.transaction() as tx:
        await integrations.set_limits(tx, app_id, CLERK, is_billed=is_billed)


async def done(town: City, booking_id: UUID) -> Debtor | None:
    async with town.services.transaction() as tx:
        booking = await booking_rows.lock(tx.conn, booking_id=booking_id)
        assert booking is not None
        return await on_account.delivered(tx, booking)


async def order_of(town: City, booking_id: UUID) -> TradeOrder | None:
    async with town.services.transaction() as tx:
        return await order_rows.of_booking(tx.conn, booking_id=booking_id)


async def owed(town: City, partner: TradePartner) -> int:
    async with town.services.read() as conn:
        return -await ledger.balance(conn, ledger.party_receivable(partner.party_id, "INR"))


async def test_the_price_is_the_partners(town: City) -> None:
    """The price list, the default discount capped by the maximum, the VAT group; the preview's price is the order's."""
    async with town.services.transaction() as tx:
        made = await references.add_price_list(tx, CLERK, {"code": "B2B", "name": "Business", "is_active": True})
        await references.put_prices(tx, CLERK, made.id, {await facial(town): 100_000})
    partner = await add_partner(
        town.services, customer=town.seeded.customer_ids[0], credit_limit_minor=500_000, price_list_id=made.id,
        default_discount_rate=Decimal(15), default_discount_minor=5_000, max_discount_rate=Decimal(10),
        vat_group_code="VAT20",
    )  # fmt: skip
    preview = await prepared(town, town.seeded.customer_ids[0], promo_code="WELCOME")
    price = preview.price
    assert (price.subtotal_minor, price.savings_minor, price.tax_minor) == (100_000, 10_000, 18_000)
    assert price.grand_total_minor == 108_000 and preview.billed_to == partner.party_id
    assert preview.promo is not None and not preview.promo.is_valid
    booking = await confirmed(town, town.seeded.customer_ids[0], preview)
    assert (booking.grand_total_minor, booking.to_collect_minor, booking.status) == (108_000, 0, "partner_assigned")
    order = await order_of(town, booking.id)
    assert order is not None and (order.total_minor, order.discount_minor) == (108_000, 10_000)
    assert order.status == "CONFIRMED" and order.code.startswith("BC")
    after = await partner_now(town.services, partner.no)
    assert (after.credit_used_minor, after.credit_available_minor) == (108_000, 392_000)


async def test_a_confirm_on_account_costs_one_statement_more(town: City) -> None:
    first, second = town.seeded.customer_ids[:2]
    await add_partner(town.services, customer=second, credit_limit_minor=500_000)
    await town.run("UPDATE accounts SET name = 'Asha Rao', email = 'asha@example.com'")
    in_cash, on_it = await prepared(town, first, on_account=False), await prepared(town, second)
    with counted(town.services.pool) as cash:
        await confirmed(town, first, in_cash, payment_method="cash")
    with counted(town.services.pool) as account:
        await confirmed(town, second, on_it, nth=8)
    # A cash booking opens its payment besides, which this one does not need.
    assert sum("trade_orders" in statement for statement in account) == 1 and len(account) <= len(cash) + 1


async def test_many_at_once_never_pass_the_limit(town: City) -> None:
    """Eight orders of one partner at once, with credit for three: three are taken, and the credit is what they are."""
    partner = await add_partner(town.services, credit_limit_minor=350_00)
    items = tuple((await catalogue.current(town.services)).offered("INR"))[:1]
    async with town.services.read() as conn:
        terms = await order_rows.terms(conn, no=partner.no)
        assert terms is not None
        lines = await checkout.items_of(town.services, {items[0].id: 1}, "INR")
        quote = await trade_orders.quote(conn, town.services.settings, terms, lines, "INR")
    each = trade_orders.Quote(quote.billed_to, quote.items, trade_orders.Price(100_00, 0, 0, 0))

    async def one() -> int:
        async with town.services.transaction() as tx:
            return (await trade_orders.order(tx, CLERK, terms, each)).id

    done = await asyncio.gather(*(one() for _ in range(8)), return_exceptions=True)
    taken = [d for d in done if isinstance(d, int)]
    assert len(taken) == 3 and all(isinstance(d, CreditExceeded) for d in done if not isinstance(d, int))
    assert (await partner_now(town.services, partner.no)).credit_used_minor == 300_00
    async with town.services.transaction() as tx:
        await trade_orders.order(tx, CLERK, terms, each, may_pass_limit=True)
    assert (await partner_now(town.services, partner.no)).credit_available_minor == -50_00
    with pytest.raises(CreditExceeded):
        await one()
    for order_id in taken:
        async with town.services.transaction() as tx:
            await trade_orders.cancel(tx, CLERK, order_id, "not needed")
    after = await partner_now(town.services, partner.no)
    assert after.credit_used_minor == 100_00
    assert await one()


async def test_cancelled_gives_the_credit_back_and_completed_makes_a_note(town: City) -> None:
    account_id = town.seeded.customer_ids[0]
    partner = await add_partner(town.services, customer=account_id, credit_limit_minor=10_000_000)
    first = await confirmed(town, account_id, await prepared(town, account_id))
    async with town.services.transaction() as tx:
        await cancellation.cancel(tx, first.id, account_id, "changed my mind")
    order = await order_of(town, first.id)
    assert order is not None and (order.status, order.credit_minor, order.notes) == ("CANCELLED", 0, None)
    assert order.cancellation_reason == "changed my mind"
    assert (await partner_now(town.services, partner.no)).credit_used_minor == 0

    second = await confirmed(town, account_id, await prepared(town, account_id), nth=8)
    async with town.services.transaction() as tx:
        booking = await booking_rows.lock(tx.conn, booking_id=second.id)
        assert booking is not None
        assert await on_account.delivered(tx, booking) == Debtor(partner.party_id)
    order = await order_of(town, second.id)
    assert order is not None and order.status == "DELIVERED" and order.delivery_code is not None
    assert (await partner_now(town.services, partner.no)).credit_used_minor == second.grand_total_minor


async def test_a_fee_is_owed_by_the_partner(town: City) -> None:
    account_id = town.seeded.customer_ids[0]
    partner = await add_partner(town.services, customer=account_id, credit_limit_minor=10_000_000)
    made = await confirmed(town, account_id, await prepared(town, account_id))
    async with town.services.transaction() as tx:
        await bookings.cancel(tx, made.id, Actor("customer", str(account_id)), "too late", fee_minor=1_500)
    assert await owed(town, partner) == 1_500
    assert (await partner_now(town.services, partner.no)).credit_used_minor == 1_500
    async with town.services.read() as conn:
        assert await ledger.balance(conn, ledger.receivable(account_id, "INR")) == 0
    order = await order_of(town, made.id)
    assert order is not None
    async with town.services.transaction() as tx:
        await trade_orders.pay(tx, CLERK, order.id, None)
    assert await owed(town, partner) == 0
    assert (await partner_now(town.services, partner.no)).credit_used_minor == 0


async def test_whoever_may_not_order_is_refused_and_nothing_is_made(town: City) -> None:
    account_id = town.seeded.customer_ids[0]
    with pytest.raises(NobodyBilled):
        await prepared(town, account_id)
    partner = await add_partner(town.services, customer=account_id, credit_limit_minor=10_000_000)
    preview = await prepared(town, account_id)
    for status in ("ON_HOLD", "BLOCKED", "CLOSED"):
        async with town.services.transaction() as tx:
            await partner_status.set_status(tx, CLERK, partner.no, status, "a reason", notifies=False)
        # How the firm stands with the house is not its people's business, but what they can do.
        with pytest.raises(MayNotOrder, match="another way to pay"):
            await prepared(town, account_id)
        with pytest.raises(MayNotOrder, match="another way to pay"):
            await confirmed(town, account_id, preview)
    assert await town.value("SELECT count(*) FROM bookings") == 0
    async with town.services.transaction() as tx:
        await partner_status.block(tx, CLERK, partner.no, TOMORROW, "overdue")
    with pytest.raises(MayNotOrder):
        await confirmed(town, account_id, preview)
    await town.advance(days=2)
    assert (await prepared(town, account_id, booking_date=date(2026, 1, 23))).billed_to == partner.party_id


async def test_credit_minimum_currency_and_method_are_looked_at(town: City) -> None:
    account_id = town.seeded.customer_ids[0]
    partner = await add_partner(town.services, customer=account_id, credit_limit_minor=1, min_order_minor=10**9)
    with pytest.raises(BelowMinimum):
        await prepared(town, account_id)
    async with town.services.transaction() as tx:
        await tx.conn.execute("UPDATE trade_partners SET min_order_minor = NULL")
    preview = await prepared(town, account_id)
    with pytest.raises(CreditExceeded, match="another way to pay"):
        await confirmed(town, account_id, preview)
    assert await town.value("SELECT count(*) FROM bookings") == 0
    async with town.services.transaction() as tx:
        await partner_credit.set_limit(tx, CLERK, partner.no, 10_000_000, "enough")
    with pytest.raises(Invalid):
        await confirmed(town, account_id, preview, payment_method="cash")
    with pytest.raises(Invalid):
        await confirmed(town, account_id, preview, use_wallet=True)
    with pytest.raises(Invalid):
        await confirmed(town, account_id, await prepared(town, account_id, on_account=False))
    assert (await confirmed(town, account_id, preview)).payment_method == "account"
    town.services.settings.erp.currency = "MAD"
    with pytest.raises(OtherCurrency):
        await prepared(town, account_id)


async def test_an_order_waits_for_who_blocks_its_partner(town: City) -> None:
    """What is decided while an order is written holds for it: whoever is second sees what the first has done."""
    partner = await add_partner(town.services, credit_limit_minor=350_00)
    async with town.services.read() as conn:
        terms = await order_rows.terms(conn, no=partner.no)
        assert terms is not None
    item = NewItem(await facial(town), "Facial", "Facial", "Minimal", 1, 60, 100_00, 100_00)
    quote = trade_orders.Quote(partner.party_id, (item,), trade_orders.Price(100_00, 0, 0, 0))

    async def order() -> TradeOrder:
        async with town.services.transaction() as tx:
            return await trade_orders.order(tx, CLERK, terms, quote)

    async with town.services.transaction() as tx:
        await partner_status.set_status(tx, CLERK, partner.no, "BLOCKED", "a reason", notifies=False)
        second = asyncio.create_task(order())
        await until_waiting(town.services, second)
    with pytest.raises(MayNotOrder):
        await second
    assert (await partner_now(town.services, partner.no)).credit_used_minor == 0


async def test_an_order_is_due_after_its_delivery_and_its_lines_make_up_the_subtotal(town: City) -> None:
    partner = await add_partner(town.services, credit_limit_minor=10_000_00, payment_term_id=1)
    async with town.services.read() as conn:
        terms = await order_rows.terms(conn, no=partner.no)
    assert terms is not None
    service_id = await facial(town)
    items = (
        NewItem(service_id, "Facial", "Facial", "Minimal", 2, 60, 120_00, 100_00),
        NewItem(service_id, "Facial", "Facial", "Minimal", 1, 60, 50_00, 50_00),
    )
    quote = trade_orders.Quote(partner.party_id, items, trade_orders.Price(290_00, 40_00, 0, 0))
    async with town.services.transaction() as tx:
        made = await trade_orders.order(tx, CLERK, terms, quote)
    assert made.due_on is None
    assert sum(line["amount_minor"] for line in made.lines) == made.subtotal_minor == 290_00
    await town.advance(days=10)
    async with town.services.transaction() as tx:
        done = await trade_orders.deliver(tx, CLERK, made.id)
    assert done.delivered_at is not None and done.due_on == local_day(done.delivered_at) + timedelta(days=30)


def local_day(moment: datetime) -> date:
    return local(moment, Settings().timezone).date()


async def test_a_partner_comes_before_the_app_and_is_billed_to_the_end(town: City) -> None:
    """Staff link one customer of an app to a trade partner: the particular comes before the general."""
    account_id = town.seeded.customer_ids[0]
    app_id = await app_of(town, account_id, is_billed=True)
    assert (await prepared(town, account_id)).billed_to == app_id
    partner = await add_partner(town.services, customer=account_id, credit_limit_minor=10_000_000)
    first = await confirmed(town, account_id, await prepared(town, account_id))
    second = await confirmed(town, account_id, await prepared(town, account_id), nth=8)
    assert await done(town, first.id) == Debtor(partner.party_id)
    order = await order_of(town, first.id)
    assert order is not None and order.status == "DELIVERED"
    async with town.services.transaction() as tx:
        await bookings.cancel(tx, second.id, Actor("customer", str(account_id)), "too late", fee_minor=1_500)
    assert await owed(town, partner) == 1_500
    async with town.services.read() as conn:
        assert await integration_account.balances(conn, app_id) == []


async def test_an_app_is_not_billed_for_what_is_booked_in_the_name_of_an_organisation(town: City) -> None:
    account_id = town.seeded.customer_ids[0]
    app_id = await app_of(town, account_id, is_billed=True)
    home = await add_organisation(town.services)
    items = await checkout.items_of(town.services, {await facial(town): 1}, "INR")
    async with town.services.read() as conn:
        billed = [
            (await on_account.quote(conn, town.services.settings, Booker(account_id, name), items, "INR")).billed_to
            for name in (None, home.id)
        ]
    assert billed == [app_id, home.id]


async def test_who_is_billed_is_decided_once(town: City) -> None:
    """What staff change after a price was made changes whom the next is made for, and nothing else."""
    account_id = town.seeded.customer_ids[0]
    app_id = await app_of(town, account_id, is_billed=True)
    first = await confirmed(town, account_id, await prepared(town, account_id))
    preview = await prepared(town, account_id)
    partner = await add_partner(town.services, customer=account_id, credit_limit_minor=10_000_000)
    await billing(town, app_id, is_billed=False)
    second = await confirmed(town, account_id, preview, nth=8)
    third = await confirmed(town, account_id, await prepared(town, account_id), nth=0)
    async with town.services.transaction() as tx:
        await change_partner(tx, partner.no, customer_no=None)
    await billing(town, app_id, is_billed=True)
    assert [await done(town, made.id) for made in (first, second, third)] == [
        Debtor(app_id, has_credit=True), Debtor(app_id, has_credit=True), Debtor(partner.party_id),
    ]  # fmt: skip


async def test_nothing_is_booked_on_account_without_a_payer_and_nothing_else_has_one(town: City) -> None:
    account_id = town.seeded.customer_ids[0]
    partner = await add_partner(town.services, customer=account_id, credit_limit_minor=10_000_000)
    made = await confirmed(town, account_id, await prepared(town, account_id))
    assert await town.value("SELECT billed_to FROM bookings WHERE id = $1", made.id) == partner.party_id
    for change in ("billed_to = NULL", "payment_method = 'cash'"):
        with pytest.raises(asyncpg.CheckViolationError, match="booking_payer"):
            async with town.services.transaction() as tx:
                await tx.conn.execute(f"UPDATE bookings SET {change} WHERE id = $1", made.id)


async def test_a_node_of_before_names_nobody_and_its_bookings_are_billed_all_the_same(town: City) -> None:
    """While nodes are replaced one by one, some of them do not know yet that it is kept."""
    account_id = town.seeded.customer_ids[0]
    app_id = await app_of(town, account_id, is_billed=True)
    home = await add_organisation(town.services)
    made = await confirmed(town, account_id, await prepared(town, account_id))
    again = (
        "INSERT INTO bookings SELECT (jsonb_populate_record(b, jsonb_build_object('id', gen_random_uuid(), "
        "'number', $2::text, 'billed_to', NULL) || $3::jsonb)).* FROM bookings b WHERE id = $1 RETURNING billed_to"
    )
    in_the_name_of_an_organisation = {"account_id": str(town.seeded.customer_ids[1]), "organisation_id": str(home.id)}
    async with town.services.transaction() as tx:
        billed = [
            await tx.conn.fetchval(again, made.id, f"BK-OLD-{n}", {"preview_id": None, **what})
            for n, what in enumerate(({}, in_the_name_of_an_organisation))
        ]
        assert billed == [app_id, home.id]
        in_cash = {"preview_id": None, "payment_method": "cash"}
        assert await tx.conn.fetchval(again, made.id, "BK-OLD-CASH", in_cash) is None
