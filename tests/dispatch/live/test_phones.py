"""Generated phones: whatever their clocks, networks and habits, what is kept of them is the truth within bounds."""

from __future__ import annotations

import csv
import json
import random
from bisect import bisect_left
from collections import Counter
from uuid import UUID

import pytest

from geo.geodesy import destination, haversine_m
from tests.geo.shared_data import real_file
from tests.world import KOLKATA, World

#: How long the phones drive, in steps of so many seconds; at most so fast.
STEPS, STEP_S, MOST_MPS = 120, 5.0, 15.0
#: How wrong the time of a kept fix may be (latency that cannot be told from a slow clock), and how long a hole.
TIME_S, HOLE_S = 4.0, 15.0


class Phone:
    """Drives a way that it remembers, and tells of it in its own time: its clock is wrong, its network comes and goes,
    it sends newest first, shuffled and twice."""

    def __init__(self, seed: int, technician_id: UUID, now_s: float) -> None:
        self.dice = dice = random.Random(seed)
        self.id = technician_id
        self.says_when = dice.random() < 0.5
        self.behind_s = dice.choice([0.0, 0.7, -2.0, 120.0, 300.0, 580.0, -45.0, -3600.0, 86_400.0 * self.says_when])
        self.latency_s = dice.choice([0.1, 0.5, 2.0])
        self.truth: list[tuple[float, float, float]] = [(now_s, *destination(*KOLKATA, dice.random() * 360, 3000))]
        self.heading = dice.random() * 360
        self.waiting: list[int] = []
        self.sent: list[tuple[float, list[list[float | None]]]] = []
        self.offline_until_s = now_s

    def drive(self, now_s: float) -> None:
        self.heading += self.dice.uniform(-30, 30)
        _, lat, lng = self.truth[-1]
        metres = self.dice.uniform(2.0, MOST_MPS) * STEP_S
        self.truth.append((now_s, *destination(lat, lng, self.heading, metres)))
        self.waiting.append(len(self.truth) - 1)
        if len(self.truth) > 6 and now_s >= self.offline_until_s and self.dice.random() < 0.05:
            self.offline_until_s = now_s + self.dice.uniform(30, 300)

    def frames(self, now_s: float) -> list[tuple[list[list[float | None]], float | None]]:
        """What arrives now, each with the phone's time of sending."""
        if now_s < self.offline_until_s or not self.waiting:
            return []
        known, self.waiting = self.waiting, []
        batches = [known[n : n + 12] for n in range(0, len(known), 12)]
        if self.dice.random() < 0.5:
            batches.reverse()
        found = []
        for batch in batches[:4]:
            rows = [self.row(n) for n in batch]
            self.dice.shuffle(rows)
            found.append((rows, self.sends_at(now_s)))
            if self.dice.random() < 0.2:
                found.append((rows, self.sends_at(now_s)))
        self.waiting = [n for batch in batches[4:] for n in batch]
        return found[:5]

    def row(self, n: int) -> list[float | None]:
        at_s, lat, lng = self.truth[n]
        device_ms = (at_s - self.behind_s) * 1000.0
        return [device_ms, lat, lng, *self.dice.choice([(8, -1, -1), (-1, None, 400), (12.5, 3.5, 90)])]

    def sends_at(self, now_s: float) -> float | None:
        return (now_s - self.latency_s - self.behind_s) * 1000.0 if self.says_when else None

    def place_at(self, at_s: float) -> tuple[float, float]:
        n = min(len(self.truth) - 1, bisect_left(self.truth, (at_s,)))
        return self.truth[n][1:]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_the_trail_is_the_truth_within_bounds(world: World, seed: int) -> None:
    now_s = world.now.timestamp()
    phones = [Phone(seed * 100 + n, await world.technician(seen=False), now_s) for n in range(8)]
    tracker = world.services.tracker
    for step in range(STEPS):
        await world.advance(seconds=STEP_S)
        now_s = world.now.timestamp()
        for phone in phones:
            phone.drive(now_s - phone.latency_s)
            if step >= STEPS - 10:
                phone.offline_until_s = 0.0
            for rows, sent_at_ms in phone.frames(now_s):
                report = tracker.report(phone.id, rows, sent_at_ms=sent_at_ms)
                assert report.dropped.keys() <= {"clock"}
    await tracker.flush()
    for phone in phones:
        assert not phone.waiting
        kept = await world.fetch(
            "SELECT h.* FROM position_history h JOIN technicians t ON t.no = h.technician_no "
            "WHERE t.id = $1 ORDER BY h.at",
            phone.id,
        )
        told = f"seed {seed}, {phone.behind_s} s behind, says when: {phone.says_when}"
        assert len({(row["lat"], row["lng"]) for row in kept}) == len(kept) <= len(phone.truth), told
        for row in kept:
            way_m = haversine_m(row["lat"], row["lng"], *phone.place_at(row["at"].timestamp()))
            assert way_m <= MOST_MPS * (TIME_S + STEP_S), told
        times = [phone.truth[1][0], *(row["at"].timestamp() for row in kept), phone.truth[-1][0]]
        assert max(b - a for a, b in zip(times, times[1:], strict=False)) <= HOLE_S, told
        seen = tracker.find_by_id(phone.id)
        assert seen is not None and (seen.lat, seen.lng) == phone.truth[-1][1:], told
        assert now_s - seen.fix_at_s <= TIME_S, told


async def test_recorded_drives_lose_nothing_for_a_wrong_reason(world: World) -> None:
    """Forty taxis of Porto, each through a phone with another clock, in batches of one to twenty."""
    dice = random.Random(5)
    tracker, dropped, sent = world.services.tracker, Counter[str](), 0
    with real_file("porto_taxi_trips_1k.csv").open() as lines:
        trips = [json.loads(trip["POLYLINE"]) for trip in csv.DictReader(lines)][:40]
    for points in trips:
        one, behind_s = await world.technician(seen=False), dice.choice([0.0, 120.0, 300.0, -90.0, -7200.0])
        start_s, size, n = world.now.timestamp(), dice.randrange(1, 21), 0
        while n < len(points):
            batch = points[n : n + size]
            n += len(batch)
            ends_s = start_s + n * 15.0
            await world.advance(seconds=ends_s - world.now.timestamp())
            first = n - len(batch) + 1
            times = [start_s + (first + k) * 15.0 - behind_s for k in range(len(batch))]
            rows = [[at_s * 1000, lat, lng, 10] for at_s, (lng, lat) in zip(times, batch, strict=True)]
            report = tracker.report(one, rows)
            dropped.update(report.dropped)
            sent += len(rows)
            assert report.clock_offset_ms == pytest.approx(behind_s * 1000, abs=1)
    assert sent > 1000 and not dropped
    assert tracker.degraded["jump"] < 0.03 * sent
