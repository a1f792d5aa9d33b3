"""Arrival: real ones are seen once, and passing by, noise and a wandering fix at the door are not taken for
it."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest

from geo.arrival import (
    DEFAULT_LINES,
    LADDER,
    Advance,
    Approach,
    Best,
    Patience,
    Progress,
    Rung,
    advance,
    far_box,
    likely_distance_m,
    look,
    skim,
)
from geo.filter import Fix
from geo.geodesy import bearing_deg, destination, haversine_m
from tests.geo import plain_arrival

DOOR = (22.5726, 88.3639)


def at(at_s: float, metres: float, accuracy_m: float = 8.0, bearing: float = 270.0) -> Fix:
    """A fix so far from the door; negative metres are beyond it."""
    return Fix(at_s, *destination(*DOOR, bearing, metres), accuracy_m)


def follow(fixes: Iterable[Fix], approach: Approach | None = None) -> list[Advance]:
    approach, steps = approach or Approach(), []
    for fix in fixes:
        steps.append(advance(approach, fix, *DOOR))
        approach = steps[-1].approach
    return steps


def reached(steps: list[Advance]) -> list[Rung]:
    return [step.reached for step in steps if step.reached]


def test_the_ladder_is_climbed_once_in_order() -> None:
    drive = [at(t * 5, max(3.0, 2_000 - t * 40)) for t in range(60)]
    steps = follow(drive)
    assert reached(steps) == list(LADDER)
    where = {step.reached: step.distance_m for step in steps if step.reached}
    assert where[Rung.ON_THE_WAY] == pytest.approx(1_920, abs=1)
    assert 400 < where[Rung.NEAR] <= 500
    assert 40 < where[Rung.ARRIVING] <= 100
    assert where[Rung.ARRIVED] <= 40
    assert steps[-1].approach.inside


def test_who_stands_on_a_line_has_met_it() -> None:
    first, fix = at(0, 900), at(60, 300)
    distance_m = haversine_m(fix.lat, fix.lng, *DOOR)
    passed_m = likely_distance_m(distance_m, fix.accuracy_m)
    came_m = haversine_m(first.lat, first.lng, *DOOR) - distance_m - fix.accuracy_m
    alone, coming = Approach(), advance(Approach(), first, *DOOR).approach
    for approach, line, met, short, rung in (
        (alone, "near_m", passed_m, 0.0, Rung.NEAR), (alone, "arriving_m", passed_m, 0.0, Rung.ARRIVING),
        (coming, "on_the_way_m", came_m, math.inf, Rung.ON_THE_WAY),
    ):  # fmt: skip
        others = {"near_m": 1.0, "segment_s": 0.0} if line == "on_the_way_m" else {}
        for at_m, wanted in ((met, True), (math.nextafter(met, short), False)):
            lines = replace(DEFAULT_LINES, **{**others, line: at_m})
            assert (advance(approach, fix, *DOOR, lines).reached is rung) is wanted, line


def test_patience_ends_just_after_its_last_moment() -> None:
    best, p = Best(1_000.0, 0.0), Patience()
    for distance_m, fix_at_s, now_s, progress in (
        (1_000.0, 0.0, p.dark_s, Progress.PROGRESSING), (1_000.0, 0.0, p.dark_s + 0.1, Progress.DARK),
        (1_000.0, 600.0, p.stalled_s, Progress.PROGRESSING), (1_000.0, 600.0, p.stalled_s + 0.1, Progress.STALLED),
        (1_000.0 - p.progress_m, 700.0, 700.0, Progress.PROGRESSING),
        (1_000.1 - p.progress_m, 700.0, 700.0, Progress.STALLED),
        (1_000.0 + p.away_m, 1.0, 1.0, Progress.MOVING_AWAY), (999.9 + p.away_m, 1.0, 1.0, Progress.PROGRESSING),
    ):  # fmt: skip
        assert look(best, distance_m, fix_at_s, now_s)[1] is progress, (distance_m, now_s)
    near = Best(p.there_m, 0.0)
    assert look(near, p.there_m, 700.0, 700.0)[1] is Progress.PROGRESSING, "at the place itself nobody need come nearer"
    assert look(near, p.there_m + 0.1, 700.0, 700.0)[1] is Progress.STALLED


def test_an_arrival_needs_three_fixes_over_ten_seconds() -> None:
    ride = [at(0, 300), at(15, 120)]
    assert Rung.ARRIVED not in reached(follow([*ride, at(30, 10), at(31, 10), at(32, 10)]))
    assert Rung.ARRIVED not in reached(follow([*ride, at(30, 10), at(45, 11)]))
    assert reached(follow([*ride, at(30, 10), at(36, 12), at(41, 9)]))[-1] is Rung.ARRIVED


def test_or_a_dwell_of_thirty_seconds() -> None:
    steps = follow([at(0, 300), at(30, 10), at(62, 12)])
    assert reached(steps)[-1] is Rung.ARRIVED


@pytest.mark.parametrize("speed_mps", [6.0, 10.0, 20.0])
@pytest.mark.parametrize("every_s", [1, 5, 15])
def test_driving_past_the_door_is_no_arrival(speed_mps: float, every_s: int) -> None:
    fixes = [at(t, 600 - t * speed_mps) for t in range(0, int(1_200 / speed_mps), every_s)]
    steps = follow(fixes)
    assert Rung.ARRIVED not in reached(steps)
    assert Rung.ARRIVING in reached(steps), "the way between two fixes passed the door"


def test_one_wild_fix_at_the_door_is_no_arrival() -> None:
    steps = follow([at(0, 900), at(15, 880), at(30, 5), at(45, 870), at(60, 860), at(100, 5), at(115, 850)])
    assert Rung.ARRIVED not in reached(steps)


def test_two_wild_fixes_far_apart_are_no_dwell() -> None:
    steps = follow([at(0, 90), at(5, 10), at(30, 85), at(60, 88), at(90, 10), at(95, 86)])
    assert Rung.ARRIVED not in reached(steps)


def test_vague_fixes_never_arrive() -> None:
    steps = follow(at(t * 10, 5, accuracy_m=50) for t in range(30))
    assert Rung.ARRIVED not in reached(steps)
    assert likely_distance_m(0, 50) == 50
    assert likely_distance_m(30, 40) == 50


def test_wandering_at_the_door_never_toggles() -> None:
    rng = random.Random(5)
    wander = [at(t * 5, abs(rng.gauss(0, 25)), 20, rng.uniform(0, 360)) for t in range(2_000)]
    steps = follow([at(-20, 200), *wander])
    assert [step.reached for step in steps].count(Rung.ARRIVED) == 1
    assert not any(step.left for step in steps)


def test_leaving_takes_three_sure_fixes_beyond_the_wider_line() -> None:
    here = follow([at(0, 10), at(10, 10), at(20, 10)])[-1].approach
    assert here.inside
    assert not any(step.left for step in follow([at(30, 95), at(40, 99), at(50, 90), at(60, 95)], here))
    assert not any(step.left for step in follow([at(30, 150, 60), at(40, 150, 60), at(50, 150, 60)], here))
    assert not any(step.left for step in follow([at(30, 200), at(40, 200), at(50, 20), at(60, 200)], here))
    gone = follow([at(30, 200), at(40, 250), at(50, 300)], here)
    assert [step.left for step in gone] == [False, False, True]
    assert not gone[-1].approach.inside
    again = follow([at(60, 100), at(70, 10), at(80, 10), at(90, 10)], gone[-1].approach)
    assert again[-1].approach.inside
    assert reached(again) == [], "each rung is told once"


def test_starting_at_the_door_skips_the_lower_rungs() -> None:
    steps = follow([at(0, 10), at(10, 10), at(20, 10)])
    assert reached(steps) == [Rung.ARRIVING, Rung.ARRIVED]


def test_noise_at_the_start_is_not_on_the_way() -> None:
    assert reached(follow([at(0, 5_000, 40), at(10, 4_930, 40), at(20, 4_940, 30)])) == []
    assert reached(follow([at(0, 5_000, 40), at(10, 4_900, 40)])) == [Rung.ON_THE_WAY]


def test_an_unknown_way_is_no_crossing() -> None:
    assert Rung.ARRIVING not in reached(follow([at(0, 800), at(61, -800)]))
    assert Rung.ARRIVING in reached(follow([at(0, 800), at(59, -800)]))


def test_an_older_fix_changes_nothing() -> None:
    steps = follow([at(0, 900), at(10, 800), at(5, 10)])
    assert steps[-1].approach == steps[-2].approach
    assert steps[-1].reached is None


def test_progress() -> None:
    best, progress = look(Best(), 3_000, 0, 0)
    assert (best, progress) == (Best(3_000, 0), Progress.PROGRESSING)
    assert look(best, 2_960, 60, 60) == (best, Progress.PROGRESSING)
    assert look(best, 2_950, 60, 60) == (Best(2_950, 60), Progress.PROGRESSING)
    assert look(best, 3_249, 60, 60)[1] is Progress.PROGRESSING
    assert look(best, 3_250, 60, 60) == (best, Progress.MOVING_AWAY)
    assert look(best, 2_980, 600, 600)[1] is Progress.PROGRESSING
    assert look(best, 2_980, 601, 601) == (best, Progress.STALLED)


def test_progress_in_the_dark_and_at_the_place() -> None:
    best = Best(3_000, 0)
    assert look(best, None, None, 60) == (best, Progress.DARK)
    assert look(best, None, 60, 60) == (best, Progress.PROGRESSING), "the place is not known"
    assert look(best, 2_000, 0, 180)[1] is Progress.PROGRESSING
    assert look(best, 2_000, 0, 181) == (best, Progress.DARK)
    assert look(Best(80, 0), 90, 5_000, 5_000)[1] is Progress.PROGRESSING, "who is there need not come nearer"


@pytest.mark.parametrize("door", [DOOR, (64.1, -21.9), (-33.9, 18.4), (0.0, 179.999), (89.5, 10.0)])
def test_it_is_the_plain_rules_and_the_short_way_is_the_long_one(door: tuple[float, float]) -> None:
    """Ways that come, wander at the door, pass it, cross near it from far, leave and jump, with every accuracy."""
    rng = random.Random(11)
    far, skimmed, told = far_box(*door), Counter[bool](), Counter[Rung | None]()
    for _ in range(20):
        approach, memory, at_s = Approach(), plain_arrival.Memory(), 0.0
        place = destination(*door, rng.uniform(0, 360), rng.choice((60.0, 700.0, 900.0, 3_000.0)))
        for _ in range(120):
            at_s += rng.choice((0.0, 0.5, 1.0, 3.0, 5.0, 12.0, 70.0, -2.0))
            home_m = haversine_m(*place, *door)
            heading = bearing_deg(*place, *door) if rng.random() < 0.8 else rng.uniform(0, 360)
            move_m = rng.choice(
                (0.0, 3.0, 15.0, 60.0, home_m, home_m * 0.7, 2 * home_m, 900.0 if rng.random() < 0.2 else 8.0)
            )
            place = destination(*place, heading, move_m)
            fix = Fix(at_s, *place, rng.choice((0.0, 5.0, 8.0, 25.0, 50.0)))
            plain = plain_arrival.advance(memory, fix, *door)
            step = advance(approach, fix, *door)
            short = skim(approach, fix, far, *door) if far is not None else None
            if short is not None:
                skimmed[approach.rung is None] += 1
                assert short == step.approach and step.reached is None and not step.left
            assert (tuple(step.approach), *step[1:]) == (
                tuple(vars(plain.memory).values()), plain.distance_m, plain.reached, plain.left
            )  # fmt: skip
            approach, memory = step.approach, plain.memory
            told[step.reached] += 1
    assert set(told) == {None, *Rung}
    assert far is None or (skimmed[False] > 50 and skimmed[True] > 5), skimmed
