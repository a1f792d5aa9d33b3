"""The bench part that copies position history into the real tables, as the trail does."""

from __future__ import annotations

import asyncio
import time

from dispatch.bench.figures import Figure, Rounds
from dispatch.bench.sockets_live import OURS
from dispatch.bench.stage import Server, Stage
from storage import history
from storage.database.pool import create_pool

BATCH, BATCHES = 10_000, 10


def part(stage: Stage) -> list[Figure]:
    """Rows a second by COPY, into the real partitions, packing included."""
    with stage.serve({}) as server:
        rows_per_s = asyncio.run(_copy(stage, server))
    return [Figure("history", "rows by COPY", "/s", rows_per_s, is_rate=True, wanted=">= 200,000/s")]


async def _copy(stage: Stage, server: Server) -> float:
    seen = Rounds()
    pool = await create_pool(server.dsn, min_size=1, max_size=1)
    now_s = time.time()
    try:
        for _ in range(stage.rounds):
            begun = time.perf_counter()
            for _ in range(stage.few(BATCHES)):
                points = history.Packed()
                for n in range(BATCH):
                    points.add(n, (now_s + n / 1000,), ((0.0, 22.57, 88.36 + n / 1e6, 5.0, 8.0, 90.0),))
                async with pool.transaction() as conn:
                    await history.append(conn, points)
            seen.add(OURS, "rows", stage.few(BATCHES) * BATCH / (time.perf_counter() - begun))
    finally:
        await pool.close()
    found = seen.of(OURS, "rows")
    assert found is not None
    return found
