"""A provider's sums per day: its own lines by its own clock, the same whether they grew or were made anew."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from dispatch.billing import provider_sums, provider_transactions
from dispatch.billing.provider_transactions import NewTransaction
from dispatch.parties import provider_settings
from dispatch.services import Services, Tx
from storage import provider_sums as rows
from tests.providers import Owned, add_provider
from tests.turns import one_after_the_other

#: Half past one in the night of the sixth in Kolkata.
LATE = datetime(2026, 1, 5, 20, tzinfo=UTC)


async def add(
    services: Services, owned: Owned, status: str, minor: int, currency: str = "INR", *, at: datetime = LATE,
    is_refund: bool = False,
) -> None:  # fmt: skip
    type, category = ("debit", "refund") if is_refund else ("credit", "payment_received")
    async with services.transaction() as tx:
        n = await tx.conn.fetchval("SELECT count(*) FROM provider_transactions")
        line = NewTransaction(owned.id, type, category, status, minor, currency, f"REF-{n}", "cash")
        made = await provider_transactions.add(tx, line)
        assert made is not None
        await tx.conn.execute(
            "UPDATE provider_transactions SET created_at = $2::timestamptz,"
            " settled_at = CASE WHEN settled_at IS NOT NULL THEN $2::timestamptz END WHERE id = $1",
            made.id, at,
        )  # fmt: skip


async def by_day(services: Services, owned: Owned) -> dict[date, int]:
    span: dict[str, Any] = {"first": date(2026, 1, 1), "last": date(2026, 1, 31), "service": None}
    async with services.read() as conn:
        days = await rows.income_by_day(conn, provider_id=owned.id, currency="INR", **span)
    return {one.day: one.amount_minor for one in days}


async def test_what_is_settled_counts_in_its_currency_and_on_the_providers_day(services: Services) -> None:
    owned, other = await add_provider(services), await add_provider(services)
    for status, minor, currency in (("settled", 700, "INR"), ("settled", 50, "USD"), ("pending", 9_000, "INR")):
        await add(services, owned, status, minor, currency)
    await add(services, other, "settled", 1)
    async with services.read() as conn:
        found = await provider_sums.totals(conn, owned.id, "INR")
    assert (found.lines, found.settled_minor) == (3, 700)
    assert await by_day(services, owned) == {date(2026, 1, 6): 700}
    # By another clock it was the day before: the sums are made anew, and grow on from there.
    async with services.transaction() as tx:
        await provider_settings.set_time_language(
            tx, owned.id, timezone="UTC", language=None, date_format=None, time_format=None
        )
    assert await by_day(services, owned) == {date(2026, 1, 5): 700}
    await add(services, owned, "settled", 30)
    assert await by_day(services, owned) == {date(2026, 1, 5): 730}
    async with services.read() as conn:
        found = await provider_sums.totals(conn, owned.id, "INR")
    assert (found.lines, found.settled_minor) == (4, 730)


async def test_what_goes_back_keeps_the_moment_at_which_it_was_settled(services: Services) -> None:
    owned = await add_provider(services)
    await add(services, owned, "settled", 700)
    async with services.transaction() as tx:
        line_id = await tx.conn.fetchval("SELECT id FROM provider_transactions WHERE provider_id = $1", owned.id)
        moved = await provider_transactions.move(tx, line_id, "refund")
        again = await provider_transactions.move(tx, line_id, "refund")
    assert moved is not None and (moved.status, moved.settled_at) == ("refunded", LATE)
    assert again is None


async def test_a_refund_is_taken_off_on_its_own_day_also_when_all_of_it_went_back(services: Services) -> None:
    owned = await add_provider(services)
    await add(services, owned, "settled", 700)
    await add(services, owned, "settled", 699, at=LATE + timedelta(days=1), is_refund=True)
    await add(services, owned, "pending", 1, at=LATE + timedelta(days=1), is_refund=True)
    assert await by_day(services, owned) == {date(2026, 1, 6): 700, date(2026, 1, 7): -699}
    async with services.read() as conn:
        assert (await provider_sums.totals(conn, owned.id, "INR")).settled_minor == 700
    await add(services, owned, "settled", 1, at=LATE + timedelta(days=1), is_refund=True)
    async with services.transaction() as tx:
        credit = await tx.conn.fetchval(
            "SELECT id FROM provider_transactions WHERE provider_id = $1 AND type = 'credit'", owned.id
        )
        assert await provider_transactions.move(tx, credit, "refund") is not None
    assert await by_day(services, owned) == {date(2026, 1, 6): 700, date(2026, 1, 7): -700}


async def test_a_line_that_is_settled_while_the_clock_is_changed_counts_by_the_new_one(services: Services) -> None:
    owned = await add_provider(services)
    await add(services, owned, "pending", 700)
    async with services.read() as conn:
        line_id = await conn.fetchval("SELECT id FROM provider_transactions WHERE provider_id = $1", owned.id)

    async def travel(tx: Tx) -> None:
        await provider_settings.set_time_language(
            tx, owned.id, timezone="America/New_York", language=None, date_format=None, time_format=None
        )

    await one_after_the_other(services, travel, lambda tx: provider_transactions.move(tx, line_id, "settle"))
    counted = "SELECT day, status, lines, amount_minor FROM provider_days WHERE lines <> 0 ORDER BY day, status"
    async with services.transaction() as tx:
        kept = await tx.conn.fetch(counted)
        await rows.clear(tx.conn, provider_id=owned.id)
        await rows.fill(tx.conn, provider_id=owned.id)
        assert kept == await tx.conn.fetch(counted)
        assert [row["lines"] for row in kept] == [1]
