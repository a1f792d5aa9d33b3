"""The ping's short way is its long one: two trackers, the same frames, and nothing that tells them apart.

DISPATCH_FIXES=1000000 runs it over a million fixes.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from dispatch.bus import LocalBus
from dispatch.clock import Clock, Reading
from dispatch.live.devices import Devices
from dispatch.live.hours import Hours
from dispatch.live.reports import Report, Unreadable
from dispatch.live.roster import Roster, Technician
from dispatch.live.tracking import Tracker
from dispatch.live.trail import Last
from dispatch.live.zones import ZoneBook
from geo.filter import FixFilter, read_ping
from geo.geodesy import bearing_deg, destination
from storage import history
from storage.database.pool import Pool
from storage.offers import OpenJob
from tests.world import KOLKATA

FIXES = int(os.environ.get("DISPATCH_FIXES", "20000"))
START_S = 1_767_600_000.0
STATES = ("accepted", "in_transit", "in_transit", "in_transit", "arrived", "in_progress")


class Notes:
    """In the trail's place: what was left behind, in order."""

    def __init__(self) -> None:
        self.packed, self.lates, self.lasts = history.Packed(), list[Any](), list[Last]()

    def points(self, no: int, times: Sequence[float], samples: list[history.Sample]) -> None:
        self.packed.add(no, times, samples)

    def late(self, *point: Any) -> None:
        self.lates.append(point)

    def moved(self, last: Last) -> None:
        self.lasts.append(last)

    def taken(self) -> tuple[Any, ...]:
        found = (self.packed.rows, self.packed.first_s, self.packed.last_s, self.lates, self.lasts)
        self.packed, self.lates, self.lasts = history.Packed(), [], []
        return found


class Side:
    """One tracker with its own books, and what its watchers saw."""

    def __init__(self, clock: Clock, people: list[Technician]) -> None:
        pool, bus = cast(Pool, None), LocalBus()
        roster = Roster(pool, bus, ZoneBook(pool, bus))
        self.tracker = Tracker(pool, bus, clock, roster, history_days=30, devices=Devices(1e9, 1e9))
        self.notes = self.tracker.trail = cast(Any, Notes())
        self.seen: list[Any] = []
        for person in people:
            self.tracker.know(person)
        self.tracker.watch(lambda seen, job: self.seen.append((replace(seen), job)))

    def report(self, who: UUID, rows: Sequence[object], sent_at_ms: object, device: str) -> Report | str:
        try:
            return self.tracker.report(who, rows, sent_at_ms=sent_at_ms, device=device)
        except Unreadable as error:
            return repr(error.fields)

    def state(self, person: Technician) -> tuple[Any, ...]:
        """All that can be asked of a technician, and what is new of everybody; each is told once."""
        tracker, found = self.tracker, []
        while (one := tracker.arrivals.take_found()) is not None:
            found.append(one)
        news, self.seen = self.seen, []
        return (
            tracker.find(person.no), tracker.fleet.position(person.no) if person.no in tracker.fleet else None,
            found, news, self.notes.taken(), tracker.admitted, dict(tracker.dropped), dict(tracker.degraded),
            tracker.eta.speed_mps(), tracker.fleet.reinserts,
        )  # fmt: skip


class Phone:
    """Drives, stands, jumps and comes to doors; its clock is ahead or behind, its batches come in any order."""

    def __init__(self, rng: random.Random, person: Technician) -> None:
        self.rng, self.person = rng, person
        self.place = destination(*KOLKATA, rng.uniform(0, 360), rng.uniform(0, 5_000))
        self.heading = rng.uniform(0, 360)
        self.door: tuple[float, float] | None = None
        self.behind_s = rng.choice((0.0, 0.0, 0.4, 40.0, 3_600.0, -3.0, -45.0, -7_200.0))
        self.usual_m = rng.choice((5.0, 8.0, 8.0, 30.0, 49.0))
        self.stands = False

    def rows(self, now_s: float) -> list[list[Any]]:
        rng, size = self.rng, self.rng.choice((1, 1, 1, 2, 5, 10, 30, 50))
        every_s = rng.choice((0.0005, 0.2, 1.0, 1.0, 5.0, 20.0 if rng.random() < 0.2 else 1.0))
        if rng.random() < 0.2:
            self.stands = not self.stands
        found = []
        for n in range(size):
            self._move(every_s)
            at_s = now_s - self.behind_s - (size - 1 - n) * every_s - rng.choice((0.0, 0.1, 0.1, 2.0))
            accuracy = self.usual_m if rng.random() < 0.95 else rng.choice((None, 0.0, 50.0, 50.1, 180.0, 900.0, -1.0))
            found.append([at_s * 1000.0, *self.place, accuracy, rng.choice((8.0, 8.0, None)), 90.0])
        if rng.random() < 0.05:
            spoiled = rng.choice(found)
            spoiled[rng.randrange(6)] = rng.choice((None, "x", True, -1.0, 1e12, float("nan")))
        if rng.random() < 0.02:
            found[rng.randrange(size)][1:3] = [0.0, 0.0]
        if rng.random() < 0.15:
            rng.shuffle(found)
        return found

    def _move(self, every_s: float) -> None:
        rng = self.rng
        if self.door is not None and rng.random() < 0.3:
            self.heading = bearing_deg(*self.place, *self.door)
        metres = rng.uniform(4.0, 15.0) * max(every_s, 1.0)
        if self.stands:
            metres = rng.choice((0.0, 1.0, 4.99, 5.01))
        elif rng.random() < 0.01:
            metres = rng.choice((45.0, 200.0, 5_000.0))
        self.place = destination(*self.place, self.heading, metres)
        if rng.random() < 0.1:
            self.heading = rng.uniform(0, 360)


def people_of(count: int) -> list[Technician]:
    return [
        Technician(
            UUID(int=n), n, f"PT-{n}", "Someone", None, None, frozenset({"Facial"}), frozenset({"Minimal"}), Hours(()),
            5_000.0, KOLKATA, None, True, True, True, 4.5, 0.0, datetime.fromtimestamp(START_S, UTC),
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


def change_jobs(rng: random.Random, phone: Phone, sides: tuple[Side, Side], now_s: float, number: int) -> None:
    """Now and then a job begins near by, gets on, or is over."""
    jobs = sides[0].tracker.arrivals.of_technician(phone.person.id)
    if jobs and rng.random() < 0.5:
        job = rng.choice(jobs)
        changed = replace(job, state=rng.choice(STATES))
    else:
        lat, lng = destination(*phone.place, rng.uniform(0, 360), rng.choice((30.0, 400.0, 1_500.0)))
        starts = datetime.fromtimestamp(now_s, UTC) + timedelta(seconds=rng.choice((-600, 600, 7_200)))
        ids = [UUID(int=1_000_000 + 2 * number), UUID(int=1_000_001 + 2 * number), phone.person.id]
        changed = OpenJob(*ids, rng.choice(STATES), UUID(int=5), lat, lng, starts)
    phone.door = (changed.lat, changed.lng)
    for side in sides:
        side.tracker.learn_job(changed)
        if len(jobs) > 2:
            side.tracker.forget_job(jobs[0].booking_id)


def as_decoded(rows: list[list[Any]]) -> list[Any]:
    """What the hot path's decoder makes of a frame: pings where every value is there or null, and in its bounds."""
    pings = [read_ping(row) for row in rows]
    are_whole = all(
        ping is not None and all(row[n] is None or ping[n] is not None for n in range(6))
        for row, ping in zip(rows, pings, strict=True)
    )
    return cast(list[Any], pings) if are_whole else rows


def test_two_ways_one_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(2026)
    clock = Clock(Reading(0.0, START_S, 0.0))
    people = people_of(12)
    short, long = sides = (Side(clock, people), Side(clock, people))
    phones = [Phone(rng, person) for person in people]
    admit_run, taken, sent, number, detections = FixFilter.admit_run, 0, 0, 0, 0

    def counted(self: FixFilter, *args: Any) -> list[float]:
        nonlocal taken
        times = admit_run(self, *args)
        taken += len(times)
        return times

    monkeypatch.setattr(FixFilter, "admit_run", counted)
    while sent < FIXES:
        number += 1
        clock.set(
            Reading(0.0, clock.timestamp() + rng.choice((0.05, 0.3, 1.0, 3.0, 400.0 if number % 97 == 0 else 1.0)), 0.0)
        )
        phone = rng.choice(phones)
        if rng.random() < 0.05:
            change_jobs(rng, phone, sides, clock.timestamp(), number)
        rows = phone.rows(clock.timestamp())
        sent += len(rows)
        says_when = rng.random() < 0.3
        sent_at_ms = (clock.timestamp() - phone.behind_s - 0.2) * 1000.0 if says_when else None
        device = rng.choice(("a", "a", "a", "b"))
        told = short.report(phone.person.id, as_decoded(rows), sent_at_ms, device)
        with monkeypatch.context() as only_long:
            only_long.setattr(FixFilter, "admit_run", lambda *_: [])
            assert told == long.report(phone.person.id, rows, sent_at_ms, device), f"frame {number}"
        here, there = short.state(phone.person), long.state(phone.person)
        assert here == there, f"frame {number}"
        detections += len(here[2])
    assert taken > 0.2 * sent, f"{taken} of {sent} took the short way"
    assert short.tracker.admitted > 0.5 * sent and detections > sent / 2_000
    assert {"clock", "decode"} <= short.tracker.dropped.keys() and len(short.tracker.degraded) == 3
