"""The index benchmark with Redis beside it, where there is one: the same world, the same queries, one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from statistics import median
from time import perf_counter
from typing import TypeVar

import numpy as np

from dispatch.bench import workload
from dispatch.bench.figures import Figure
from dispatch.bench.stage import Stage
from dispatch.bench.workload import IndexNumbers, Peer, PeerNumbers, Query, Workload, World
from storage.tools import bench_postgis, bench_redis
from storage.tools.bench_postgis import PostgisRival
from storage.tools.bench_redis import GeoRival

Numbers = TypeVar("Numbers", IndexNumbers, PeerNumbers)

#: Rounds of everybody's move that Redis is given.
ROUNDS = 2
#: A short run: a tenth of the technicians, enough to see that everything works.
QUICK = 10


def workload_of(technicians: int, seed: int, *, quick: bool) -> Workload:
    """The issue's configuration, or a tenth of it."""
    if not quick:
        return Workload(technicians=technicians, seed=seed)
    few = max(100, technicians // QUICK)
    return Workload(technicians=few, seed=seed, queries=300, warm_rounds=8, rounds=8, default_updates=300)


def run(
    technicians: int, seed: int, *, quick: bool = False, progress: Callable[[str], None] | None = None
) -> IndexNumbers:
    """Measures ours, the library's defaults, and Redis and PostGIS where they can be found."""
    with bench_redis.rival() as redis, bench_postgis.rival() as postgis:
        peers = [*([] if redis is None else [_redis(redis)]), *([] if postgis is None else [_postgis(postgis)])]
        return workload.run(workload_of(technicians, seed, quick=quick), perf_counter, peers, progress)


def _redis(server: GeoRival) -> Peer:
    def measure(world: World, queries: list[Query]) -> PeerNumbers:
        lats, lngs = world.lat, world.lng
        ids = range(world.workload.technicians)
        server.update(zip(lngs.tolist(), lats.tolist(), ids, strict=True))
        times_us = []
        for query in queries:
            started = perf_counter()
            _filtered(server.near(query.lat, query.lng, world.workload.radius_m), world, query)
            times_us.append((perf_counter() - started) * 1e6)
        for bit in range(world.workload.skills):
            mask = np.uint64(1 << bit)
            who = np.flatnonzero((world.skills & mask == mask) & world.available)
            server.update(zip(lngs[who].tolist(), lats[who].tolist(), who.tolist(), strict=True), _of_skill(1 << bit))
        best_us = []
        for query in queries:
            started = perf_counter()
            near = server.near(query.lat, query.lng, world.workload.radius_m, _of_skill(query.skill_mask))
            _filtered(near, world, query)
            best_us.append((perf_counter() - started) * 1e6)
        # Everybody again in the order in which pings come, one pipeline after the other.
        moves = 0
        spent_s = 0.0
        for _ in range(ROUNDS):
            order = world.order()
            pings = list(zip(lngs[order].tolist(), lats[order].tolist(), order.tolist(), strict=True))
            started = perf_counter()
            server.update(pings)
            spent_s += perf_counter() - started
            moves += len(pings)
        return PeerNumbers(
            f"Redis {server.version}", "GEOSEARCH + filter", float(np.percentile(times_us, 50)),
            float(np.percentile(times_us, 99)), float(np.percentile(best_us, 50)), moves / spent_s,
        )  # fmt: skip

    return measure


def _postgis(server: PostgisRival) -> Peer:
    def measure(world: World, queries: list[Query]) -> PeerNumbers:
        w = world.workload
        server.put(
            list(range(w.technicians)), world.skills.tolist(), world.available.tolist(), world.rating.tolist(),
            world.lng.tolist(), world.lat.tolist(),
        )  # fmt: skip
        places = [(query.lng, query.lat, query.skill_mask) for query in queries]
        times_us = server.match(places, w.radius_m, w.min_rating, w.limit)
        order = world.order()
        spent_s = server.move(order.tolist(), world.lng[order].tolist(), world.lat[order].tolist())
        p50_us, p99_us = np.percentile(times_us, (50, 99))
        name = f"PostGIS {server.version}"
        return PeerNumbers(name, "GiST with the filter", float(p50_us), float(p99_us), None, w.technicians / spent_s)

    return measure


def _of_skill(mask: int) -> str:
    return f"skill:{mask}"


def _filtered(found: list[bytes], world: World, query: Query) -> list[int]:
    """The filter in the client, as one has it with a plain GEOSEARCH: the first ten that pass, nearest first."""
    ids = np.array(found, dtype=np.int64) if found else np.empty(0, np.int64)
    mask, w = np.uint64(query.skill_mask), world.workload
    passes = (world.skills[ids] & mask == mask) & world.available[ids] & (world.rating[ids] >= w.min_rating)
    best: list[int] = ids[passes][: w.limit].tolist()
    return best


def median_of(runs: Sequence[IndexNumbers]) -> IndexNumbers:
    """The medians of several runs, and all their wrong answers. What a technician takes is of the first: later ones
    find memory that it gave back."""
    peers = tuple(_medians(told) for told in zip(*(one.peers for one in runs), strict=True))
    return replace(
        _medians(runs), queries=sum(one.queries for one in runs), mismatches=sum(one.mismatches for one in runs),
        bytes_each=runs[0].bytes_each, peers=peers,
    )  # fmt: skip


def _medians(runs: Sequence[Numbers]) -> Numbers:
    first = runs[0]
    names = [one.name for one in fields(first) if isinstance(getattr(first, one.name), float)]
    return replace(first, **{name: median(getattr(one, name) for one in runs) for name in names})


def part(stage: Stage) -> list[Figure]:
    """The bench part: matching and updates beside the library's defaults and Redis."""
    runs = []
    for number in range(stage.rounds):
        stage.say(f"index, round {number}")
        runs.append(run(stage.technicians, stage.seed + number, quick=stage.quick, progress=stage.say))
    n = median_of(runs)
    name = "R-tree, its defaults"
    figures = [
        Figure("index", "match p50", "us", n.match_p50_us, name, n.default_match_p50_us),
        Figure("index", "updates one by one", "/s", n.updates_per_s, name, n.default_updates_per_s, is_rate=True),
        Figure("index", "match p99", "us", n.match_p99_us, "own p50", n.match_p50_us, wanted="<= 4x its p50"),
        Figure("index", "memory", "bytes a technician", n.bytes_each, wanted="<= 300"),
        Figure("index", "wrong answers", f"of {n.queries}", n.mismatches, wanted="0"),
    ]
    for peer in n.peers:
        is_redis = peer.best_p50_us is not None
        figures.append(
            Figure(
                "index", "match p50", "us", n.match_p50_us, f"{peer.name} {peer.asked}", peer.match_p50_us,
                wanted=">= 30x" if is_redis else "",
            )
        )  # fmt: skip
        if is_redis:
            best = f"{peer.name}, a key for each skill's available"
            figures.append(Figure("index", "match p50", "us", n.match_p50_us, best, peer.best_p50_us, wanted=">= 4x"))
        figures.append(
            Figure(
                "index", "updates by 1,000", "/s", n.batch_updates_per_s, peer.name, peer.updates_per_s, is_rate=True,
                wanted=">= 5x" if is_redis else "",
            )
        )  # fmt: skip
    return figures
