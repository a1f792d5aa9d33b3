"""The index against the library defaults and brute force on one seeded workload: numbers, no printing."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtree import index as rtree_index

from geo.geodesy import METRES_PER_DEGREE, bounding_boxes, chord_square_of, chord_squares, chord_to_m
from geo.hits import Hits
from geo.index import FleetIndex

Floats = NDArray[np.float64]
Slots = NDArray[np.int64]
Timer = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Workload:
    """Metros of 10,000 technicians on 40 x 40 km; a ping is 10 to 15 m farther in about the same
    direction."""

    technicians: int = 100_000
    per_metro: int = 10_000
    side_m: float = 40_000.0
    skills: int = 16
    skills_each: int = 2
    available_share: float = 0.6
    move_min_m: float = 10.0
    move_max_m: float = 15.0
    turn_rad: float = 0.1
    radius_m: float = 5_000.0
    min_rating: float = 4.0
    limit: int = 10
    seed: int = 1
    queries: int = 1_500
    #: Rounds of all technicians before anything is measured: a fresh box lies central and flatters.
    warm_rounds: int = 32
    #: And that many measured: about the life of a box, since they were all laid at one time.
    rounds: int = 32
    #: Updates with the library's defaults take a millisecond each.
    default_updates: int = 2_000


class Query(NamedTuple):
    lat: float
    lng: float
    skill_mask: int


class World:
    """The technicians of a workload, moving; the same for every engine that is measured."""

    def __init__(self, workload: Workload) -> None:
        self.workload = w = workload
        self._rng = rng = np.random.default_rng(w.seed)
        count = w.technicians
        metro = np.arange(count) // w.per_metro
        #: Middles of the metros, far enough apart for one never to reach into another.
        self._middle_lat = 8.0 + metro % 25
        self._middle_lng = 70.0 + metro // 25 * 2.0
        self._east_m, self._north_m = rng.uniform(-w.side_m / 2, w.side_m / 2, (2, count))
        self._heading = rng.uniform(0.0, 2 * math.pi, count)
        self._scale = METRES_PER_DEGREE * np.cos(np.radians(self._middle_lat))
        chosen = np.argpartition(rng.random((count, w.skills)), w.skills_each, axis=1)[:, : w.skills_each]
        self.skills = np.bitwise_or.reduce(np.left_shift(np.uint64(1), chosen.astype(np.uint64)), axis=1)
        self.available = rng.random(count) < w.available_share
        self.rating = rng.uniform(3.0, 5.0, count).astype(np.float32)
        self.lat, self.lng = self._positions()

    def move(self) -> None:
        """One ping of everybody; who comes to the edge of the metro turns back."""
        w, rng = self.workload, self._rng
        self._heading += rng.normal(0.0, w.turn_rad, w.technicians)
        step_m = rng.uniform(w.move_min_m, w.move_max_m, w.technicians)
        self._east_m += np.sin(self._heading) * step_m
        self._north_m += np.cos(self._heading) * step_m
        edge = w.side_m / 2
        outside = (np.abs(self._east_m) > edge) | (np.abs(self._north_m) > edge)
        self._heading[outside] = np.arctan2(-self._east_m[outside], -self._north_m[outside])
        self.lat, self.lng = self._positions()

    def order(self) -> Slots:
        """Everybody once, in the random order in which pings come."""
        return self._rng.permutation(self.workload.technicians)

    def queries(self) -> Iterator[Query]:
        """Places at technicians, so that every metro has its share, and one skill each."""
        rng, w = self._rng, self.workload
        for who, skill in zip(
            rng.integers(w.technicians, size=w.queries).tolist(), rng.integers(w.skills,
            size=w.queries).tolist(), strict=True
        ):  # fmt: skip
            yield Query(float(self.lat[who]), float(self.lng[who]), 1 << skill)

    def filter_and_rank(self, query: Query, among: Slots | None = None) -> Hits:
        """The exact answer, from everybody (brute force) or from the ids that an index proposes."""
        w = self.workload
        ids = np.arange(w.technicians) if among is None else among
        mask = np.uint64(query.skill_mask)
        ids = ids[(self.skills[ids] & mask == mask) & self.available[ids] & (self.rating[ids] >= w.min_rating)]
        squares = chord_squares(query.lat, query.lng, self.lat[ids], self.lng[ids])
        inside = squares <= chord_square_of(w.radius_m)
        ids, squares = ids[inside], squares[inside]
        best = np.lexsort((ids, squares))[: w.limit]
        return Hits(ids[best], chord_to_m(squares[best]))

    def _positions(self) -> tuple[Floats, Floats]:
        return (
            self._middle_lat + self._north_m / METRES_PER_DEGREE,
            self._middle_lng + self._east_m / self._scale,
        )


@dataclass(frozen=True, slots=True)
class PeerNumbers:
    """What another engine reached on the same world and queries; `best_p50_us` is of a search in what it can be told
    beforehand, where it can: those of one skill who are available."""

    name: str
    #: How it is asked.
    asked: str
    match_p50_us: float
    match_p99_us: float
    best_p50_us: float | None
    updates_per_s: float


Peer = Callable[[World, list[Query]], PeerNumbers]


@dataclass(frozen=True, slots=True)
class IndexNumbers:
    """One run. Times are microseconds of one thread; `mismatches` counts queries whose keys or distances
    differ from brute force, of `queries`, in ours and in the defaults' answers together."""

    technicians: int
    queries: int
    mismatches: int
    hits_mean: float
    build_s: float
    bytes_each: float
    match_p50_us: float
    match_p99_us: float
    updates_per_s: float
    batch_updates_per_s: float
    reinserted_share: float
    default_match_p50_us: float
    default_match_p99_us: float
    default_updates_per_s: float
    peers: tuple[PeerNumbers, ...] = ()

    @property
    def match_gain(self) -> float:
        """How many times faster a match is than with the library's defaults."""
        return self.default_match_p50_us / self.match_p50_us

    @property
    def update_gain(self) -> float:
        """How many times more updates than with the library's defaults."""
        return self.updates_per_s / self.default_updates_per_s


def build(world: World) -> FleetIndex:
    """The index of a world as it stands. No lists of the world are made for it: their memory would count as its own."""
    fleet = FleetIndex()
    for key in range(world.workload.technicians):
        fleet.put(
            key, float(world.lat[key]), float(world.lng[key]), 0.0, skills=int(world.skills[key]),
            available=bool(world.available[key]), rating=float(world.rating[key]),
        )  # fmt: skip
    return fleet


def run(
    workload: Workload, timer: Timer, peers: Sequence[Peer] = (), progress: Callable[[str], None] | None = None
) -> IndexNumbers:
    """Measures ours, the library's defaults and `peers` on one world. `timer` counts seconds
    (perf_counter)."""
    say = progress or (lambda _: None)
    world = World(workload)
    say("building the index")
    before, started = resident_bytes(), timer()
    fleet = build(world)
    build_s, bytes_each = timer() - started, (resident_bytes() - before) / workload.technicians
    say("moving")
    updates_per_s, batch_per_s, share = _updates(world, fleet, timer)
    queries = list(world.queries())
    say("matching")
    ours, ours_us = _matches(lambda query: _match(fleet, workload, query), queries, timer)
    say("checking against brute force")
    exact = [world.filter_and_rank(query) for query in queries]
    wrong = {n for n, (a, b) in enumerate(zip(ours, exact, strict=True)) if not _same(a, b)}
    say("the library's defaults")
    defaults = DefaultTree(world)
    theirs, theirs_us = _matches(defaults.match, queries, timer)
    wrong |= {n for n, (a, b) in enumerate(zip(theirs, exact, strict=True)) if not _same(a, b)}
    told = tuple(peer(world, queries) for peer in peers)
    default_per_s = defaults.updates(timer)
    return IndexNumbers(
        technicians=workload.technicians,
        queries=len(queries),
        mismatches=len(wrong),
        hits_mean=float(np.mean([len(hits) for hits in ours])),
        build_s=build_s,
        bytes_each=bytes_each,
        match_p50_us=_percentile(ours_us, 50),
        match_p99_us=_percentile(ours_us, 99),
        updates_per_s=updates_per_s,
        batch_updates_per_s=batch_per_s,
        reinserted_share=share,
        default_match_p50_us=_percentile(theirs_us, 50),
        default_match_p99_us=_percentile(theirs_us, 99),
        default_updates_per_s=default_per_s,
        peers=told,
    )


def resident_bytes() -> int:
    """The process's memory (Linux); 0 where that can't be read."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class DefaultTree:
    """The R-tree as its documentation shows it: points, default properties, delete + insert for a move."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tree = rtree_index.Index()
        for key, (lng, lat) in enumerate(zip(world.lng.tolist(), world.lat.tolist(), strict=True)):
            self._tree.insert(key, (lng, lat, lng, lat))

    def match(self, query: Query) -> Hits:
        """The same filter as ours, on the ids that the tree yields."""
        (box,) = bounding_boxes(query.lat, query.lng, self._world.workload.radius_m)
        found = self._tree.intersection((box.west, box.south, box.east, box.north))
        return self._world.filter_and_rank(query, np.fromiter(found, dtype=np.int64))

    def updates(self, timer: Timer) -> float:
        """Moves some; afterwards the world is one ping ahead of the tree."""
        world = self._world
        who = world.order()[: world.workload.default_updates]
        before = list(zip(who.tolist(), world.lng[who].tolist(), world.lat[who].tolist(), strict=True))
        world.move()
        after = list(zip(world.lng[who].tolist(), world.lat[who].tolist(), strict=True))
        tree = self._tree
        started = timer()
        for (key, old_lng, old_lat), (lng, lat) in zip(before, after, strict=True):
            tree.delete(key, (old_lng, old_lat, old_lng, old_lat))
            tree.insert(key, (lng, lat, lng, lat))
        return len(before) / (timer() - started)


def _updates(world: World, fleet: FleetIndex, timer: Timer) -> tuple[float, float, float]:
    """(single moves per second, moves in ticks of 1000 per second, share of moves that laid a box)."""
    w = world.workload
    batch_s, batched = 0.0, 0
    for number in range(w.warm_rounds + w.rounds):
        world.move()
        ticks = np.array_split(world.order(), max(1, w.technicians // 1000))
        started = timer()
        for ids in ticks:
            fleet.move_many(ids, world.lat[ids], world.lng[ids], np.full(len(ids), float(number)))
        if number >= w.warm_rounds:
            batch_s, batched = batch_s + timer() - started, batched + w.technicians
    single_s, laid = 0.0, fleet.reinserts
    for number in range(w.rounds):
        world.move()
        order = world.order()
        pings = list(zip(order.tolist(), world.lat[order].tolist(), world.lng[order].tolist(), strict=True))
        at_s, move = float(w.warm_rounds + w.rounds + number), fleet.move
        started = timer()
        for key, lat, lng in pings:
            move(key, lat, lng, at_s)
        single_s += timer() - started
    moves = w.rounds * w.technicians
    return moves / single_s, batched / batch_s, (fleet.reinserts - laid) / moves


def _match(fleet: FleetIndex, workload: Workload, query: Query) -> Hits:
    return fleet.match(
        query.lat, query.lng, workload.radius_m,
        skill_mask=query.skill_mask, min_rating=workload.min_rating, limit=workload.limit,
    )  # fmt: skip


def _matches(match: Callable[[Query], Hits], queries: list[Query], timer: Timer) -> tuple[list[Hits], list[float]]:
    answers, times_us = [], []
    for query in queries:
        started = timer()
        answer = match(query)
        times_us.append((timer() - started) * 1e6)
        answers.append(answer)
    return answers, times_us


def _same(a: Hits, b: Hits) -> bool:
    return np.array_equal(a.keys, b.keys) and np.allclose(a.distances_m, b.distances_m, rtol=0.0, atol=1e-6)


def _percentile(values: list[float], share: float) -> float:
    return float(np.percentile(values, share))
