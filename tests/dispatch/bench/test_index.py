"""The index benchmark runs small: right answers, and a rival where there is a redis-server."""

from __future__ import annotations

from dispatch.bench import index
from storage.tools.bench_redis import find_server


def test_a_small_run_measures_everything_and_finds_no_difference() -> None:
    numbers = index.run(2000, 3, quick=True)
    assert numbers.technicians == 200
    assert numbers.mismatches == 0
    assert numbers.queries == 300
    assert numbers.match_gain > 0
    assert (numbers.peer is not None) == (find_server() is not None)
    if numbers.peer is not None:
        assert numbers.peer.name.startswith("Redis ")
        assert numbers.peer.updates_per_s > 0
