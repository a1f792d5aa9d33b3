"""All that the way of a ping needs of one technician: theirs alone, begun anew when they leave."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from dispatch.clock import Clock, Reading
from dispatch.errors import NotAllowed
from storage.offers import OpenJob
from tests.dispatch.live.drives import START_S, Side, people_of


def row(north_m: float, late_s: float = 0.0) -> list[float]:
    return [(START_S - late_s) * 1000.0, 22.5 + north_m / 111_195, 88.25, 5.0, 8.0, 90.0]


def test_who_comes_back_begins_anew() -> None:
    clock = Clock(Reading(0.0, START_S, 0.0))
    one, other = people_of(2)
    tracker = Side(clock, [one, other]).tracker
    for person in (one, other):
        assert tracker.report(person.id, [row(0, 60.0)], device="a").clock_offset_ms == 60_000
    tracker.know(replace(one, is_active=False))
    with pytest.raises(NotAllowed):
        tracker.report(one.id, [row(10)])
    assert tracker.find(one.no) is None and one.no not in tracker.fleet
    tracker.know(one)
    # Neither the place nor the phone's clock is known any more: a jump from there is none.
    assert tracker.report(one.id, [row(50_000)], device="a") == (1, 0, {}, 0, 0)
    assert tracker.report(other.id, [row(50_000, 59.0)], device="a").clock_offset_ms == 59_000
    assert dict(tracker.degraded) == {"jump": 1}


def test_jobs_are_those_of_now() -> None:
    """The list that a reporter holds is the one that arrivals keeps, however often it was empty."""
    clock = Clock(Reading(0.0, START_S, 0.0))
    (person,) = people_of(1)
    side = Side(clock, [person])
    tracker, jobs = side.tracker, side.tracker.arrivals.of(person.id)
    starts_at = datetime.fromtimestamp(START_S, UTC)
    for number in range(2):
        ids = [UUID(int=10 + number), UUID(int=20 + number), person.id]
        job = OpenJob(*ids, "in_transit", UUID(int=5), 22.6, 88.25, starts_at, starts_at, False)
        tracker.learn_job(job)
        assert [tracked.row for tracked in jobs] == [job]
        tracker.report(person.id, [row(20.0 * number, -number)])
        assert [told for _, told in side.seen] == [job]
        side.seen.clear()
        tracker.forget_job(job.booking_id)
        assert not jobs
        tracker.report(person.id, [row(20.0 * number + 10.0, -number - 0.5)])
        assert not side.seen
        clock.set(Reading(0.0, START_S + 1.0, 0.0))
