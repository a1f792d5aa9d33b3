"""The ping's short way is its long one: two trackers, the same frames, and nothing that tells them apart.

DISPATCH_FIXES=1000000 runs it over a million fixes.
"""

from __future__ import annotations

import os
import random
from typing import Any, cast

import pytest

from dispatch.clock import Clock, Reading
from geo.filter import FixFilter, read_ping
from tests.dispatch.live.drives import START_S, Phone, Side, change_jobs, people_of

FIXES = int(os.environ.get("DISPATCH_FIXES", "20000"))


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
