"""Trackers side by side, and phones that drive, stand, jump, come to doors and tell it in every way."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from dispatch.bus import LocalBus
from dispatch.clock import Clock
from dispatch.live.devices import Devices
from dispatch.live.hours import Hours
from dispatch.live.reports import Report, Seen, Unreadable
from dispatch.live.roster import Roster, Technician
from dispatch.live.tracking import Tracker
from dispatch.live.zones import ZoneBook
from geo.geodesy import bearing_deg, destination
from storage import history
from storage.database.pool import Pool
from storage.offers import OpenJob
from tests.world import KOLKATA

START_S = 1_767_600_000.0
STATES = ("accepted", "in_transit", "in_transit", "in_transit", "arrived", "in_progress")


class Notes:
    """In the trail's place: what was left behind, in order."""

    def __init__(self) -> None:
        self.packed, self.lates, self.lasts = history.Packed(), list[Any](), list[Seen]()

    def points(self, no: int, times: Sequence[float], samples: list[history.Sample]) -> None:
        self.packed.add(no, times, samples)

    def rows(self, rows: list[bytes], times: Sequence[float]) -> None:
        self.packed.add_rows(rows, times[0], times[-1])

    def late(self, *point: Any) -> None:
        self.lates.append(point)

    def moved(self, seen: Seen) -> None:
        self.lasts.append(replace(seen))

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
    """Drives, stands, jumps and comes to doors; its clock is ahead or behind, its batches come in any order.

    Every second one is steady: most of its batches are clean throughout.
    """

    def __init__(self, rng: random.Random, person: Technician) -> None:
        self.rng, self.person = rng, person
        self.place = destination(*KOLKATA, rng.uniform(0, 360), rng.uniform(0, 5_000))
        self.heading = rng.uniform(0, 360)
        self.door: tuple[float, float] | None = None
        self.behind_s = rng.choice((0.0, 0.0, 0.4, 40.0, 3_600.0, -3.0, -45.0, -7_200.0))
        self.usual_m = rng.choice((5.0, 8.0, 8.0, 30.0, 49.0))
        self.stands, self.is_steady, self.reported_s = False, person.no % 2 == 0, START_S

    def rows(self, now_s: float) -> list[list[Any]]:
        rng, size = self.rng, self.rng.choice((1, 1, 1, 2, 5, 10, 30, 50))
        every_s = rng.choice((0.0005, 0.2, 1.0, 1.0, 5.0, 20.0 if rng.random() < 0.2 else 1.0))
        if self.is_steady:
            every_s = (now_s - self.reported_s) / size
        self.reported_s = now_s
        if rng.random() < 0.2:
            self.stands = not self.stands and (not self.is_steady or rng.random() < 0.1)
        found = []
        for n in range(size):
            self._move(every_s)
            at_s = (
                now_s
                - self.behind_s
                - (size - 1 - n) * every_s
                - (0.1 if self.is_steady else rng.choice((0.0, 0.1, 0.1, 2.0)))
            )
            accuracy = (
                self.usual_m
                if self.is_steady or rng.random() < 0.95
                else rng.choice((None, 0.0, 50.0, 50.1, 180.0, 900.0, -1.0))
            )
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
        metres = rng.uniform(5.1 if self.is_steady else 4.0, 15.0) * max(every_s, 1.0)
        if self.stands:
            metres = rng.choice((0.0, 1.0, 4.99, 5.01))
        elif rng.random() < (0.001 if self.is_steady else 0.01):
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
        changed = OpenJob(*ids, rng.choice(STATES), UUID(int=5), lat, lng, starts, starts, rng.random() < 0.1)
    phone.door = (changed.lat, changed.lng)
    for side in sides:
        side.tracker.learn_job(changed)
        if len(jobs) > 2:
            side.tracker.forget_job(jobs[0].booking_id)
