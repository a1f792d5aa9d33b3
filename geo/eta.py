"""How long a way takes: what an ETA is, who may provide one, and the straight line that is always there."""

from __future__ import annotations

import math
from typing import NamedTuple

from geo.geodesy import haversine_m

#: Streets are longer than the straight line by this factor in cities (1.2 to 1.4 is usual; 1.3 as in DESIGN).
DETOUR_FACTOR = 1.3
#: City traffic, door to door, until something has been measured.
CITY_SPEED_MPS = 25.0 / 3.6
#: What the first speed is worth: this much driving has to be seen before the measured one has half the say.
PRIOR_S = 3600.0
#: What each new trip leaves of the older ones: fifty trips back counts for a third.
KEEP = 0.98
#: Trips outside these bounds say nothing of traffic: a wait at the door, a wrong clock, a lost fix.
TRIP_MIN_M, TRIP_MIN_S, TRIP_MIN_MPS, TRIP_MAX_MPS = 200.0, 30.0, 1.0 / 3.6, 150.0 / 3.6
#: Confidence of a fresh, short estimate by source; it halves with this age of the fix and this distance.
STRAIGHT_CONFIDENCE, ROUTED_CONFIDENCE = 0.6, 0.9
AGE_HALVES_S, DISTANCE_HALVES_M = 120.0, 20_000.0
#: It halves with this accuracy of the fix as well.
ACCURACY_HALVES_M = 100.0
#: Less confidence than this, or a longer way, is no estimate that anybody should be told.
LEAST_CONFIDENCE, LONGEST_S = 0.1, 4 * 3600.0


class Point(NamedTuple):
    """Degrees."""

    lat: float
    lng: float


class Eta(NamedTuple):
    """An estimate: travel time and way from now on. `confidence` is 0 to 1; `fix_age_s` is how old the
    position was that it starts from; `source` names the provider."""

    seconds: float
    distance_m: float
    confidence: float
    source: str
    fix_age_s: float = 0.0

    @property
    def is_honest(self) -> bool:
        """Whether it may be told: nonsense, such as weeks or the guess from an hour-old fix, is worse than nothing."""
        return self.confidence >= LEAST_CONFIDENCE and self.seconds <= LONGEST_S


def confidence(base: float, distance_m: float, fix_age_s: float, accuracy_m: float = 0.0) -> float:
    """How far to trust an estimate, 0 to 1: `base` for a fresh, sharp fix at the door, less with age, distance and
    a wide accuracy."""
    freshness = math.exp2(-max(0.0, fix_age_s) / AGE_HALVES_S)
    sharpness = 1.0 / (1.0 + max(0.0, accuracy_m) / ACCURACY_HALVES_M)
    return base * freshness * sharpness / (1.0 + max(0.0, distance_m) / DISTANCE_HALVES_M)


class StraightLine:
    """The straight line, made longer by a detour factor, at a measured speed: the ETA without any service.

    Speed is the way over the time of the trips seen, the newest counting most; each hour of the day has its
    own, which leans on all hours' speed until enough was seen in it.
    """

    source = "straight_line"

    def __init__(self, speed_mps: float = CITY_SPEED_MPS, detour_factor: float = DETOUR_FACTOR) -> None:
        if not (speed_mps > 0.0 and detour_factor >= 1.0):
            raise ValueError("the speed must be over 0 and the detour factor at least 1")
        self._first_mps = speed_mps
        self._detour = detour_factor
        # (metres, seconds) seen, faded: all hours first, then each.
        self._all = (0.0, 0.0)
        self._hours = [(0.0, 0.0)] * 24

    def speed_mps(self, hour: int | None = None) -> float:
        """The speed along the streets, in all hours or in one (0 to 23)."""
        speed = _lean(self._all, self._first_mps)
        return speed if hour is None else _lean(self._hours[hour], speed)

    def observe(self, distance_m: float, seconds: float, hour: int | None = None) -> bool:
        """Learns from a finished trip: its straight distance and its time. False if it can't have been
        one."""
        if not (distance_m >= TRIP_MIN_M and seconds >= TRIP_MIN_S):
            return False
        way_m = distance_m * self._detour
        if not TRIP_MIN_MPS <= way_m / seconds <= TRIP_MAX_MPS:
            return False
        self._all = (self._all[0] * KEEP + way_m, self._all[1] * KEEP + seconds)
        if hour is not None:
            metres, time_s = self._hours[hour]
            self._hours[hour] = (metres * KEEP + way_m, time_s * KEEP + seconds)
        return True

    def estimate_m(self, distance_m: float, hour: int | None = None) -> float:
        """Seconds for a straight distance in metres."""
        return distance_m * self._detour / self.speed_mps(hour)

    def between(
        self,
        origin: Point,
        destination: Point,
        *,
        fix_age_s: float = 0.0,
        accuracy_m: float = 0.0,
        hour: int | None = None,
    ) -> Eta:
        """The estimate, at once: nothing is awaited."""
        straight_m = haversine_m(origin.lat, origin.lng, destination.lat, destination.lng)
        return self.over(straight_m, fix_age_s=fix_age_s, accuracy_m=accuracy_m, hour=hour)

    def over(
        self, straight_m: float, *, fix_age_s: float = 0.0, accuracy_m: float = 0.0, hour: int | None = None
    ) -> Eta:  # fmt: skip
        """The same where the straight distance is known."""
        trust = confidence(STRAIGHT_CONFIDENCE, straight_m, fix_age_s, accuracy_m)
        way_m = straight_m * self._detour
        return Eta(way_m / self.speed_mps(hour), way_m, trust, self.source, fix_age_s)


def _lean(seen: tuple[float, float], towards_mps: float) -> float:
    metres, seconds = seen
    return (metres + PRIOR_S * towards_mps) / (seconds + PRIOR_S)


def travel_buffer_s(
    distance_m: float,
    *,
    minimum_s: float = 600.0,
    maximum_s: float = 3600.0,
    step_s: float = 300.0,
    speed_mps: float = CITY_SPEED_MPS,
    detour_factor: float = DETOUR_FACTOR,
) -> float:
    """The travel time to keep free before a job: the way at city speed, rounded up to the step, within
    bounds."""
    seconds = distance_m * detour_factor / speed_mps
    return min(maximum_s, max(minimum_s, math.ceil(seconds / step_s) * step_s))
