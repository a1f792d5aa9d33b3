"""The bench part of the analytics: a million bookings, their sums, and how long an answer takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from dispatch.bench.figures import Figure
from dispatch.bench.stage import Stage
from dispatch.reports import analytics
from dispatch.reports.analytics import Span
from dispatch.simulation.report import percentile
from storage.database.pool import Conn, create_pool
from storage.tools import many

PLACE, CURRENCY = "Asia/Kolkata", "INR"
#: What an answer may cost, in ms (p50), and how often each is asked for.
MOST_MS, TIMES = 150.0, 20

Question = Callable[[Conn], Awaitable[Any]]


def part(stage: Stage) -> list[Figure]:
    """Times of answers, as whoever asks waits for them, and of the sums before."""
    rows = stage.few(stage.rows)
    with stage.empty() as dsn:
        return asyncio.run(_fill_and_measure(stage, dsn, rows))


async def _fill_and_measure(stage: Stage, dsn: str, rows: int) -> list[Figure]:
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        await many.fill(pool, rows, stage.say, with_money=True)
        today, begun, days = datetime.now(UTC).date(), time.perf_counter(), 0
        while True:
            async with pool.transaction() as conn:
                done = await analytics.roll_some(conn, today, PLACE)
            if not done:
                break
            days += done
        taken_s = time.perf_counter() - begun
        found = [Figure("analytics", f"sums of {days:,} days, once", "s", taken_s, note=f"{rows:,} bookings")]
        async with pool.connection() as conn:
            for what, ask in _questions().items():
                found.append(Figure("analytics", what, "ms", await _ms(conn, ask), wanted=f"<= {MOST_MS:.0f} ms"))
        return found
    finally:
        await pool.close()


def _questions() -> dict[str, Question]:
    today = datetime.now(UTC).date()
    year = Span(today - timedelta(days=364), today, CURRENCY, PLACE)
    years = Span(today - timedelta(days=1094), today, CURRENCY, PLACE)
    month = Span(today - timedelta(days=29), today, CURRENCY, PLACE)
    return {
        "dashboard": lambda conn: analytics.dashboard(conn, today, CURRENCY, PLACE),
        "revenue by day, a month": lambda conn: analytics.revenue(conn, month, "day"),
        "revenue by week, a year": lambda conn: analytics.revenue(conn, year, "week"),
        "revenue by month, three years": lambda conn: analytics.revenue(conn, years, "month"),
        "technicians, a month": lambda conn: analytics.technicians(conn, month),
        "technicians, three years": lambda conn: analytics.technicians(conn, years),
        "services, a year": lambda conn: analytics.popularity(conn, year),
        "services, three years": lambda conn: analytics.popularity(conn, years),
    }


async def _ms(conn: Conn, ask: Question) -> float:
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        await ask(conn)
        taken.append((time.perf_counter() - begun) * 1000)
    return percentile(taken, 0.5) or 0.0
