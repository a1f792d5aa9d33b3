"""The bench of the providers runs small, over a statement whose sums are those of its lines."""

from __future__ import annotations

from dispatch.bench import providers
from storage import provider_sums
from storage.database.pool import Pool
from storage.tools import provider_bench


async def test_every_question_is_measured(fresh_pool: Pool) -> None:
    async with fresh_pool.connection() as conn:
        provider = await provider_bench.fill(conn, 400)
        figures = await providers.measure(conn, provider, 2)
        totals = await provider_sums.totals(conn, provider_id=provider.id, currency="INR")
    assert totals is not None and totals.lines == 400
    assert len(figures) == 13 and all(f.ours > 0 for f in figures)
