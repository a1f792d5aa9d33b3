"""The demonstration's past: everybody has something to look at, and it adds up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from dispatch.access import signing
from dispatch.billing import ledger_check
from dispatch.seeding import history
from dispatch.seeding.erp import ERP_EMAIL
from dispatch.seeding.history import Lived
from dispatch.seeding.organisations import OWNER_EMAIL
from dispatch.seeding.past import stand_at
from dispatch.seeding.seed import seed
from storage.database.pool import create_pool
from tests.city import City, city
from tests.conftest import clone
from tests.parties import PASSWORD

#: A Tuesday after a payday, and a month has ended within the week before.
UNTIL = datetime(2026, 1, 6, 4, 30, tzinfo=UTC)
DAYS = 8
DONE = "SELECT count(*) FROM bookings WHERE status = 'completed'"


@pytest.fixture(scope="module")
async def town(pg_home: str) -> AsyncIterator[City]:
    """After a short past. More bookings within an hour than people make."""
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=5)
    often = {"booking_creation_per_hour": 10_000, "payment_per_hour": 10_000}
    async with city(pool, technicians=0, customers=0, limits=often) as made:
        await stand_at(made.services, history.beginning(UNTIL, DAYS))
        made.seeded = await seed(made.services, technicians=20, customers=8, with_record=False)
        assert await history.is_untouched(made.services)
        yield made
    await pool.close()


@pytest.fixture(scope="module")
async def lived(town: City) -> Lived:
    return await history.live_through(
        town.services, town.seeded, until=UNTIL, password=PASSWORD, seed=1, pay=None, days=DAYS
    )


async def test_it_ends_now_with_nothing_left_open_and_nothing_wrong(town: City, lived: Lived) -> None:
    assert town.services.clock.now() == UNTIL
    assert await town.value(DONE) >= 12
    ended = "SELECT array_agg(DISTINCT status ORDER BY status) FROM bookings"
    assert set(await town.value(ended)) <= {"completed", "cancelled", "refunded"}
    async with town.services.read() as conn:
        assert await ledger_check.check(conn) == []
    assert await town.value("SELECT count(*) FROM booking_events WHERE at > app_now()") == 0
    assert await town.value("SELECT count(*) FROM outbox WHERE state = 'pending'") == 0
    assert lived.refused == []
    assert not await history.is_untouched(town.services)


async def test_technicians_have_worked_were_rated_and_are_paid(town: City, lived: Lived) -> None:
    assert await town.value("SELECT sum(completed_bookings) FROM technicians") == await town.value(DONE)
    rated = "SELECT count(*) FROM bookings WHERE rating IS NOT NULL"
    assert await town.value("SELECT sum(rating_count) FROM technicians") == await town.value(rated) > 5
    first = "SELECT count(*) FROM earnings e JOIN parties p ON p.id = e.payee_id WHERE p.code = 'PT-001'"
    assert await town.value(first) > 0
    assert await town.value("SELECT count(*) FROM payouts WHERE number LIKE 'PO%'") > 0
    assert await town.value("SELECT count(*) FROM position_history") > 1000


async def test_every_kind_of_business_has_its_own(town: City, lived: Lived) -> None:
    assert lived.issued is not None and lived.issued.secret
    for what in (
        # The organisation: a bill of last month, and what its members use of their budgets.
        "SELECT count(*) FROM invoices WHERE total_minor > 0 AND period_end = '2025-12-31'",
        "SELECT count(*) FROM budget_months WHERE spent_minor > 0",
        # The provider: what its technicians earned is in its wallet.
        "SELECT count(*) FROM earnings e JOIN providers p ON p.id = e.payee_id",
        "SELECT count(*) FROM provider_transactions WHERE category = 'payment_received' AND status = 'settled'",
        "SELECT count(*) FROM provider_subscriptions",
        # The trade partner: orders with bookings and without.
        "SELECT count(*) FROM trade_orders WHERE booking_id IS NULL AND status = 'DELIVERED'",
        # The app: customers of its own, and days of calls.
        "SELECT count(*) FROM bookings b JOIN integration_customers c ON c.account_id = b.account_id",
        "SELECT count(DISTINCT day) - 5 FROM integration_usage",
    ):
        assert await town.value(what) > 0, what
    for email, realm in ((OWNER_EMAIL, "organisation"), (ERP_EMAIL, "erp")):
        assert (await signing.sign_in(town.services, email, PASSWORD)).tie.realm == realm
