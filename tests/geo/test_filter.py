"""Each step of the fix filter by itself, their order, and a real city's taxis through all of them."""

from __future__ import annotations

import csv
import json
import math
import random
from collections import Counter

import pytest

from geo.filter import DEFAULT_RULES, Fix, FixFilter, Kind, Ping, Step, Verdict, complaints, read_ping
from geo.geodesy import destination
from tests.geo.shared_data import real_file

HOME = (22.5726, 88.3639)
NOW = 1_800_000_000.0


def ping(at_s: float, place: tuple[float, float] = HOME, accuracy_m: float | None = 10.0) -> Ping:
    return Ping((NOW + at_s) * 1000, *place, accuracy_m)


def east(metres: float) -> tuple[float, float]:
    return destination(*HOME, 90, metres)


def test_a_clean_fix() -> None:
    verdict = FixFilter().admit(Ping(NOW * 1000, *HOME, 8.0, 3.5, 270.0), NOW + 2)
    assert verdict.kind is Kind.ADMITTED
    assert verdict.fix == Fix(NOW, *HOME, 8.0, 3.5, 270.0)
    assert (verdict.step, verdict.decidable, verdict.dispatchable) == (None, True, True)


@pytest.mark.parametrize(
    "bad",
    [Ping(NOW * 1000, math.nan, 0), Ping(NOW * 1000, 0, 181), Ping(math.nan, 0, 0), Ping(math.inf, 0, 0)],
)
def test_what_is_no_position_is_dropped_without_trace(bad: Ping) -> None:
    filter_ = FixFilter()
    assert filter_.admit(bad, NOW).step is Step.DECODE
    assert filter_.last is None
    assert filter_.admit(ping(-100), NOW).kind is Kind.ADMITTED


def test_older_and_equal_times_are_dropped() -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0), NOW)
    for late in (0.0, -1.0, -1e6):
        verdict = filter_.admit(ping(late, east(30)), NOW + 5)
        assert (verdict.kind, verdict.step, verdict.fix) == (Kind.DROPPED, Step.CLOCK, None)
    assert filter_.last == Fix(NOW, *HOME, 10.0)


def test_what_is_just_sharp_enough_or_just_young_enough_counts() -> None:
    rules = DEFAULT_RULES
    for accuracy_m, decidable, dispatchable in (
        (rules.decidable_accuracy_m, True, True), (rules.decidable_accuracy_m + 0.5, False, True),
        (rules.dispatchable_accuracy_m, False, True), (rules.dispatchable_accuracy_m + 0.5, False, False),
    ):  # fmt: skip
        verdict = FixFilter().admit(ping(0, HOME, accuracy_m), NOW)
        assert (verdict.decidable, verdict.dispatchable) == (decidable, dispatchable), accuracy_m
    assert FixFilter().admit(ping(-rules.max_age_s), NOW).kind is Kind.ADMITTED
    assert FixFilter().admit(ping(-rules.max_age_s - 0.5), NOW).step is Step.CLOCK


def test_the_future_is_now() -> None:
    filter_ = FixFilter()
    verdict = filter_.admit(ping(86_400 * 365), NOW)
    assert verdict.fix is not None
    assert verdict.fix.at_s == NOW
    # The clock was put right: the next honest time is not "older than a year ahead".
    assert filter_.admit(ping(5, east(30)), NOW + 5).kind is Kind.ADMITTED


def test_a_batch_from_a_fast_clock_keeps_its_order() -> None:
    filter_ = FixFilter()
    verdicts = [filter_.admit(ping(3600 + n * 15, east(n * 200)), NOW) for n in range(5)]
    assert [verdict.kind for verdict in verdicts] == [Kind.ADMITTED] * 5
    assert all(verdict.dispatchable and verdict.fix and verdict.fix.at_s == NOW for verdict in verdicts)
    assert filter_.admit(ping(3600, east(0)), NOW).step is Step.CLOCK


@pytest.mark.parametrize(
    ("accuracy_m", "decidable", "dispatchable", "step"),
    [
        (50.0, True, True, None),
        (50.1, False, True, Step.ACCURACY),
        (200.0, False, True, Step.ACCURACY),
        (200.1, False, False, Step.ACCURACY),
        (None, True, True, None),
    ],
)
def test_accuracy(accuracy_m: float | None, decidable: bool, dispatchable: bool, step: Step | None) -> None:
    verdict = FixFilter().admit(ping(0, accuracy_m=accuracy_m), NOW)
    assert verdict.kind is Kind.ADMITTED
    assert (verdict.decidable, verdict.dispatchable, verdict.step) == (decidable, dispatchable, step)


@pytest.mark.parametrize("accuracy_m", [-1.0, math.nan, math.inf, None])
def test_an_accuracy_that_says_nothing_counts_as_unsaid(accuracy_m: float | None) -> None:
    verdict = FixFilter().admit(ping(0, accuracy_m=accuracy_m), NOW)
    assert (verdict.kind, verdict.decidable) == (Kind.ADMITTED, True)
    assert verdict.fix is not None
    assert verdict.fix.accuracy_m == DEFAULT_RULES.assumed_accuracy_m


def test_standing_still_refreshes_and_a_slow_walk_adds_up() -> None:
    filter_ = FixFilter()
    kinds = [filter_.admit(ping(n, east(n * 2)), NOW + n).kind for n in range(6)]
    a, r = Kind.ADMITTED, Kind.REFRESHED
    assert kinds == [a, r, r, a, r, r]
    verdict = filter_.admit(ping(9, east(6.5)), NOW + 9)
    assert (verdict.kind, verdict.step, verdict.decidable) == (r, Step.DUPLICATE, True)
    assert verdict.fix is not None
    assert verdict.fix.at_s == NOW + 9


def test_a_better_fix_of_the_same_place_is_admitted() -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0, accuracy_m=80), NOW)
    assert filter_.admit(ping(1, accuracy_m=8), NOW + 1).kind is Kind.ADMITTED
    assert filter_.admit(ping(2, accuracy_m=7), NOW + 2).kind is Kind.REFRESHED


def test_one_wild_fix_is_forgotten() -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0), NOW)
    wild = filter_.admit(ping(10, east(3_000)), NOW + 10)
    assert (wild.kind, wild.step) == (Kind.ADMITTED, Step.JUMP)
    assert not wild.decidable
    assert not wild.dispatchable
    back = filter_.admit(ping(20, east(50)), NOW + 20)
    assert (back.step, back.decidable, back.dispatchable) == (None, True, True)


def test_a_new_place_settles_after_three_fixes_that_agree() -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0), NOW)
    verdicts = [filter_.admit(ping(1 + n, east(50_000 + n * 20)), NOW + 60) for n in range(4)]
    assert [verdict.dispatchable for verdict in verdicts] == [False, False, True, True]
    assert [verdict.step for verdict in verdicts] == [Step.JUMP, Step.JUMP, None, None]


def test_what_those_who_wait_may_see() -> None:
    """An unsettled jump is shown to nobody who waits, nor is a cell mast that cannot be where they are."""
    filter_ = FixFilter()
    assert filter_.admit(ping(0), NOW).believed
    assert not filter_.admit(ping(10, east(23_000)), NOW + 10).believed
    assert filter_.admit(ping(20, east(60)), NOW + 20).believed
    assert filter_.admit(ping(30, east(90), accuracy_m=120), NOW + 30).believed
    assert filter_.admit(ping(40, east(1_500), accuracy_m=2_000), NOW + 40).believed
    assert not filter_.admit(ping(50, east(23_000), accuracy_m=2_000), NOW + 50).believed


def test_a_position_that_never_settled_elsewhere_is_not_trusted_here() -> None:
    spike = Fix(NOW, *east(23_000), 10.0)
    assert FixFilter(spike, is_trusted=False).admit(ping(5), NOW + 5).dispatchable
    assert not FixFilter(spike).admit(ping(5), NOW + 5).dispatchable


def test_the_offset_of_a_clock_is_added_before_anything_is_judged() -> None:
    filter_ = FixFilter()
    assert filter_.admit(ping(-7200), NOW, 7200.0).fix == Fix(NOW, *HOME, 10.0)
    late = filter_.admit(ping(7210, east(40)), NOW + 12, -7200.0)
    assert late.fix is not None
    assert late.fix.at_s == NOW + 10


def test_an_estimate_that_shrinks_loses_nothing() -> None:
    """The first frame was thought to be of now and was half a minute old: what the phone took later is still newer."""
    filter_ = FixFilter()
    assert filter_.admit(ping(-30), NOW, 30.0).kind is Kind.ADMITTED
    verdicts = [filter_.admit(ping(-30 + n * 5, east(n * 40)), NOW + 1, 1.0) for n in range(1, 7)]
    assert [v.kind for v in verdicts] == [Kind.ADMITTED] * 6
    assert [v.fix.at_s - NOW for v in verdicts if v.fix] == [0, 0, 0, 0, 0, 1]
    assert all(v.decidable for v in verdicts)
    # What is older by the phone too, or by far, is old.
    assert filter_.admit(ping(-1, east(300)), NOW + 2, 1.0).step is Step.CLOCK
    assert filter_.admit(ping(2, east(300)), NOW + 2, -100.0).step is Step.CLOCK


T = int(NOW * 1000)
GOOD = [T, 22.5, 88.3, 8.0, 3.5, 270.0]


@pytest.mark.parametrize(
    ("row", "ping_"),
    [
        (GOOD, Ping(T, 22.5, 88.3, 8.0, 3.5, 270.0)),
        ([T, 22.5, 88.3, 10, -1, -1], Ping(T, 22.5, 88.3, 10.0, None, None)),
        ([T, 22.5, 88.3, -1, None, None], Ping(T, 22.5, 88.3)),
        ([T, 22.5, 88.3, None, 1850, 90], Ping(T, 22.5, 88.3, None, None, 90.0)),
        ([T, 22.5, 88.3, "8", True, []], Ping(T, 22.5, 88.3)),
        ([T, 22.5, 88.3, math.nan, math.inf, 360.5], Ping(T, 22.5, 88.3)),
        ([T, 22.5, 88.3, 100_001, 1_000, 360], Ping(T, 22.5, 88.3, None, 1000.0, 360.0)),
        ([T + 0.25, 22, 88], Ping(T + 0.25, 22.0, 88.0)),
        ([T, 0, 88.3, 0], Ping(T, 0.0, 88.3, 0.0)),
        ((T, -90, -180, 8.0), Ping(T, -90.0, -180.0, 8.0)),
    ],
)
def test_an_invalid_optional_value_is_as_if_absent(row: object, ping_: Ping) -> None:
    assert read_ping(row) == ping_
    assert complaints(row) == {}


@pytest.mark.parametrize(
    ("row", "places"),
    [
        ([T, 91.0, 88.3, 8.0], {"1"}),
        ([T, 22.5, -180.1, 8.0], {"2"}),
        (["now", None, True, 8.0], {"0", "1", "2"}),
        ([-1, 22.5, 88.3], {"0"}),
        ([10**14, 22.5, 88.3], {"0"}),
        ([10**400, 22.5, 88.3], {"0"}),
        ([T, math.nan, math.inf], {"1", "2"}),
        ([T, 0, 0.0, 5, 0, 0], {"1"}),
        ([T, 22.5], {""}),
        ([*GOOD, 1], {""}),
        ([], {""}),
        (None, {""}),
        ({"lat": 1}, {""}),
        ("abc", {""}),
    ],
)
def test_a_row_without_time_or_place_is_no_fix(row: object, places: set[str]) -> None:
    assert read_ping(row) is None
    assert complaints(row).keys() == places


def test_who_keeps_jumping_never_settles() -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0), NOW)
    for n in range(1, 40):
        place = destination(*HOME, n * 77 % 360, 40_000 + n * 5_000)
        assert not filter_.admit(ping(n, place), NOW + n).dispatchable


def test_settling_by_standing_still_counts_the_duplicates() -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0), NOW)
    verdicts = [filter_.admit(ping(n, east(9_000)), NOW + n) for n in (1, 2, 3)]
    assert [verdict.kind for verdict in verdicts] == [Kind.ADMITTED, Kind.REFRESHED, Kind.REFRESHED]
    assert [verdict.dispatchable for verdict in verdicts] == [False, False, True]


@pytest.mark.parametrize(
    ("metres", "seconds", "believed"),
    [
        (400.0, 10.0, True),  # 144 km/h
        (445.0, 10.0, False),  # 153 km/h after 20 m of noise
        (60_000.0, 299.0, False),
        (60_000.0, 301.0, True),  # after a long gap speed says nothing
        (55.0, 0.01, True),  # two stamps of one burst
    ],
)
def test_the_line_between_driving_and_jumping(metres: float, seconds: float, believed: bool) -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0), NOW)
    assert filter_.admit(ping(seconds, east(metres)), NOW + seconds).dispatchable is believed


def test_a_cell_mast_neither_jumps_nor_is_jumped_from() -> None:
    filter_ = FixFilter()
    filter_.admit(ping(0), NOW)
    mast = filter_.admit(ping(5, east(5_000), accuracy_m=2_000), NOW + 5)
    assert (mast.step, mast.dispatchable) == (Step.ACCURACY, False)
    assert filter_.admit(ping(10, east(20)), NOW + 10).dispatchable


def test_it_goes_on_from_the_position_before_a_restart() -> None:
    filter_ = FixFilter(Fix(NOW, *HOME, 10.0))
    assert filter_.admit(ping(-1), NOW + 1).step is Step.CLOCK
    assert filter_.admit(ping(2), NOW + 2).kind is Kind.REFRESHED
    assert filter_.admit(ping(3, east(9_000)), NOW + 3).step is Step.JUMP


def test_anything_gets_one_of_the_named_answers() -> None:
    rng = random.Random(3)
    filter_ = FixFilter()
    newest = -math.inf
    for _ in range(5_000):
        weird = rng.choice([math.nan, math.inf, -math.inf, 1e308, -1.0])
        place = rng.choice([HOME, east(rng.uniform(0, 1e5)), (weird, 0.0), (0.0, weird)])
        accuracy = rng.choice([None, rng.uniform(0, 400), weird])
        now = NOW + rng.uniform(0, 1_000)
        t_ms = rng.choice([weird, (NOW + rng.uniform(-500, 5_000)) * 1000])
        verdict = filter_.admit(Ping(t_ms, *place, accuracy), now)
        assert (verdict.fix is None) == (verdict.kind is Kind.DROPPED)
        assert not (verdict.decidable and not verdict.dispatchable)
        if verdict.fix:
            assert newest <= verdict.fix.at_s <= now
            newest = verdict.fix.at_s


def test_real_taxis_pass() -> None:
    """Porto, 1 July 2013: a point each 15 s. Honest drives are admitted, the trace's own gaps are what
    jumps."""
    steps: Counter[str] = Counter()
    total = 0
    with real_file("porto_taxi_trips_1k.csv").open() as lines:
        for trip in csv.DictReader(lines):
            filter_, start = FixFilter(), float(trip["TIMESTAMP"])
            for n, (lng, lat) in enumerate(json.loads(trip["POLYLINE"])):
                at_s = start + n * 15
                verdict = filter_.admit(Ping(at_s * 1000, lat, lng), at_s + 1)
                assert verdict.kind is not Kind.DROPPED
                steps[verdict.step or "clean"] += 1
                total += 1
    assert total > 40_000
    assert steps["clean"] + steps["duplicate"] > 0.98 * total
    assert steps["duplicate"] > 1_000, "taxis stand at lights"
    assert 0 < steps["jump"] < 0.02 * total, "the data has its known breaks, and few"


def test_the_short_way_is_the_same_way() -> None:
    """Drives, stops, jumps, vague fixes, silences, clocks ahead and behind, poles and the antimeridian: what the short
    way takes, the long one says the same of, and what follows is judged alike."""
    rng = random.Random(7)
    short, long, taken, lat, lng, device_s, now_s = FixFilter(), FixFilter(), 0, *HOME, NOW, NOW
    for n in range(5_000):
        if n % 150 == 0:
            short, long = FixFilter(), FixFilter()
            lat, lng = rng.choice((HOME, HOME, (69.99, 20.0), (70.05, -179.9999), (0.0, 179.9999), (89.9, 0.0)))
        pings, offset_s = [], rng.choice((0.0, 0.0, 0.0, 1.5, -2.0))
        for _ in range(rng.choice((1, 1, 3, 10))):
            device_s += rng.choice((0.0, 0.001, 0.5, 1.0, 1.0, 2.0, 5.0, -3.0, 400.0 if rng.random() < 0.05 else 1.0))
            step_m = rng.choice((0.0, 2.0, 4.99, 5.0, 5.01, 5.2, 12.0, 12.0, 12.0, 41.0, 51.0, 150.0, 5_000.0))
            lat, lng = destination(lat, lng, rng.choice((0, 90, rng.uniform(0, 360))), step_m)
            accuracy_m = rng.choice((None, 0.0, 5.0, 5.0, 5.0, 30.0, 50.0, 50.01, 90.0, 199.0, 201.0, 3000.0))
            pings.append(Ping(device_s * 1000.0, lat, lng, accuracy_m, rng.choice((None, 8.0)), None))
        now_s = max(now_s, device_s + rng.choice((-20.0, 0.0, 0.2, 3.0)))
        at = 0
        while at < len(pings):
            times = short.admit_run(pings, at, now_s, offset_s)
            for at_s in times:
                fix = Fix(at_s, *pings[at][1:])
                assert long.admit(pings[at], now_s, offset_s) == Verdict(Kind.ADMITTED, fix, None, True, True, True)
                at += 1
            taken += len(times)
            assert short.last == long.last and short.newest_s == long.newest_s
            if at < len(pings):
                assert short.admit(pings[at], now_s, offset_s) == long.admit(pings[at], now_s, offset_s)
                at += 1
    assert taken > 500
