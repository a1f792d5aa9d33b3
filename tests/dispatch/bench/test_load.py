"""The load generator against a real socket server: it joins, sends what it says and counts what was answered."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from dispatch.bench.load import build, generator
from tests.api.realtime.conftest import Running, start_server

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler is here")


async def _with(running: Running, tmp_path: Path, count: int, *commands: tuple[object, ...]) -> list[dict[str, Any]]:
    people = tmp_path / "technicians"
    people.write_text("".join(f"good:s{n} 12.97 77.59\n" for n in range(count)))
    binary = build(tmp_path)

    def drive() -> list[dict[str, Any]]:
        with generator(binary, running.port, people) as load:
            return [load.do(*command) for command in commands]

    return await asyncio.to_thread(drive)


async def test_what_is_sent_is_counted_and_every_fix_is_new(tmp_path: Path) -> None:
    running = await start_server(max_per_address=100, events_burst=10_000, events_per_s=10_000)
    running.world.location_bucket = type(running.world.location_bucket)(1e9, 1e9)
    try:
        opened, acked, flooded, paced = await _with(
            running, tmp_path, 5, ("open", "t", 0, 5, 2), ("ack", 5, 3, 40, 2), ("flood", 5, 4, 10),
            ("paced", 5, 100, 0.3, 1),
        )  # fmt: skip
        assert (opened["sockets"], acked["frames"], acked["acks"], acked["admitted"]) == (5, 40, 40, 40)
        assert (flooded["frames"], flooded["acks"], flooded["refused"], flooded["lost"]) == (20, 5, 0, 0)
        # No more than its pace, however late a busy machine lets it be.
        assert 0 < paced["frames"] == paced["acks"] <= 30 and 0 < paced["p50_us"] <= paced["p99_us"]
        assert len(running.world.hot) == 60 + paced["frames"] and running.world.slow == []
        times = [row[0] for report in running.world.hot for row in report.fixes]
        assert len(set(times)) > 40
    finally:
        await running.close()


async def test_what_is_closed_opens_again(tmp_path: Path) -> None:
    running = await start_server(max_per_address=100, events_burst=10_000, events_per_s=10_000)
    try:
        closed, opened = (await _with(
            running, tmp_path, 6, ("open", "t", 0, 6, 3), ("close", 2, 4), ("open", "t", 2, 4, 4)
        ))[1:]  # fmt: skip
        assert (closed["sockets"], opened["sockets"], opened["lost"]) == (4, 4, 0)
        assert len(running.world.joined) == 10
    finally:
        await running.close()


async def test_a_storm_opens_everybody_again(tmp_path: Path) -> None:
    running = await start_server(max_per_address=100, events_burst=10_000, events_per_s=10_000)
    running.world.location_bucket = type(running.world.location_bucket)(1e9, 1e9)
    try:
        _, storm = await _with(running, tmp_path, 20, ("open", "t", 0, 20, 5), ("storm", 5, 15, 15, 50))
        assert (storm["what"], storm["sockets"], storm["lost"]) == ("storm", 15, 0)
        assert len(running.world.joined) == 35
    finally:
        await running.close()
