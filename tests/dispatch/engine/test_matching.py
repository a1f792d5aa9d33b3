"""Matching is a pure function: filters in order, stable reasons, a score, fair ties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest

from dispatch.engine.matching import PLACES, Candidate, Job, Policy, Weights, rank, refusal, score
from dispatch.live.hours import Hours, hours_of

ZONE = uuid4()


def daily(start: str, end: str, days: Sequence[int] = range(1, 8)) -> Hours:
    return hours_of({"start": start, "end": end, "days": days})


JOB = Job(
    uuid4(), uuid4(), frozenset({"Facial"}), frozenset({"Minimal"}), frozenset({ZONE}),
    datetime(2026, 1, 5, 10, tzinfo=UTC), datetime(2026, 1, 5, 11, tzinfo=UTC), True,
)  # fmt: skip
GOOD = Candidate(
    id=uuid4(), no=1, categories=frozenset({"Facial", "Hair"}), tiers=frozenset({"Minimal"}), zone_id=ZONE,
    hours=daily("08:00", "20:00"), radius_m=8000, rating=4.5, cancellation_rate=0.0,
    idle_s=600, distance_m=1000, fix_age_s=5,
)  # fmt: skip
POLICY = Policy()


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("offline", {"is_online": False}),
        ("stale_fix", {"fix_age_s": 91.0}),
        ("stale_fix", {"fix_age_s": None}),
        ("stale_fix", {"is_dispatchable": False}),
        ("no_position", {"distance_m": None}),
        ("category", {"categories": frozenset({"Hair"})}),
        ("tier", {"tiers": frozenset({"E-Lite"})}),
        ("not_verified", {"is_verified": False}),
        ("outside_radius", {"distance_m": 8001.0}),
        ("outside_radius", {"distance_m": 10_001.0, "radius_m": 50_000}),
        ("outside_zone", {"zone_id": uuid4()}),
        ("working_hours", {"hours": daily("11:00", "20:00")}),
        ("working_hours", {"hours": daily("08:00", "20:00", [2])}),
        ("working_hours", {"hours": replace(daily("08:00", "20:00"), days_off=frozenset({date(2026, 1, 5)}))}),
        ("busy_then", {"is_busy_then": True}),
        ("rating", {"rating": 3.99}),
        ("already_tried", {"was_tried": True}),
        ("offer_open", {"has_open_offer": True}),
        ("org_rule", {"is_allowed_by_organisation": False}),
        ("blocked", {"is_blocked": True}),
        ("blocked", {"is_active": False}),
    ],
)
def test_each_filter_has_its_reason(reason: str, change: dict[str, object]) -> None:
    assert refusal(replace(GOOD, **change), JOB, POLICY) == reason


def test_the_good_one_passes_and_the_first_reason_wins() -> None:
    assert refusal(GOOD, JOB, POLICY) is None
    assert refusal(replace(GOOD, is_online=False, is_blocked=True, rating=1.0), JOB, POLICY) == "offline"


def test_later_jobs_do_not_ask_for_presence() -> None:
    later = replace(JOB, is_live=False)
    assert refusal(replace(GOOD, is_online=False, fix_age_s=None), later, POLICY) is None


def test_unrated_technicians_can_be_matched() -> None:
    newcomer = replace(GOOD, rating=None)
    assert refusal(newcomer, JOB, POLICY) is None
    assert score(newcomer, POLICY)[1]["rating"] == 0.0


def test_zone_matters_only_where_both_have_one() -> None:
    assert refusal(replace(GOOD, zone_id=None), JOB, POLICY) is None
    assert refusal(GOOD, replace(JOB, zones=frozenset()), POLICY) is None
    # Where it was booked in one zone and lies in another one now, those of both may come.
    assert refusal(GOOD, replace(JOB, zones=frozenset({uuid4(), ZONE})), POLICY) is None


def test_a_job_over_midnight_is_for_those_who_work_then() -> None:
    ends = datetime(2026, 1, 6, 1, tzinfo=UTC)
    late = replace(JOB, local_start=datetime(2026, 1, 5, 23, tzinfo=UTC), local_end=ends)
    assert refusal(GOOD, late, POLICY) == "working_hours"
    assert refusal(replace(GOOD, hours=daily("18:00", "02:00")), late, POLICY) is None


def test_a_score_has_no_noise() -> None:
    for metres in range(1, 9_000, 37):
        odd = replace(GOOD, distance_m=float(metres), idle_s=metres / 7, cancellation_rate=metres / 9_001, rating=4.3)
        total, parts = score(odd, POLICY)
        assert all(value == round(value, PLACES) for value in (total, *parts.values()))


def test_each_part_of_the_score_counts() -> None:
    base, parts = score(GOOD, POLICY)
    assert parts == {"distance": 0.9, "rating": 0.5, "availability": round(600 / 7200, PLACES), "reliability": 1.0}
    for change in ({"distance_m": 500}, {"rating": 4.9}, {"idle_s": 3600}):
        assert score(replace(GOOD, **change), POLICY)[0] > base
    assert score(replace(GOOD, cancellation_rate=0.3), POLICY)[0] < base


def test_best_first_then_the_refused_by_distance() -> None:
    near, far = replace(GOOD, id=uuid4(), no=2, distance_m=100), replace(GOOD, id=uuid4(), no=3, distance_m=5000)
    refused = replace(GOOD, id=uuid4(), no=4, distance_m=50, rating=1.0)
    nowhere = replace(GOOD, id=uuid4(), no=5, distance_m=None)
    order = rank([nowhere, far, refused, near], JOB, POLICY)
    assert [j.candidate.no for j in order] == [2, 3, 4, 5]
    assert [j.reason for j in order] == [None, None, "rating", "no_position"]


def test_ties_go_to_the_one_idle_longest_then_to_the_lower_number() -> None:
    policy = Policy(weights=Weights(1, 0, 0, 0))
    a, b, c = (replace(GOOD, id=UUID(int=n), no=n, idle_s=idle) for n, idle in ((3, 100), (2, 100), (1, 50)))
    assert [j.candidate.no for j in rank([a, b, c], JOB, policy)] == [2, 3, 1]


def test_the_same_input_gives_the_same_order_whatever_its_order() -> None:
    many = [replace(GOOD, id=UUID(int=n), no=n, distance_m=(n * 37) % 900, idle_s=n % 3) for n in range(1, 60)]
    assert rank(many, JOB, POLICY) == rank(list(reversed(many)), JOB, POLICY)
