"""Contract numbers: their looks, and that parallel takers never get the same."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from dispatch import numbers
from storage.database.pool import Conn, Pool

DAY = date(2024, 1, 15)


@pytest.mark.parametrize(
    ("code", "first", "second"),
    [
        ("BK", "BK-20240115-000001", "BK-20240115-000002"),
        ("PT", "PT-001", "PT-002"),
        ("PO", "PO-20240115-001", "PO-20240115-002"),
        ("BULK", "BULK-2024-000001", "BULK-2024-000002"),
        ("BKG", "BKG-2024-000001", "BKG-2024-000002"),
        ("QTE", "QTE-2024-000001", "QTE-2024-000002"),
        ("INV", "INV-2024-000001", "INV-2024-000002"),
        ("TKT", "TKT-2024-000001", "TKT-2024-000002"),
        ("CL", "CL00001", "CL00002"),
        ("BC", "BC001", "BC002"),
        ("BL", "BL001", "BL002"),
        ("#", "#100001", "#100002"),
    ],
)
async def test_every_series_looks_as_in_the_contract(db: Conn, code: str, first: str, second: str) -> None:
    assert await numbers.take(db, code, DAY) == first
    assert await numbers.take(db, code, DAY) == second


async def test_a_new_day_counts_from_one_again(db: Conn) -> None:
    await numbers.take(db, "BK", DAY)
    assert await numbers.take(db, "BK", date(2024, 1, 16)) == "BK-20240116-000001"
    assert await numbers.take(db, "BK", DAY) == "BK-20240115-000002"


async def test_a_counter_outgrows_its_width(db: Conn) -> None:
    await db.execute("INSERT INTO document_sequences (code, period, last_value) VALUES ('PT', '', 999)")
    assert await numbers.take(db, "PT", DAY) == "PT-1000"


async def test_parallel_takers_never_get_the_same(fresh_pool: Pool) -> None:
    async def take(code: str) -> str:
        async with fresh_pool.transaction() as conn:
            return await numbers.take(conn, code, DAY)

    for code in ("BK", "#"):
        got = await asyncio.gather(*(take(code) for _ in range(60)))
        assert len(set(got)) == 60
    assert await _last(fresh_pool, "BK") == 60


async def _last(pool: Pool, code: str) -> int:
    async with pool.connection() as conn:
        return int(await conn.fetchval("SELECT last_value FROM document_sequences WHERE code = $1", code))


async def test_a_number_of_a_rolled_back_transaction_is_taken_again(fresh_pool: Pool) -> None:
    with pytest.raises(RuntimeError):
        async with fresh_pool.transaction() as conn:
            await numbers.take(conn, "INV", DAY)
            raise RuntimeError
    async with fresh_pool.transaction() as conn:
        assert await numbers.take(conn, "INV", DAY) == "INV-2024-000001"
