"""Day partitions of the position history."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from storage import history
from tests.world import World


async def test_two_nodes_make_the_same_partition(world: World) -> None:
    day = (world.now + timedelta(days=9)).date()

    async def make() -> None:
        async with world.services.transaction() as tx:
            await history.ensure_day(tx.conn, day)

    await asyncio.gather(*(make() for _ in range(4)))
    assert await world.value("SELECT to_regclass($1) IS NOT NULL", history.partition_name(day))


def packed(*points: tuple[float, tuple[float | None, ...]]) -> history.Packed:
    """Points of technician 7: their times, and lat, lng, accuracy, speed, heading."""
    found = history.Packed()
    for at_s, values in points:
        found.add(7, [at_s], [(0.0, *values)])  # type: ignore[list-item]
    return found


async def test_what_is_packed_is_what_is_read(world: World) -> None:
    at_s = world.now.timestamp()
    rows = [
        (22.5, 88.25, 5.0, 8.5, 90.0), (22.5, -88.25, 0.0, None, 0.25), (-90.0, 180.0, 5.5, 3.0, None),
        (0.25, -180.0, 100.0, None, None),
    ]  # fmt: skip
    points = packed(*((at_s + n / 1e6, row) for n, row in enumerate(rows)))
    async with world.services.transaction() as tx:
        await history.append(tx.conn, points)
    found = await world.fetch("SELECT * FROM position_history WHERE technician_no = 7 ORDER BY at")
    assert [tuple(row.values())[2:] for row in found] == rows
    assert [row["at"] for row in found] == [world.now + timedelta(microseconds=n) for n in range(4)]


async def test_a_moment_before_midnight_that_rounds_into_the_next_day_finds_its_place(world: World) -> None:
    midnight = world.now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    async with world.services.transaction() as tx:
        await history.append(tx.conn, packed((midnight.timestamp() - 2e-7, (1.0, 2.0, 3.0, None, None))))
    assert await world.value("SELECT at FROM position_history") == midnight


def test_points_are_parted_by_time_and_by_number() -> None:
    points = packed(*((float(n), (1.0, 2.0, 3.0, None if n % 2 else 4.0, 5.0)) for n in range(10)))
    assert points.within(0.0, 10.0) is points
    some = points.within(3.0, 7.0)
    assert (some.rows, some.first_s, some.last_s) == (points.rows[3:7], 3.0, 7.0)
    assert points.within(20.0, 30.0).rows == []
    assert points.first(4).rows + points.without(4).rows == points.rows
    again = points.without(4).after(points.first(4))
    assert (again.rows, again.first_s, again.last_s) == (points.rows, 0.0, 9.0)
