"""Ways through the city: recorded trips, drives to a place, and what a GPS makes of them. Seconds and degrees."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from geo.filter import Rules
from geo.geodesy import METRES_PER_DEGREE, haversine_m, wrapped_lng

#: Streets bend: a drive is longer than the straight line by about this.
DETOUR = 1.3
#: Between two corners of a drive.
CORNER_M = 350.0
#: How far a corner lies beside the straight line, as a share of the way, at most.
SWAY = 0.35
#: How fast a track is driven at most whose points lie too far apart: half of what the filter lets pass.
SPARSE_MPS = Rules().max_speed_mps / 2
#: A phone's error wanders: this much of it stays from one fix to the next (per second of distance in time).
MEMORY_S = 30.0


class Spot(NamedTuple):
    """A place in degrees, and how fast it moves through it."""

    lat: float
    lng: float
    speed_mps: float = 0.0
    heading_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """Points with the times at which they are passed (unix seconds, rising)."""

    times_s: tuple[float, ...]
    points: tuple[tuple[float, float], ...]

    @property
    def starts_s(self) -> float:
        return self.times_s[0]

    @property
    def ends_s(self) -> float:
        return self.times_s[-1]

    def at(self, t_s: float) -> Spot:
        """Where one is at a time; before the start at the start, after the end at the end."""
        if t_s >= self.ends_s or len(self.points) == 1:
            return Spot(*self.points[-1])
        if t_s < self.starts_s:
            return Spot(*self.points[0])
        n = bisect_right(self.times_s, t_s)
        (lat1, lng1), (lat2, lng2) = self.points[n - 1], self.points[n]
        t1, t2 = self.times_s[n - 1], self.times_s[n]
        share = (t_s - t1) / (t2 - t1)
        way_m = haversine_m(lat1, lng1, lat2, lng2)
        heading = None if way_m < 1.0 else bearing_deg(lat1, lng1, lat2, lng2)
        lng = wrapped_lng(lng1 + wrapped_lng(lng2 - lng1) * share)
        return Spot(lat1 + (lat2 - lat1) * share, lng, way_m / (t2 - t1), heading)


def stay(lat: float, lng: float, at_s: float) -> Path:
    """Standing in one place."""
    return Path((at_s,), ((lat, lng),))


def recorded(points: tuple[tuple[float, float], ...], step_s: float, starts_s: float) -> Path:
    """A recorded trip, driven again from `starts_s` on."""
    return Path(tuple(starts_s + step_s * n for n in range(len(points))), points)


def believable_step_s(points: tuple[tuple[float, float], ...], step_s: float) -> float:
    """The step in which a recorded trip can have been driven.

    Where most steps are faster than the server believes, points lie farther apart than `step_s`. Single jumps are what
    a GPS does, and stay.
    """
    typical_m = median([haversine_m(*a, *b) for a, b in pairwise(points)] or [0.0])
    return step_s if typical_m <= Rules().max_speed_mps * step_s else typical_m / SPARSE_MPS


def drive(
    start: tuple[float, float], goal: tuple[float, float], starts_s: float, speed_mps: float, dice: random.Random
) -> Path:
    """A bent way from one place to another, at about `speed_mps`, with a slow start and end at the door."""
    way_m = haversine_m(*start, *goal)
    corners = max(1, min(60, round(way_m / CORNER_M)))
    times, points = [starts_s], [start]
    now_s = starts_s
    north_m, east_m = _metres(start, goal)
    sway_m = min(SWAY * way_m, CORNER_M * 0.8)
    for n in range(1, corners + 1):
        share = n / corners
        aside_m = 0.0 if n == corners else dice.uniform(-sway_m, sway_m)
        across = (-east_m / way_m, north_m / way_m) if way_m > 0 else (0.0, 0.0)
        point = (
            goal
            if n == corners
            else _shift(start, north_m * share + across[0] * aside_m, east_m * share + across[1] * aside_m)
        )
        leg_m = haversine_m(*points[-1], *point)
        now_s += max(1.0, leg_m / (speed_mps * dice.uniform(0.75, 1.25)))
        times.append(now_s)
        points.append(point)
    return Path(tuple(times), tuple(points))


def drive_seconds(start: tuple[float, float], goal: tuple[float, float], speed_mps: float) -> float:
    """About how long such a drive takes."""
    return haversine_m(*start, *goal) * DETOUR / speed_mps


def bearing_deg(lat1: float, lng1: float, lat2: float, lng2: float) -> float:
    """The compass direction from one point to another near it, 0 to 360."""
    north_m, east_m = _metres((lat1, lng1), (lat2, lng2))
    return math.degrees(math.atan2(east_m, north_m)) % 360.0


class Gps:
    """The error of one phone: it wanders slowly around the truth, and says roughly how far it may be off."""

    def __init__(self, dice: random.Random, sigma_m: float = 4.0) -> None:
        self._dice, self._sigma_m = dice, sigma_m
        self._north_m = self._east_m = 0.0
        self._at_s: float | None = None

    def sample(self, spot: Spot, t_s: float) -> list[float | None]:
        """One ping as it goes over the wire: t_ms, lat, lng, accuracy_m, speed_mps, heading_deg."""
        gap_s = MEMORY_S * 10 if self._at_s is None else max(0.0, t_s - self._at_s)
        self._at_s = t_s
        kept = math.exp(-gap_s / MEMORY_S)
        spread = self._sigma_m * math.sqrt(1.0 - kept * kept)
        self._north_m = self._north_m * kept + self._dice.gauss(0.0, spread)
        self._east_m = self._east_m * kept + self._dice.gauss(0.0, spread)
        lat, lng = _shift((spot.lat, spot.lng), self._north_m, self._east_m)
        accuracy_m = round(self._sigma_m * self._dice.uniform(1.5, 3.0), 1)
        heading = None if spot.heading_deg is None else round(spot.heading_deg, 1) % 360.0
        return [int(t_s * 1000), round(lat, 6), round(lng, 6), accuracy_m, round(spot.speed_mps, 2), heading]


def _metres(start: tuple[float, float], goal: tuple[float, float]) -> tuple[float, float]:
    """(north, east) from one point to another, on the plane that touches the earth there."""
    east = wrapped_lng(goal[1] - start[1]) * METRES_PER_DEGREE * math.cos(math.radians(start[0]))
    return (goal[0] - start[0]) * METRES_PER_DEGREE, east


def _shift(start: tuple[float, float], north_m: float, east_m: float) -> tuple[float, float]:
    lat = start[0] + north_m / METRES_PER_DEGREE
    return lat, wrapped_lng(start[1] + east_m / (METRES_PER_DEGREE * math.cos(math.radians(start[0]))))
