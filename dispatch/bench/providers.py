"""The bench part of the providers: a statement of a million lines, and how long its dashboard takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dispatch import localtime
from dispatch.bench.figures import Figure
from dispatch.bench.stage import Stage
from dispatch.billing import provider_dashboard, provider_transactions
from dispatch.billing.periods import KINDS, compared
from dispatch.simulation.report import percentile
from storage.database.listing import Wanted
from storage.database.pool import Conn, create_pool
from storage.providers import Provider
from storage.tools import provider_bench

#: What an answer may cost, in ms (p50), and how often each is asked for.
MOST_MS, TIMES = 100.0, 20

Question = Callable[[], Awaitable[Any]]


def part(stage: Stage) -> list[Figure]:
    """Times of answers, as whoever asks waits for them."""
    with stage.empty() as dsn:
        return asyncio.run(_fill_and_measure(stage, dsn, stage.few(stage.rows)))


async def _fill_and_measure(stage: Stage, dsn: str, rows: int) -> list[Figure]:
    pool = await create_pool(dsn, min_size=1, max_size=1)
    try:
        async with pool.connection() as conn:
            provider = await provider_bench.fill(conn, rows)
            stage.say(f"made a statement of {rows:,} lines")
            return await measure(conn, provider, stage.few(TIMES))
    finally:
        await pool.close()


async def measure(conn: Conn, provider: Provider, times: int) -> list[Figure]:
    """Each question on its own."""
    return [
        Figure("providers", what, "ms", await _ms(ask, times), wanted=f"<= {MOST_MS:.0f} ms")
        for what, ask in _questions(conn, provider).items()
    ]


def _questions(conn: Conn, provider: Provider) -> dict[str, Question]:
    now = datetime.now(UTC)
    today = localtime.local(now, provider.timezone).date()
    asked: dict[str, Question] = {}
    for kind in KINDS:
        span = compared(kind, today)
        asked |= {
            f"statistics, {kind}": partial(provider_dashboard.stats, conn, provider, span, now),
            f"income, {kind}": partial(provider_dashboard.chart, conn, provider, span),
            f"customers, {kind}": partial(provider_dashboard.customers, conn, provider, span),
        }
    asked["recent activities"] = partial(provider_transactions.page, conn, provider.id, Wanted(limit=10))
    return asked


async def _ms(ask: Question, times: int) -> float:
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - begun) * 1000)
    return percentile(taken, 0.5) or 0.0
