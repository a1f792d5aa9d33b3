"""Distances, bearings and boxes on the sphere: the only place that knows how round the earth is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Mean radius of the earth (IUGG, R1). Haversine on it is within 0.56 % of the ellipsoid everywhere.
EARTH_RADIUS_M = 6_371_008.8
#: One degree of latitude, and of longitude on the equator, on that sphere.
METRES_PER_DEGREE = EARTH_RADIUS_M * math.pi / 180.0
#: Boxes grow by this much (0.1 mm), so that rounding never puts a point on the rim outside.
BOX_MARGIN_DEG = 1e-9
#: Factors as arrays: numpy makes one of every number that it is given, which costs as much as a few dozen products.
_RADIANS, _HALF_RADIANS = np.array(math.pi / 180.0), np.array(math.pi / 360.0)
_DIAMETER_M = np.array(2.0 * EARTH_RADIUS_M)


class Box(NamedTuple):
    """A box in degrees; `west` <= `east` always: what crosses the antimeridian is two boxes."""

    south: float
    west: float
    north: float
    east: float


def valid_position(lat: float, lng: float) -> bool:
    """Whether both are finite degrees in range; NaN and infinities are not."""
    return -90.0 <= lat <= 90.0 and -180.0 <= lng <= 180.0


def wrapped_lng(lng: float) -> float:
    """The same meridian between -180 and 180; what is there already stays as it is, to the bit."""
    return lng if -180.0 <= lng <= 180.0 else (lng + 180.0) % 360.0 - 180.0


def unwrapped_lngs(lngs: Sequence[float]) -> list[float]:
    """Longitudes of a line as they go on from its first one, so that none is farther than half the earth from the one
    before: 179, -179 is 179, 181. A step of exactly 360 degrees is none.
    """
    found: list[float] = []
    turn = 0.0
    for n, lng in enumerate(lngs):
        step = lng - lngs[n - 1] if n else 0.0
        if 180.0 < abs(step) < 360.0:
            turn -= math.copysign(360.0, step)
        found.append(lng + turn)
    return found


def haversine_m(lat1: float, lng1: float, lat2: float, lng2: float) -> float:
    """Great-circle metres between two points in degrees (R. W. Sinnott, "Virtues of the Haversine", 1984)."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    north = math.sin((phi2 - phi1) / 2.0)
    east = math.sin(math.radians(lng2 - lng1) / 2.0)
    a = north * north + math.cos(phi1) * math.cos(phi2) * east * east
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, a)))


def haversine_many_m(lat: float, lng: float, lats: Floats, lngs: Floats) -> Floats:
    """Great-circle metres from one point to many, all in degrees."""
    return chord_to_m(np.minimum(chord_squares(lat, lng, lats, lngs), 1.0))


def chord_squares(lat: float, lng: float, lats: Floats, lngs: Floats) -> Floats:
    """The haversine term `a` to many points: it orders as the distance does, and costs no arcsine. Rounding may bring
    that of the other end of the world above 1."""
    phis: Floats = lats * _RADIANS
    north = lats - lat
    north *= _HALF_RADIANS
    np.sin(north, out=north)
    north *= north
    east = lngs - lng
    east *= _HALF_RADIANS
    np.sin(east, out=east)
    east *= east
    np.cos(phis, out=phis)
    phis *= math.cos(math.radians(lat))
    phis *= east
    phis += north
    return phis


def chord_square_of(distance_m: float) -> float:
    """The haversine term `a` of a distance; the inverse of `chord_to_m`."""
    return math.sin(min(distance_m / (2.0 * EARTH_RADIUS_M), math.pi / 2.0)) ** 2


def chord_to_m(squares: Floats) -> Floats:
    """The distances in metres of haversine terms `a`, which are at most 1."""
    metres: Floats = np.sqrt(squares)
    np.arcsin(metres, out=metres)
    metres *= _DIAMETER_M
    return metres


def bearing_deg(lat1: float, lng1: float, lat2: float, lng2: float) -> float:
    """The initial bearing from the first point to the second, clockwise from north, 0 <= bearing < 360."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    turn = math.radians(lng2 - lng1)
    east = math.sin(turn) * math.cos(phi2)
    north = math.cos(phi1) * math.sin(phi2) - math.sin(phi1) * math.cos(phi2) * math.cos(turn)
    return math.degrees(math.atan2(east, north)) % 360.0


def destination(lat: float, lng: float, bearing: float, distance_m: float) -> tuple[float, float]:
    """Where one gets from a point along a great circle: (lat, lng) in degrees, the longitude normalised."""
    phi, way, angle = math.radians(lat), math.radians(bearing), distance_m / EARTH_RADIUS_M
    sine = math.sin(phi) * math.cos(angle) + math.cos(phi) * math.sin(angle) * math.cos(way)
    sine = max(-1.0, min(1.0, sine))
    turn = math.atan2(math.sin(way) * math.sin(angle) * math.cos(phi), math.cos(angle) - math.sin(phi) * sine)
    return math.degrees(math.asin(sine)), normalise_lng(lng + math.degrees(turn))


def normalise_lng(lng: float) -> float:
    """The same meridian as -180 <= lng <= 180; a longitude in range comes back as it was."""
    return lng if -180.0 <= lng <= 180.0 else (lng + 180.0) % 360.0 - 180.0


def bounding_boxes(lat: float, lng: float, radius_m: float) -> tuple[Box, ...]:
    """The box around a circle, in degrees: one, or two where it crosses the antimeridian. A circle that holds
    a pole reaches round all meridians. (Bronshtein: the meridian that touches the circle is asin(sin r / cos
    lat).)"""
    angle = radius_m / EARTH_RADIUS_M
    half_lat = math.degrees(angle) + BOX_MARGIN_DEG
    south, north = lat - half_lat, lat + half_lat
    if south <= -90.0 or north >= 90.0:
        return (Box(max(-90.0, south), -180.0, min(90.0, north), 180.0),)
    ratio = math.sin(angle) / math.cos(math.radians(lat))
    half_lng = math.degrees(math.asin(min(1.0, ratio))) + BOX_MARGIN_DEG
    west, east = lng - half_lng, lng + half_lng
    if west < -180.0:
        return Box(south, west + 360.0, north, 180.0), Box(south, -180.0, north, east)
    if east > 180.0:
        return Box(south, west, north, 180.0), Box(south, -180.0, north, east - 360.0)
    return (Box(south, west, north, east),)


@dataclass(frozen=True, slots=True)
class LocalPlane:
    """A flat map around a point, metres east and north (equirectangular). Up to 20 km from its origin and 70
    degrees of latitude it is within 0.5 % of the sphere; it wraps at the antimeridian."""

    lat: float
    lng: float

    def to_xy(self, lat: float, lng: float) -> tuple[float, float]:
        """Metres east and north of the origin."""
        turn = (lng - self.lng + 180.0) % 360.0 - 180.0
        scale = METRES_PER_DEGREE * math.cos(math.radians(self.lat))
        return turn * scale, (lat - self.lat) * METRES_PER_DEGREE


def segment_distance_m(
    lat: float, lng: float, from_lat: float, from_lng: float, to_lat: float, to_lng: float
) -> tuple[float, float]:
    """How near a straight way passes a point: (metres, share of the way where that is, 0 to 1). Flat, so for
    ways of a few kilometres."""
    plane = LocalPlane(lat, lng)
    ax, ay = plane.to_xy(from_lat, from_lng)
    bx, by = plane.to_xy(to_lat, to_lng)
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    share = 0.0 if length == 0.0 else max(0.0, min(1.0, -(ax * dx + ay * dy) / length))
    return math.hypot(ax + share * dx, ay + share * dy), share


def rounded(lat: float, lng: float, to_m: float) -> tuple[float, float]:
    """The middle of the cell of about `to_m` metres on a side that the point lies in, in degrees.

    The same for every point of the cell, so that nothing is learnt by asking often; the cells follow the parallels, on
    which the point of the answer lies at most 0.71 * `to_m` away.
    """
    step = to_m / METRES_PER_DEGREE
    middle = max(-90.0, min(90.0, (math.floor(lat / step) + 0.5) * step))
    # A whole number of cells goes round the parallel, so that the last one ends where the first begins.
    around = max(1, math.ceil(360.0 * math.cos(math.radians(middle)) / step))
    cell = math.floor((lng + 180.0) / 360.0 * around) % around
    return round(middle, 6), round((cell + 0.5) * 360.0 / around - 180.0, 6)
