"""Ways and decisions: one seed is one story, nobody teleports, and a phone says how far it may be off."""

from __future__ import annotations

import random

import pytest

from dispatch.simulation.paths import Gps, Spot, believable_step_s, drive, drive_seconds, recorded, stay
from geo.filter import Rules
from geo.geodesy import haversine_m

HERE, THERE = (22.5726, 88.3639), (22.60, 88.40)


def test_a_drive_begins_and_ends_where_it_should_and_is_about_as_long_as_told() -> None:
    path = drive(HERE, THERE, 1000.0, 8.0, random.Random(3))
    assert path.points[0] == HERE
    assert path.points[-1] == THERE
    assert path.starts_s == 1000.0
    took = path.ends_s - path.starts_s
    assert 0.7 * drive_seconds(HERE, THERE, 8.0) < took < 1.6 * drive_seconds(HERE, THERE, 8.0)


def test_one_seed_drives_one_way() -> None:
    assert drive(HERE, THERE, 0.0, 8.0, random.Random(3)) == drive(HERE, THERE, 0.0, 8.0, random.Random(3))
    assert drive(HERE, THERE, 0.0, 8.0, random.Random(3)) != drive(HERE, THERE, 0.0, 8.0, random.Random(4))


def test_a_drive_to_where_one_is_takes_no_time_to_speak_of() -> None:
    path = drive(HERE, HERE, 0.0, 8.0, random.Random(3))
    assert path.points[-1] == HERE
    assert path.ends_s == pytest.approx(1.0)


def test_nobody_teleports_between_two_samples() -> None:
    path = drive(HERE, THERE, 0.0, 8.0, random.Random(5))
    spots = [path.at(t) for t in range(0, int(path.ends_s) + 30, 5)]
    for a, b in zip(spots, spots[1:], strict=False):
        assert haversine_m(a.lat, a.lng, b.lat, b.lng) < 12.0 * 5
    assert (spots[-1].lat, spots[-1].lng, spots[-1].speed_mps) == (*THERE, 0.0)


def test_a_recorded_trip_is_driven_in_its_own_time() -> None:
    path = recorded((HERE, THERE), 15.0, 100.0)
    middle = path.at(107.5)
    assert middle.lat == pytest.approx((HERE[0] + THERE[0]) / 2)
    assert middle.heading_deg == pytest.approx(50.0, abs=3.0)
    assert (path.at(0.0).lat, path.at(1e9).lat) == (HERE[0], THERE[0])
    assert stay(*HERE, 5.0).at(99.0)[:2] == HERE


def test_the_error_of_a_phone_is_as_large_as_it_says() -> None:
    gps = Gps(random.Random(1), sigma_m=4.0)
    path = stay(*HERE, 0.0)
    pings = [gps.sample(path.at(t), float(t)) for t in range(0, 3000, 5)]
    errors = [haversine_m(HERE[0], HERE[1], float(p[1] or 0), float(p[2] or 0)) for p in pings]
    assert 3.0 < sum(errors) / len(errors) < 8.0
    assert all(6.0 <= float(p[3] or 0) <= 12.0 for p in pings)
    assert [p[0] for p in pings[:2]] == [0, 5000]
    # It wanders: neighbours are closer to each other than the error is large.
    steps = [
        haversine_m(float(a[1] or 0), float(a[2] or 0), float(b[1] or 0), float(b[2] or 0))
        for a, b in zip(pings, pings[1:], strict=False)
    ]
    assert sum(steps) / len(steps) < sum(errors) / len(errors)


def test_a_way_over_the_180th_meridian_is_as_short_as_elsewhere() -> None:
    path = recorded(((-16.8, 179.999), (-16.8, -179.999)), 15.0, 0.0)
    for t_s in (3.0, 7.5, 12.0):
        spot = path.at(t_s)
        assert abs(spot.lng) > 179.99
        assert spot.speed_mps < 20.0
    way = drive((-16.8, 179.99), (-16.8, -179.99), 0.0, 10.0, random.Random(1))
    assert all(-180.0 <= lng <= 180.0 and abs(lng) > 179.9 for _, lng in way.points)
    assert way.ends_s < 600.0
    sample = Gps(random.Random(2)).sample(Spot(-16.8, 180.0), 1.0)
    assert sample[2] is not None
    assert -180.0 <= sample[2] <= 180.0


def test_a_sparse_track_is_driven_at_a_speed_that_is_believed_and_a_jump_stays_one() -> None:
    points = ((10.0, 20.0), (11.0, 21.0), (12.0, 22.0))
    sparse = recorded(points, believable_step_s(points, 15.0), 100.0)
    assert max(sparse.at(t_s).speed_mps for t_s in (200.0, 8_000.0, 14_000.0)) < Rules().max_speed_mps
    jumpy = ((10.0, 20.0), (10.001, 20.0), (10.3, 20.0), (10.002, 20.0), (10.003, 20.0), (10.004, 20.0))
    assert believable_step_s(jumpy, 15.0) == 15.0
