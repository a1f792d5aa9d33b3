"""The index benchmark with Redis beside it, where there is one: the same world, the same queries, one run."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np

from dispatch.bench import workload
from dispatch.bench.figures import Figure
from dispatch.bench.stage import Stage
from dispatch.bench.workload import IndexNumbers, Peer, PeerNumbers, Query, Workload, World
from storage.tools.bench_redis import GeoRival, rival

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
    """Measures ours, the library's defaults, and Redis if a server can be found."""
    with rival() as server:
        peer = None if server is None else _peer(server)
        return workload.run(workload_of(technicians, seed, quick=quick), perf_counter, peer, progress)


def _peer(server: GeoRival) -> Peer:
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
            f"Redis {server.version}", float(np.percentile(times_us, 50)), float(np.percentile(times_us, 99)),
            float(np.percentile(best_us, 50)), moves / spent_s,
        )  # fmt: skip

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


def part(stage: Stage) -> list[Figure]:
    """The bench part: matching and updates beside the library's defaults and Redis."""
    n = run(stage.technicians, stage.seed, quick=stage.quick, progress=stage.say)
    name = "R-tree, its defaults"
    figures = [
        Figure("index", "match p50", "us", n.match_p50_us, name, n.default_match_p50_us),
        Figure("index", "updates one by one", "/s", n.updates_per_s, name, n.default_updates_per_s, is_rate=True),
        Figure("index", "match p99", "us", n.match_p99_us, "own p50", n.match_p50_us, wanted="<= 4x its p50"),
        Figure("index", "memory", "bytes a technician", n.bytes_each, wanted="<= 300"),
        Figure("index", "wrong answers", f"of {n.queries}", n.mismatches, wanted="0"),
    ]
    if n.peer is not None:
        redis = f"{n.peer.name} GEOSEARCH + filter"
        figures += [
            Figure("index", "match p50", "us", n.match_p50_us, redis, n.peer.match_p50_us, wanted=">= 30x"),
            Figure(
                "index", "match p50", "us", n.match_p50_us, f"{n.peer.name}, a key for each skill's available",
                n.peer.best_p50_us, wanted=">= 4x",
            ),
            Figure(
                "index", "updates by 1,000", "/s", n.batch_updates_per_s, f"{n.peer.name} pipelined",
                n.peer.updates_per_s, is_rate=True, wanted=">= 5x",
            ),
        ]  # fmt: skip
    return figures
