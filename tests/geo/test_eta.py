"""ETA: the straight line learns its speed, confidence fades, and the buffer keeps its bounds."""

from __future__ import annotations

import math

import pytest

from geo.eta import (
    CITY_SPEED_MPS,
    LEAST_CONFIDENCE,
    LONGEST_S,
    TRIP_MAX_MPS,
    TRIP_MIN_M,
    TRIP_MIN_MPS,
    TRIP_MIN_S,
    Eta,
    Point,
    StraightLine,
    confidence,
    travel_buffer_s,
)
from geo.geodesy import destination

HERE = Point(22.5726, 88.3639)


def away(metres: float) -> Point:
    return Point(*destination(*HERE, 45, metres))


def test_the_straight_line_is_made_longer_by_the_detour() -> None:
    eta = StraightLine(speed_mps=10.0, detour_factor=1.5).between(HERE, away(2_000), fix_age_s=30)
    assert isinstance(eta, Eta)
    assert eta.seconds == pytest.approx(300)
    assert eta.distance_m == pytest.approx(3_000)
    assert (eta.source, eta.fix_age_s) == ("straight_line", 30)


def test_what_may_be_told_and_what_can_be_learnt_has_its_borders() -> None:
    for seconds, sure, is_honest in (
        (LONGEST_S, LEAST_CONFIDENCE, True), (math.nextafter(LONGEST_S, math.inf), 1.0, False),
        (1.0, math.nextafter(LEAST_CONFIDENCE, 0.0), False),
    ):  # fmt: skip
        assert Eta(seconds, 1.0, sure, "a test").is_honest is is_honest
    for metres, seconds, is_learnt in (
        (TRIP_MIN_M, TRIP_MIN_S, True), (math.nextafter(TRIP_MIN_M, 0.0), TRIP_MIN_S, False),
        (TRIP_MIN_M, math.nextafter(TRIP_MIN_S, 0.0), False),
        (1_024.0 * TRIP_MAX_MPS, 1_024.0, True), (1_025.0 * TRIP_MAX_MPS, 1_024.0, False),
        (1_024.0 * TRIP_MIN_MPS, 1_024.0, True), (1_023.0 * TRIP_MIN_MPS, 1_024.0, False),
    ):  # fmt: skip
        assert StraightLine(detour_factor=1.0).observe(metres, seconds) is is_learnt, (metres, seconds)


def test_it_learns_the_speed_it_sees() -> None:
    line = StraightLine()
    assert line.speed_mps() == pytest.approx(CITY_SPEED_MPS)
    for _ in range(300):
        assert line.observe(4_000, 4_000 * 1.3 / 12.0)
    assert line.speed_mps() == pytest.approx(12.0, rel=0.15)
    assert line.estimate_m(1_000) == pytest.approx(1_300 / line.speed_mps())
    before = line.speed_mps()
    for _ in range(300):
        line.observe(4_000, 4_000 * 1.3 / 4.0)
    assert line.speed_mps() < before / 2, "the newest trips count most"


def test_each_hour_has_its_own_speed() -> None:
    line = StraightLine()
    for _ in range(200):
        line.observe(4_000, 4_000 * 1.3 / 4.0, hour=18)
        line.observe(4_000, 4_000 * 1.3 / 12.0, hour=3)
    assert line.speed_mps(18) < line.speed_mps() < line.speed_mps(3)
    assert line.speed_mps(12) == pytest.approx(line.speed_mps()), "an hour unseen leans on all hours"


@pytest.mark.parametrize(
    ("metres", "seconds"), [(100, 60), (5_000, 10), (500, 3_600), (90_000, 600), (float("nan"), 60)]
)
def test_what_was_no_trip_teaches_nothing(metres: float, seconds: float) -> None:
    line = StraightLine()
    assert not line.observe(metres, seconds)
    assert line.speed_mps() == CITY_SPEED_MPS


def test_confidence_falls_with_age_and_distance() -> None:
    line = StraightLine()
    fresh = line.between(HERE, away(500)).confidence
    assert 0.5 < fresh <= 0.6
    assert line.between(HERE, away(500), fix_age_s=120).confidence == pytest.approx(fresh / 2)
    assert line.between(HERE, away(20_000)).confidence == pytest.approx(0.3, rel=0.01)
    assert confidence(0.9, 0, 0) == 0.9
    assert confidence(0.9, -5, -5) == 0.9
    assert 0 <= confidence(0.9, 1e7, 1e6) < 0.001


def test_confidence_falls_with_a_wide_accuracy() -> None:
    line = StraightLine()
    sharp = line.between(HERE, away(500)).confidence
    assert line.between(HERE, away(500), accuracy_m=100).confidence == pytest.approx(sharp / 2)
    assert confidence(0.9, 0, 0, -5) == 0.9


@pytest.mark.parametrize(
    ("metres", "fix_age_s", "is_honest"),
    [
        (500, 0, True),
        (9_000, 60, True),
        (500, 600, False),
        (9_000_000, 0, False),
        (60_000, 0, True),
        (60_000, 90, False),
    ],
)
def test_nonsense_is_not_told(metres: float, fix_age_s: float, is_honest: bool) -> None:
    """Weeks to somewhere across the world, or a guess from where they were ten minutes ago."""
    assert StraightLine().between(HERE, away(metres), fix_age_s=fix_age_s).is_honest is is_honest


@pytest.mark.parametrize(
    ("distance_m", "minutes"),
    [(0, 10), (3_000, 10), (3_300, 15), (4_700, 15), (5_000, 20), (16_000, 50), (19_000, 60), (500_000, 60)],
)
def test_the_travel_buffer(distance_m: float, minutes: float) -> None:
    assert travel_buffer_s(distance_m) == minutes * 60


def test_the_buffer_takes_other_bounds() -> None:
    assert travel_buffer_s(0, minimum_s=0) == 0
    assert travel_buffer_s(1_000_000, maximum_s=7_200) == 7_200
    assert travel_buffer_s(1_000, minimum_s=60, step_s=60, speed_mps=10, detour_factor=1) == 120


def test_senseless_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="speed"):
        StraightLine(0.0)
    with pytest.raises(ValueError, match="detour"):
        StraightLine(detour_factor=0.9)
