"""The index benchmark runs small: right answers, and the rivals that are there: a redis-server, PostGIS."""

from __future__ import annotations

from dataclasses import replace

from dispatch.bench import index
from storage.tools.bench_postgis import find_binaries
from storage.tools.bench_redis import find_server


def test_a_small_run_measures_everything_and_finds_no_difference() -> None:
    numbers = index.run(2000, 3, quick=True)
    assert numbers.technicians == 200
    assert numbers.mismatches == 0
    assert numbers.queries == 300
    assert numbers.match_gain > 0
    here = [name for name, found in (("Redis", find_server()), ("PostGIS", find_binaries())) if found is not None]
    assert [peer.name.split()[0] for peer in numbers.peers] == here
    assert all(peer.updates_per_s > 0 and peer.match_p50_us > 0 for peer in numbers.peers)


def test_medians_of_runs_and_every_wrong_answer() -> None:
    one = index.run(1000, 3, quick=True)
    seen = ((30.0, 0), (90.0, 2), (40.0, 1))
    runs = [replace(one, match_p50_us=us, mismatches=wrong, bytes_each=us) for us, wrong in seen]
    found = index.median_of(runs)
    assert (found.match_p50_us, found.mismatches, found.queries) == (40.0, 3, 3 * one.queries)
    assert (found.bytes_each, found.technicians, found.peers) == (30.0, one.technicians, one.peers)
