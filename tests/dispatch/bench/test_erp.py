"""The bench of the ERP runs small, and finds who is near as brute force does."""

from __future__ import annotations

import random

from dispatch.bench import erp
from storage.database.pool import Pool
from storage.tools import erp_bench


async def test_every_kind_is_measured_and_no_answer_is_wrong(fresh_pool: Pool) -> None:
    async with fresh_pool.connection() as conn:
        await erp_bench.fill(conn, 3_000)
        figures = await erp.measure(conn, 3, random.Random(1))
    assert len(figures) == len(erp.TYPED) + len(erp.AROUND) + 2
    wrong = next(f for f in figures if f.what.startswith("wrong answers"))
    assert wrong.ours == 0 and all(f.ours > 0 for f in figures if f is not wrong)
