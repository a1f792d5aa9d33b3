"""The bench measures what it says: a seeded world, right answers, and numbers from the timer it is given."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from dispatch.bench.workload import PeerNumbers, Query, Workload, World, build, run
from geo.geodesy import haversine_many_m

SMALL = Workload(
    technicians=600, per_metro=300, side_m=12_000, queries=60, warm_rounds=20, rounds=5, default_updates=50
)


def ticking() -> float:
    """A timer that moves a second at each look: every span is one second."""
    return float(next(TICKS))


TICKS = itertools.count()


def test_one_seed_is_one_world() -> None:
    a, b, c = World(SMALL), World(SMALL), World(replace(SMALL, seed=2))
    for world in (a, b, c):
        world.move()
    assert np.array_equal(a.lat, b.lat)
    assert list(a.queries()) == list(b.queries())
    assert not np.array_equal(a.lat, c.lat)


def test_the_world_is_as_described() -> None:
    world = World(replace(SMALL, technicians=20_000, per_metro=10_000))
    assert set(map(int.bit_count, world.skills.tolist())) == {2}
    assert int(np.bitwise_or.reduce(world.skills)) == 2**16 - 1
    assert 0.57 < world.available.mean() < 0.63
    assert world.rating.min() >= 3.0
    assert world.rating.max() <= 5.0
    lat, lng = world.lat.copy(), world.lng.copy()
    world.move()
    for who in range(100):
        metres = haversine_many_m(lat[who], lng[who], world.lat[who : who + 1], world.lng[who : who + 1])[0]
        assert 9.9 <= metres <= 15.1


def test_a_run_agrees_with_brute_force() -> None:
    phases: list[str] = []
    seen: list[Query] = []

    def peer(world: World, queries: list[Query]) -> PeerNumbers:
        seen.extend(queries)
        assert world.workload is SMALL
        return PeerNumbers("nobody", "nearest", 5e6, 5e6, 5e6, 1.0)

    numbers = run(SMALL, ticking, [peer], phases.append)
    assert numbers.mismatches == 0
    assert numbers.queries == len(seen) == 60
    assert numbers.hits_mean > 3
    assert numbers.match_p50_us == numbers.default_match_p99_us == 1e6
    assert numbers.match_gain == 1.0
    assert numbers.updates_per_s == SMALL.technicians
    assert numbers.default_updates_per_s == SMALL.default_updates
    assert numbers.update_gain == SMALL.technicians / SMALL.default_updates
    assert 0.0 < numbers.reinserted_share < 0.1
    assert numbers.peers == (PeerNumbers("nobody", "nearest", 5e6, 5e6, 5e6, 1.0),)
    assert "matching" in phases


def test_a_wrong_index_would_be_seen() -> None:
    world = World(SMALL)
    fleet = build(world)
    query = next(world.queries())
    right = world.filter_and_rank(query)
    fleet.remove(int(right.keys[0]))
    found = fleet.match(query.lat, query.lng, SMALL.radius_m, skill_mask=query.skill_mask, min_rating=SMALL.min_rating)
    assert found.keys.tolist()[0] != right.keys.tolist()[0]
