"""Distances, boxes and the flat map against known values and against each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.geodesy import (
    EARTH_RADIUS_M,
    LocalPlane,
    bearing_deg,
    bounding_boxes,
    chord_square_of,
    chord_to_m,
    destination,
    haversine_m,
    haversine_many_m,
    normalise_lng,
    rounded,
    segment_distance_m,
    valid_position,
)

LATS = st.floats(-90.0, 90.0)
LNGS = st.floats(-180.0, 180.0)
KOLKATA, DELHI = (22.5726, 88.3639), (28.6139, 77.2090)


def test_known_distances() -> None:
    assert haversine_m(*KOLKATA, *KOLKATA) == 0.0
    assert haversine_m(*KOLKATA, *DELHI) == pytest.approx(1_305_100, rel=0.002)
    assert haversine_m(0, 0, 0, 180) == pytest.approx(math.pi * EARTH_RADIUS_M)
    assert haversine_m(0, 179.9, 0, -179.9) == pytest.approx(haversine_m(0, -0.1, 0, 0.1))
    assert haversine_m(90, 0, 90, 123) == pytest.approx(0, abs=1e-6)


@given(LATS, LNGS, LATS, LNGS)
def test_many_equals_single(lat1: float, lng1: float, lat2: float, lng2: float) -> None:
    many = haversine_many_m(lat1, lng1, np.array([lat2, lat1]), np.array([lng2, lng1]))
    # Near the antipodes the arcsine amplifies rounding to decimetres.
    assert many[0] == pytest.approx(haversine_m(lat1, lng1, lat2, lng2), abs=0.5)
    assert many[1] == 0.0


@given(st.floats(0.0, 20_000_000.0))
def test_chord_round_trip(distance_m: float) -> None:
    assert chord_to_m(np.array([chord_square_of(distance_m)]))[0] == pytest.approx(distance_m, abs=0.5)


@pytest.mark.parametrize(("to", "bearing"), [((1, 0), 0.0), ((0, 1), 90.0), ((-1, 0), 180.0), ((0, -1), 270.0)])
def test_bearings(to: tuple[float, float], bearing: float) -> None:
    assert bearing_deg(0, 0, *to) == pytest.approx(bearing)


@given(st.floats(-89.0, 89.0), LNGS, st.floats(0.0, 359.9), st.floats(1.0, 1_000_000.0))
def test_destination_is_as_far_as_asked(lat: float, lng: float, bearing: float, distance_m: float) -> None:
    there = destination(lat, lng, bearing, distance_m)
    assert valid_position(*there)
    assert haversine_m(lat, lng, *there) == pytest.approx(distance_m, abs=0.01)


@given(LATS, LNGS, st.floats(0.0, 359.9), st.floats(0.0, 3_000_000.0), st.floats(0.0, 1.0))
def test_boxes_hold_the_circle(lat: float, lng: float, bearing: float, radius_m: float, share: float) -> None:
    there_lat, there_lng = destination(lat, lng, bearing, radius_m * share)
    boxes = bounding_boxes(lat, lng, radius_m + 1e-6)
    assert all(box.south <= box.north and -180 <= box.west <= box.east <= 180 for box in boxes)
    # Rounding in asin near a pole is 1e-8 rad; the reach of a box there is all meridians anyway.
    assert any(
        box.south - 1e-6 <= there_lat <= box.north + 1e-6 and box.west - 1e-6 <= there_lng <= box.east + 1e-6
        for box in boxes
    )


def test_boxes_split_at_the_antimeridian_and_open_at_the_poles() -> None:
    assert len(bounding_boxes(0, 179.99, 5_000)) == len(bounding_boxes(0, -179.99, 5_000)) == 2
    assert len(bounding_boxes(0, 0, 5_000)) == 1
    (polar,) = bounding_boxes(89.99, 10, 5_000)
    assert (polar.west, polar.east, polar.north) == (-180, 180, 90)


@pytest.mark.parametrize(
    "position",
    [
        (math.nan, 0),
        (0, math.nan),
        (math.inf, 0),
        (0, -math.inf),
        (90.01, 0),
        (0, 180.01),
        (-91, 0),
        (0, -181),
    ],
)
def test_what_is_no_position(position: tuple[float, float]) -> None:
    assert not valid_position(*position)


def test_the_rim_of_the_world_is_a_position() -> None:
    assert valid_position(90, 180)
    assert valid_position(-90, -180)


def test_normalising_keeps_what_is_in_range() -> None:
    assert [normalise_lng(x) for x in (180.0, -180.0, 12.5, 190.0, -190.0, 540.0)] == [
        180,
        -180,
        12.5,
        -170,
        170,
        -180,
    ]


@given(st.floats(-69.0, 69.0), LNGS, st.floats(0.0, 10_000.0), st.floats(0.0, 360.0))
def test_the_plane_is_true(lat: float, lng: float, metres: float, bearing: float) -> None:
    there = destination(lat, lng, bearing, metres)
    assert math.hypot(*LocalPlane(lat, lng).to_xy(*there)) == pytest.approx(metres, rel=0.005, abs=0.01)


def test_segment_distance() -> None:
    west, east = destination(*KOLKATA, 270, 200), destination(*KOLKATA, 90, 100)
    metres, share = segment_distance_m(*KOLKATA, *west, *east)
    assert metres == pytest.approx(0, abs=0.1)
    assert share == pytest.approx(2 / 3, abs=0.01)
    metres, share = segment_distance_m(*KOLKATA, *east, *destination(*KOLKATA, 90, 300))
    assert metres == pytest.approx(100, rel=0.01)
    assert share == 0.0
    assert segment_distance_m(*KOLKATA, *east, *east)[0] == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("lat", [-89.99, -45.2, -0.001, 0.0, 22.5726, 51.5, 78.2, 89.999])
@pytest.mark.parametrize("lng", [-180.0, -179.9999, -0.0001, 0.0, 88.3639, 179.9999])
def test_a_rounded_place_is_near_and_says_no_more_than_its_cell(lat: float, lng: float) -> None:
    found = rounded(lat, lng, 500.0)
    assert found[0] != lat or found[1] != lng
    assert valid_position(*found)
    assert haversine_m(lat, lng, *found) <= 500.0 * 0.72
    # Whoever is in the same cell has the same answer: the answer's own included.
    assert rounded(*found, 500.0) == pytest.approx(found, abs=2e-6)
