"""The bench of the lists runs small: every list is filled, and every pair of it is measured."""

from __future__ import annotations

from pathlib import Path

from dispatch.bench import lists
from storage import technician_bookings
from storage.database.listing import Wanted
from storage.database.pool import Pool
from storage.tools import many

ROWS = 2_000


async def test_every_list_is_filled_and_every_pair_measured(fresh_pool: Pool, tmp_path: Path) -> None:
    said: list[str] = []
    await many.fill(fresh_pool, ROWS, said.append)
    assert said
    async with fresh_pool.connection() as conn:
        for asked in lists.lists():
            found = await asked.listed.page(conn, Wanted(), **asked.given)
            # Few jobs of one technician are still to come.
            assert found.total > 0 or asked.listed is technician_bookings.ahead, asked.listed.name
            figures = await lists.measure(conn, asked, 2)
            searches = len(lists.SEARCHES) if asked.listed.search else 0
            assert len(figures) >= len(asked.listed.indexed) + searches, asked.listed.name
            assert all(one.ours > 0 and one.wanted and "rows" in one.note for one in figures)
