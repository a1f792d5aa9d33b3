"""Analytics: from the ledger and the facts, right at the edges of days, the same from sums and from events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.billing import ledger
from dispatch.billing.ledger import Line
from dispatch.errors import Invalid
from dispatch.reports import analytics
from dispatch.reports.analytics import Span
from dispatch.services import Services, Tx
from tests.identity import add_booking, add_technician
from tests.parties import add_account
from tests.turns import one_after_the_other

KOLKATA = "Asia/Kolkata"
DAY = date(2026, 1, 15)
SPAN = Span(DAY, DAY, "INR", KOLKATA)
#: The first and the last moment of DAY in Kolkata, five hours and a half before UTC's.
FIRST, LAST = datetime(2026, 1, 14, 18, 30, tzinfo=UTC), datetime(2026, 1, 15, 18, 29, 59, tzinfo=UTC)


async def journal(services: Services, kind: str, at: datetime, minor: int, currency: str = "INR", **more: Any) -> None:
    """Money that came in (or went back) at a moment."""
    came_in = {"capture": "gateway_clearing", "refund": "refund_clearing", "refund_failed": "refund_clearing"}
    if kind == "completion":
        account = ledger.cash_in_hand(await technician(services), currency)
    else:
        account = ledger.platform(came_in[kind], currency)
    sign = 1 if kind == "refund" else -1
    other = ledger.platform(more.pop("other", "prepaid"), currency)
    async with services.transaction() as tx:
        reference = str(uuid4())
        await ledger.post(tx, kind, reference, [Line(account, sign * minor), Line(other, -sign * minor)])
        # The ledger only grows; what a test does is travel in time.
        await tx.conn.execute("SET LOCAL session_replication_role = replica")
        await tx.conn.execute("UPDATE ledger_journals SET at = $2 WHERE reference = $1", reference, at)


async def technician(services: Services) -> UUID:
    async with services.read() as conn:
        found = await conn.fetchval("SELECT id FROM technicians ORDER BY no LIMIT 1")
    return UUID(str(found)) if found else await add_technician(services.pool)


async def revenue(services: Services, span: Span = SPAN, unit: Any = "day") -> analytics.Report:
    async with services.read() as conn:
        return await analytics.revenue(conn, span, unit)


async def both(services: Services, span: Span = SPAN, unit: Any = "day") -> analytics.Report:
    """From the events, and then from the sums."""
    before = await revenue(services, span, unit)
    await roll(services)
    assert await revenue(services, span, unit) == before
    return before


async def roll(services: Services, last: date = date(2026, 3, 1), timezone: str = KOLKATA) -> None:
    while True:
        async with services.transaction() as tx:
            if not await analytics.roll_some(tx.conn, last, timezone):
                break


async def test_a_day_begins_and_ends_by_the_clocks_of_the_business(services: Services) -> None:
    for at, minor in ((FIRST - timedelta(seconds=1), 1), (FIRST, 20), (LAST, 300), (LAST + timedelta(seconds=1), 4000)):
        await journal(services, "capture", at, minor)
    found = await both(services)
    assert (found.total_minor, found.paid) == (320, 2)
    days = await revenue(services, replace(SPAN, date_from=DAY - timedelta(days=1), date_to=DAY + timedelta(days=1)))
    assert [p.revenue_minor for p in days.parts] == [1, 320, 4000]
    assert (await revenue(services, replace(SPAN, timezone="UTC"))).total_minor == 4300


@pytest.mark.parametrize(("timezone", "ahead", "currency"), [
    ("America/St_Johns", timedelta(hours=-3, minutes=-30), "KWD"),
    ("Asia/Kathmandu", timedelta(hours=5, minutes=45), "JPY"), ("Pacific/Apia", timedelta(hours=13), "JPY"),
])  # fmt: skip
async def test_days_and_money_of_elsewhere(
    services: Services, timezone: str, ahead: timedelta, currency: str
) -> None:
    begin = datetime.combine(DAY, datetime.min.time(), UTC) - ahead
    end = begin + timedelta(days=1)
    for at, minor in ((begin - timedelta(seconds=1), 1), (begin, 20), (end - timedelta(seconds=1), 300), (end, 4000)):
        await journal(services, "capture", at, minor, currency)
        await journal(services, "capture", at, 7 * minor, "INR")
    span = Span(DAY, DAY, currency, timezone)
    assert (await revenue(services, span)).total_minor == 320
    await roll(services, timezone=timezone)
    assert (await revenue(services, span)).total_minor == 320


async def test_captures_and_cash_less_refunds_in_one_currency(services: Services) -> None:
    await journal(services, "capture", FIRST, 177_120)
    await journal(services, "completion", FIRST, 50_000)
    await journal(services, "refund", LAST, 77_120)
    await journal(services, "refund", LAST, 1_000)
    await journal(services, "refund_failed", LAST, 1_000)
    # A second payment of one order came in and went out, and paid for nothing.
    await journal(services, "capture", FIRST, 9_999, other="surplus")
    await journal(services, "refund", FIRST, 9_999, other="surplus")
    await journal(services, "capture", FIRST, 4_200, currency="EUR")
    found = await both(services)
    assert (found.total_minor, found.paid, found.average_minor) == (150_000, 2, 75_000)
    assert (await revenue(services, replace(SPAN, currency="EUR"))).total_minor == 4_200
    assert (await revenue(services, replace(SPAN, currency="USD"))).average_minor == 0


async def test_two_nodes_that_sum_at_once_sum_each_day_once(services: Services) -> None:
    for day in (1, 2, 3):
        await journal(services, "capture", FIRST + timedelta(days=day), 100)

    async def some(tx: Tx) -> int:
        return await analytics.roll_some(tx.conn, date(2026, 1, 19), KOLKATA)

    first, second = await one_after_the_other(services, some, some)
    assert first > 0 and second == 0
    days = await revenue(services, replace(SPAN, date_to=DAY + timedelta(days=3)))
    assert [p.revenue_minor for p in days.parts] == [0, 100, 100, 100]


async def test_weeks_begin_on_monday_months_on_the_first_and_empty_parts_are_there(services: Services) -> None:
    for day in (date(2026, 1, 4), date(2026, 1, 5), date(2026, 2, 28)):
        await journal(services, "capture", datetime(day.year, day.month, day.day, 6, tzinfo=UTC), 100)
    span = replace(SPAN, date_from=date(2026, 1, 1), date_to=date(2026, 2, 28))
    weeks = await both(services, span, "week")
    assert [(str(p.starts_on), p.revenue_minor) for p in weeks.parts][:3] == [
        ("2025-12-29", 100), ("2026-01-05", 100), ("2026-01-12", 0),
    ]  # fmt: skip
    months = await revenue(services, span, "month")
    assert [(str(p.starts_on), p.revenue_minor) for p in months.parts] == [("2026-01-01", 200), ("2026-02-01", 100)]
    assert len((await revenue(services, span)).parts) == 59


async def done(services: Services, technician_id: UUID, at: datetime, state: str, stars: int | None = None) -> None:
    """A job that ended at a moment, with an earning and stars where it was done."""
    account_id = await add_account(services, f"{uuid4().hex}@example.com", None)
    booking_id = await add_booking(services.pool, account_id, "completed", technician_id=technician_id)
    async with services.transaction() as tx:
        run = tx.conn.execute
        await run(
            "UPDATE bookings SET created_at = $2, rating = $3, rated_at = CASE WHEN $3::int IS NULL THEN NULL"
            " ELSE $2::timestamptz END WHERE id = $1",
            booking_id,
            at,
            stars,
        )
        await run(
            "INSERT INTO offers (id, booking_id, technician_id, round, attempt, state, earning_minor, currency,"
            " expires_at, answered_at) VALUES ($1, $1, $2, 1, 1, 'accepted', 700, 'INR', now(), now())",
            booking_id,
            technician_id,
        )
        await run(
            "INSERT INTO assignments (id, booking_id, offer_id, technician_id, state, payee_id,"
            " technician_share_pct, platform_share_pct, earning_minor, completed_at, cancelled_at)"
            " VALUES ($1, $1, $1, $2, $3, $2, 70, 30, 700, CASE WHEN $3 = 'completed' THEN $4::timestamptz END,"
            " CASE WHEN $3 = 'cancelled' THEN $4::timestamptz END)",
            booking_id,
            technician_id,
            state,
            at,
        )
        service_id = await tx.conn.fetchval("SELECT id FROM services LIMIT 1") or await tx.conn.fetchval(
            "INSERT INTO services (name, category, service_type, tier)"
            " VALUES ('Facial - Minimal', 'Facial', 'Facial', 'Minimal') RETURNING id"
        )
        await run(
            "INSERT INTO booking_items (booking_id, position, service_id, name, category, tier, quantity,"
            " duration_minutes, list_price_minor, price_minor)"
            " VALUES ($1, 1, $2, 'Facial', 'Facial', 'Minimal', 2, 60, 500, 450)",
            booking_id,
            service_id,
        )
        if state == "completed":
            await run("INSERT INTO earnings (booking_id, assignment_id, technician_id, payee_id, technician_share_pct,"
                      " currency, booking_minor, tax_minor, earning_minor, platform_minor, payment_method, created_at)"
                      " VALUES ($1, $1, $2, $2, 70, 'INR', 1000, 0, 700, 300, 'cash', $3)",
                      booking_id, technician_id, at)  # fmt: skip


async def test_technicians_and_services_are_the_same_from_events_days_and_months(services: Services) -> None:
    one, two = await add_technician(services.pool), await add_technician(services.pool, "+919876500000")
    for day in (date(2025, 11, 30), date(2025, 12, 1), date(2025, 12, 31), date(2026, 1, 15), date(2026, 2, 10)):
        at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
        await done(services, one, at, "completed", stars=4)
        await done(services, two, at, "cancelled")
    await done(services, one, datetime(2026, 1, 15, 7, tzinfo=UTC), "cancelled")
    spans = [
        replace(SPAN, date_from=a, date_to=b)
        for a, b in (
            (date(2025, 11, 30), date(2026, 2, 10)), (date(2025, 12, 1), date(2025, 12, 31)), (DAY, DAY),
            (date(2025, 12, 2), date(2026, 2, 28)), (date(2025, 11, 1), date(2026, 2, 9)),
        )
    ]  # fmt: skip

    async def ask() -> list[Any]:
        async with services.read() as conn:
            return [[await analytics.technicians(conn, s), await analytics.popularity(conn, s)] for s in spans]

    events = await ask()
    (first, second), (sold,) = events[0]
    assert (first.technician_id, first.completed, first.cancelled, first.earnings_minor) == (one, 5, 1, 3500)
    assert (first.ratings, first.stars) == (5, 20) and (second.completed, second.cancelled) == (0, 5)
    assert (sold.bookings, sold.revenue_minor, sold.ratings) == (11, 4500, 5)
    # Up to a day in the middle, then one more month, then all.
    for last in (date(2025, 12, 20), date(2026, 1, 2), date(2026, 2, 5), date(2026, 3, 1)):
        await roll(services, last)
        assert await ask() == events, last
    async with services.read() as conn:
        (only,) = await analytics.technicians(conn, spans[0], two)
    assert only.technician_id == two


async def test_sums_of_another_place_are_made_anew(services: Services) -> None:
    await journal(services, "capture", FIRST, 500)
    await roll(services, timezone="UTC")
    assert (await revenue(services)).total_minor == 500
    await roll(services)
    assert (await revenue(services)).total_minor == 500
    assert (await revenue(services, replace(SPAN, timezone="UTC"))).total_minor == 0


async def test_the_dashboard_counts_every_booking_once(services: Services) -> None:
    account_id, technician_id = await add_account(services, "c@example.com", None), await add_technician(services.pool)
    for status in ("pending", "confirmed", "completed", "completed", "cancelled", "refunded"):
        booking_id = await add_booking(services.pool, account_id, status, technician_id=technician_id)
        if status == "cancelled":
            async with services.transaction() as tx:
                await tx.conn.execute("UPDATE bookings SET cancelled_at = created_at WHERE id = $1", booking_id)
    for rolled in (False, True):
        if rolled:
            # To the end of the day on which they were made, wherever that is over last.
            await roll(services, datetime.now(UTC).date() + timedelta(days=2))
        async with services.read() as conn:
            now, alerts = await analytics.dashboard(conn, DAY, "INR", KOLKATA)
        assert (now.total, now.pending, now.confirmed, now.completed, now.cancelled) == (6, 1, 1, 3, 1)
        assert (now.active_technicians, now.technicians, alerts) == (1, 1, [])


def test_a_span_goes_forward_and_is_not_endless(services: Services) -> None:
    for date_from, date_to in ((DAY, DAY - timedelta(days=1)), (DAY, DAY + timedelta(days=4000))):
        with pytest.raises(Invalid):
            analytics.span(services, date_from, date_to, None)
    assert analytics.span(services, DAY, DAY, None) == Span(DAY, DAY, "INR", KOLKATA)


def test_a_span_may_be_as_long_as_it_says(services: Services) -> None:
    first, longest = date(2020, 1, 1), timedelta(days=analytics.MOST_DAYS - 1)
    assert analytics.span(services, first, first + longest, None).date_to == first + longest
    with pytest.raises(Invalid):
        analytics.span(services, first, first + longest + timedelta(days=1), None)


async def test_so_many_days_are_told_one_by_one_and_no_more(services: Services) -> None:
    first, longest = date(2020, 1, 1), timedelta(days=analytics.MOST_BUCKETS - 1)
    async with services.read() as conn:
        told = await analytics.revenue(conn, analytics.span(services, first, first + longest, None), "day")
        assert len(told.parts) == analytics.MOST_BUCKETS
        with pytest.raises(Invalid):
            await analytics.revenue(
                conn, analytics.span(services, first, first + longest + timedelta(days=1), None), "day"
            )
