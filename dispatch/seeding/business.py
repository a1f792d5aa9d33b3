"""What businesses did in the past: payouts, an organisation's bills, a provider's wallet, trade orders, calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from uuid import UUID

from dispatch.access.phones import normalise
from dispatch.billing import (
    checkout,
    invoice_payments,
    invoices,
    payouts,
    provider_payouts,
    provider_plans,
    provider_requests,
    provider_subscriptions,
    provider_wallet,
    trade_orders,
)
from dispatch.billing.invoice_payments import Transfer
from dispatch.billing.provider_requests import NewRequest
from dispatch.billing.provider_subscriptions import NewSubscription
from dispatch.events import Actor
from dispatch.parties import (
    addresses,
    bank_accounts,
    budgets,
    departments,
    integration_customers,
    integration_usage,
    members,
    provider_customers,
)
from dispatch.parties.addresses import AddressIn
from dispatch.parties.budgets import Rules
from dispatch.parties.departments import DepartmentIn
from dispatch.parties.members import By, NewMember
from dispatch.seeding.past import Buyer, Story, Town
from storage import trade_orders as order_rows
from storage.database.listing import Wanted
from storage.providers import Provider
from storage.tools import money_run
from storage.trade_partners import TradePartner

_DAY = timedelta(days=1)
#: Money leaves on this day of the week, as Python counts them.
_PAYDAY = 0
#: What an organisation and its departments may spend in a month, in minor units.
BUDGET_MINOR = 8_000_000
DEPARTMENTS: Mapping[str, int] = {"Facilities": 5_000_000, "Front desk": 2_500_000}
#: What an app asks on a day: route and calls, of which some were too many.
CALLS: Mapping[str, int] = {
    "GET /v1/services/catalog": 60, "POST /v1/checkout/prepare": 14, "GET /v1/bookings/{id}": 35,
    "POST /api/partners/{id}/customers": 2,
}  # fmt: skip
#: Phones of the app's customers.
APP_PHONE = "+9110002{:05d}"


async def paydays(town: Town, days: Sequence[date]) -> Story:
    """Every Monday technicians are paid by bank; of the last one some payouts still wait for staff."""
    found = [day for day in days if day.weekday() == _PAYDAY]
    own = {t.id for t in town.technicians}
    for day in found:
        yield town.at(day, time(11))
        async with town.services.read() as conn:
            payees = [one for one in await money_run.payees(conn) if one in own]
        for number, party_id in enumerate(payees):
            async with town.services.transaction() as tx:
                made = await payouts.create(tx, party_id, method="bank_transfer", requested_by=town.staff_key)
                waits = day == found[-1] and number < 2
                if made.status == "pending" and not waits:
                    await payouts.process(tx, made.id, bank_transaction_id=f"UTR{day:%Y%m%d}{number:04d}")


async def settle_in(town: Town, by: By, name: str, people: Sequence[Buyer]) -> None:
    """An organisation's departments with their budgets, and customers of the house as its members."""
    async with town.services.transaction() as tx:
        today, rules = town.today, Rules(alert_threshold_pct=Decimal(80))
        await budgets.allocate(tx, by.organisation_id, None, today, BUDGET_MINOR, rules=rules, set_by="owner")
        made = [
            await departments.create(
                tx, by.organisation_id, DepartmentIn(title, title.split()[0].upper(), budget_minor=minor), today=today,
                set_by="owner",
            )
            for title, minor in DEPARTMENTS.items()
        ]  # fmt: skip
        for number, one in enumerate(people):
            first, last = one.name.rsplit(" ", 1)
            new = NewMember(
                first, last, f"member{number + 1}@riverside.example", one.phone, f"E-{101 + number}",
                made[number % len(made)].id,
            )  # fmt: skip
            await members.enrol(tx, by, new, name)


async def bills(town: Town, organisation_id: UUID, days: Sequence[date]) -> Story:
    """At the beginning of a month what was done before it is billed; nine days later it is paid."""
    for first in (day for day in days if day.day == 1):
        yield town.at(first, time(6))
        await invoices.bill_due(town.services)
        yield town.at(first + 9 * _DAY, time(12))
        async with town.services.read() as conn:
            found = (await invoices.page(conn, organisation_id, None, Wanted())).rows
        for invoice in (one for one in found if one.open_minor):
            transfer = Transfer(invoice.open_minor, f"NEFT-{invoice.number}", town.today)
            async with town.services.transaction() as tx:
                await invoice_payments.record_transfer(tx, town.staff, invoice.id, transfer)


async def wallet(town: Town, provider: Provider, days: Sequence[date]) -> Story:
    """A provider sells subscriptions, asks for cash, and takes a part of what its technicians earned."""
    services = town.services
    async with services.transaction() as tx:
        await bank_accounts.replace(
            tx, provider.id, number="50100012345678", ifsc="HDFC0000001", bank_name="HDFC Bank",
            account_name=provider.name,
        )  # fmt: skip
    async with services.read() as conn:
        customers = (await provider_customers.page(conn, provider.id, Wanted())).rows
        plans = await provider_plans.of_provider(conn, provider.id)
    yield town.later(60, 120)
    for customer, plan in zip(customers, plans, strict=False):
        await provider_subscriptions.create(services, provider, NewSubscription(customer.id, plan.name))
    for day in days[4::7]:
        yield town.at(day, time(10))
        customer = town.dice.choice(customers)
        async with services.transaction() as tx:
            new = NewRequest(customer, town.dice.randint(5, 30) * 10_000, provider.currency, "cash", "A visit")
            asked = await provider_requests.open_request(tx, provider, new)
            if day != days[-1]:
                await provider_requests.receive(tx, provider.id, asked.id)
        async with services.read() as conn:
            held = await provider_wallet.balances(conn, provider.id)
        for balance in held:
            if balance.available_minor // 2 < max(1, provider.min_payout_minor):
                continue
            async with services.transaction() as tx:
                made = await provider_payouts.request(
                    tx, provider.id, balance.available_minor // 2, balance.currency, description=None,
                    actor=Actor("provider", str(provider.id)),
                )  # fmt: skip
            yield town.later(24 * 60, 26 * 60)
            async with services.transaction() as tx:
                await payouts.process(tx, made.id, bank_transaction_id=f"UTR{town.today:%Y%m%d}P")


async def trade(town: Town, partner: TradePartner, service_ids: Sequence[UUID], days: Sequence[date]) -> Story:
    """A trade partner orders by itself now and then; what was delivered is paid in time, the newest is not yet."""
    services, clerk = town.services, Actor("erp", "the seed")
    for number, day in enumerate(days[3::9]):
        yield town.at(day, time(15))
        quantities = {town.dice.choice(service_ids): town.dice.randint(3, 6)}
        lines = await checkout.offered_items(services, quantities, services.settings.erp.currency)
        async with services.transaction() as tx:
            terms = await order_rows.terms(tx.conn, no=partner.no)
            assert terms is not None, "it was made before"
            quote = await trade_orders.quote(tx.conn, services.settings, terms, lines, services.settings.erp.currency)
            made = await trade_orders.order(tx, clerk, terms, quote, notes="By phone")
        yield town.later(24 * 60, 48 * 60)
        async with services.transaction() as tx:
            await trade_orders.deliver(tx, clerk, made.id)
        if number % 3 == 2:
            continue
        yield town.later(4 * 24 * 60, 6 * 24 * 60)
        async with services.transaction() as tx:
            await trade_orders.pay(tx, clerk, made.id, f"TRF-{made.code}")


async def app_customers(town: Town, integration_id: UUID, near: Sequence[Buyer]) -> list[Buyer]:
    """Customers of an app, each living beside one of the house's own."""
    actor, made = Actor("integration", str(integration_id)), []
    async with town.services.transaction() as tx:
        for number, one in enumerate(near, 1):
            phone = normalise(APP_PHONE.format(number), town.services.settings.phone_region)
            known, _ = await integration_customers.create(
                tx, integration_id, actor, name=f"Guest {number:03d}", phone=phone, email=None
            )
            home = await addresses.get(tx.conn, one.account_id, one.address_id)
            place = AddressIn(
                "Home", f"Flat {number}", home.city, home.state, home.postal_code, lat=one.lat, lng=one.lng,
                is_default=True,
            )  # fmt: skip
            address = await addresses.create(tx, known.id, place)
            made.append(Buyer(known.id, address.id, known.name or phone, phone, one.lat, one.lng))
    return made


async def calls(town: Town, integration_id: UUID, days: Sequence[date]) -> Story:
    """What an app asks of the API on each day."""
    usage, dice = town.services.usage, town.dice
    for day in days:
        yield town.at(day, time(20))
        for route, usual in CALLS.items():
            for _ in range(dice.randint(usual // 2, usual * 3 // 2)):
                usage.count(integration_id, town.now, route, is_refused=dice.random() < 0.01)
        await integration_usage.flush(town.services)
