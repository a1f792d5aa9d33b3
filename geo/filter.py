"""The fix filter: which pings of one technician become fixes, and what each may be used for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from geo.geodesy import METRES_PER_DEGREE, haversine_m, valid_position


class Step(StrEnum):
    """What a ping can stumble over, in the order in which it meets them; drops are counted by these names."""

    DECODE = "decode"
    CLOCK = "clock"
    ACCURACY = "accuracy"
    JUMP = "jump"
    DUPLICATE = "duplicate"


class Kind(StrEnum):
    """What became of a ping: a fix to index and show, a sign of life from where they were, or nothing."""

    ADMITTED = "admitted"
    REFRESHED = "refreshed"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Rules:
    """The bounds of the filter. Values without another source follow DESIGN section 5."""

    #: Wider than this is shown but decides nothing (also Nammayatri's bound for its own decisions).
    decidable_accuracy_m: float = 50.0
    #: Wider than this says no more than the part of town (a cell mast): no place to be sent to a job from.
    dispatchable_accuracy_m: float = 200.0
    #: A phone that doesn't say is taken for an ordinary GPS under trees.
    assumed_accuracy_m: float = 25.0
    #: 150 km/h: nobody drives that to a job, while faults and mock locations are far above it.
    max_speed_mps: float = 150.0 / 3.6
    #: Of a move, this much at most is put down to the two fixes' own inaccuracy.
    max_noise_m: float = 100.0
    #: Shorter intervals count as this: phones stamp bursts within milliseconds.
    min_interval_s: float = 1.0
    #: After a silence this long (a tunnel, a ferry, a train) the speed since the last fix says nothing.
    gap_s: float = 300.0
    #: After a jump so many fixes in a row have to agree with each other, the first of the new place included.
    settle_fixes: int = 3
    #: Fixes that are newer by their phone and older by ours, up to so much: the estimate of its clock has shrunk.
    overlap_s: float = 60.0
    #: Older than this when it comes is no news of anybody: a phone that was out of reach for so long starts anew.
    max_age_s: float = 3600.0
    #: Nearer than this to the shown position is standing still; GPS wanders by as much.
    duplicate_m: float = 5.0


DEFAULT_RULES = Rules()

#: So near to each other (degrees of latitude, and below this latitude) the plane is as good as the sphere, but for this
#: share of a squared distance: what is that clear of a bound needs no haversine. The cosine changes by tan(70) * 0.1
#: degrees = 0.5 %, a square by 1 %.
PLANE_DEG: Final = 0.1
PLANE_MAX_LAT: Final = 70.0
PLANE_MARGIN: Final = 0.05
#: The year 2100 in unix ms: a clock beyond it is not a clock.
MAX_T_MS: Final = 4_102_444_800_000
#: What an optional value of a fix may be; anything else (iOS says -1 for "unknown") is as if it were not there.
MAX_ACCURACY_M, MAX_SPEED_MPS, MAX_HEADING_DEG = 100_000.0, 1_000.0, 360.0


class Ping(NamedTuple):
    """A raw sample as it comes from a device: its own clock in ms, degrees, metres, metres per second.

    The bounds are those of read_ping(): what a decoder made of this type need not be read again.
    """

    t_ms: Annotated[float, Meta(ge=0.0, le=MAX_T_MS)]
    lat: Annotated[float, Meta(ge=-90.0, le=90.0)]
    lng: Annotated[float, Meta(ge=-180.0, le=180.0)]
    accuracy_m: Annotated[float, Meta(ge=0.0, le=MAX_ACCURACY_M)] | None = None
    speed_mps: Annotated[float, Meta(ge=0.0, le=MAX_SPEED_MPS)] | None = None
    heading_deg: Annotated[float, Meta(ge=0.0, le=MAX_HEADING_DEG)] | None = None


def read_ping(row: object) -> Ping | None:
    """A row `[t_ms, lat, lng, accuracy_m, speed_mps, heading_deg]` as it came from a phone, the last three optional.

    An optional value that is invalid is absent. None when time or place is missing or impossible: the row is no fix.
    """
    if not isinstance(row, list | tuple) or not 3 <= len(row) <= 6:
        return None
    t_ms = read_time_ms(row[0])
    lat, lng = _number(row[1], -90.0, 90.0), _number(row[2], -180.0, 180.0)
    # Nobody works in the Gulf of Guinea: 0, 0 is what a phone says that has not found itself yet.
    if t_ms is None or lat is None or lng is None or (lat == 0.0 and lng == 0.0):
        return None
    size = len(row)
    return Ping(
        t_ms,
        lat,
        lng,
        _number(row[3], 0.0, MAX_ACCURACY_M) if size > 3 else None,
        _number(row[4], 0.0, MAX_SPEED_MPS) if size > 4 else None,
        _number(row[5], 0.0, MAX_HEADING_DEG) if size > 5 else None,
    )


def read_time_ms(value: object) -> float | None:
    """A device's own time in unix ms; None for what is none."""
    return _number(value, 0.0, MAX_T_MS)


def complaints(row: object) -> dict[str, str]:
    """What keeps a row from being a fix, in words: by place in the row, "" for the row itself."""
    if not isinstance(row, list | tuple) or not 3 <= len(row) <= 6:
        return {"": "A fix is a list of t_ms, lat, lng and, where known, accuracy_m, speed_mps and heading_deg."}
    found: dict[str, str] = {}
    if read_time_ms(row[0]) is None:
        found["0"] = "The time is a number of milliseconds since 1970."
    if _number(row[1], -90.0, 90.0) is None:
        found["1"] = "The latitude is a number from -90 to 90."
    if _number(row[2], -180.0, 180.0) is None:
        found["2"] = "The longitude is a number from -180 to 180."
    if not found and read_ping(row) is None:
        found["1"] = "Latitude and longitude are both 0: the phone has no position yet."
    return found


def _number(value: object, low: float, high: float) -> float | None:
    # By exact type: True is no number, and what is not a number (NaN) is not between any two.
    if (type(value) is float or type(value) is int) and low <= value <= high:
        return float(value)
    return None


class Fix(NamedTuple):
    """An admitted sample: `at_s` is unix seconds and never later than the server's time when it came."""

    at_s: float
    lat: float
    lng: float
    accuracy_m: float
    speed_mps: float | None = None
    heading_deg: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a ping may be used for.

    `fix` is None when it was dropped; a refreshed one has it too (it renews last-seen and feeds arrival, but
    is not indexed anew). `step` names what dropped or degraded it, None for a clean one. `decidable`:
    arrival, the watchdog and ETA may use it. `dispatchable`: the technician may be matched from here.
    `believed`: those who wait may see it; a jump that has not settled is shown to staff only.
    """

    kind: Kind
    fix: Fix | None
    step: Step | None
    decidable: bool
    dispatchable: bool
    believed: bool


_DROPPED = {step: Verdict(Kind.DROPPED, None, step, False, False, False) for step in Step}


class FixFilter:
    """The filter's memory of one technician. Feed it in the order of arrival; it reads no clock."""

    __slots__ = ("_agreeing", "_device_s", "_last", "_newest_s", "_rules", "_shown", "_trusted")

    def __init__(self, last: Fix | None = None, rules: Rules = DEFAULT_RULES, *, is_trusted: bool = True) -> None:
        """`last` is the last position from before a restart, or one that another node judged; `is_trusted` says
        whether it had settled there."""
        self._rules = rules
        self._newest_s = last.at_s if last else -math.inf
        self._device_s = self._newest_s
        self._shown = last
        # The last fix, and the last believed one, each with the device's own time of it.
        self._last = self._trusted = (last, last.at_s) if last and is_trusted else None
        self._agreeing = rules.settle_fixes

    @property
    def last(self) -> Fix | None:
        """The fix that is shown now."""
        return self._shown

    @property
    def newest_s(self) -> float:
        """The time of the newest fix; minus infinity before the first."""
        return self._newest_s

    def start(self) -> tuple[Fix, Fix] | None:
        """Where a run of clean fixes may start: the last fix, where it is settled, and the one that is shown."""
        trusted, shown = self._trusted, self._shown
        if trusted is None or trusted is not self._last or shown is None or trusted[0].at_s != self._newest_s:
            return None
        return trusted[0], shown

    def go_on(self, fix: Fix, device_s: float, moved: Fix | None) -> None:
        """A run of trusted fixes has been taken: its last one, of `device_s` by its device's clock, and its last
        move."""
        if moved is not None:
            self._shown = moved
        self._newest_s, self._device_s = fix.at_s, device_s
        self._last = self._trusted = (fix, device_s)
        self._agreeing = self._rules.settle_fixes

    def admit(self, ping: Ping, now_s: float, offset_s: float = 0.0) -> Verdict:
        """Judges one ping that came at `now_s` (server, unix seconds) from a device whose clock is `offset_s`
        behind. A dropped ping leaves no trace."""
        if not (valid_position(ping.lat, ping.lng) and math.isfinite(ping.t_ms)):
            return _DROPPED[Step.DECODE]
        device_s = ping.t_ms / 1000.0
        at_s = min(device_s + offset_s, now_s)
        if at_s <= self._newest_s:
            # Where the estimate of its clock puts several fixes at one time, the phone's own order counts.
            is_near = self._newest_s - self._rules.overlap_s <= at_s and self._newest_s <= now_s
            if device_s <= self._device_s or not is_near:
                return _DROPPED[Step.CLOCK]
            at_s = self._newest_s
        if now_s - at_s > self._rules.max_age_s:
            return _DROPPED[Step.CLOCK]
        accuracy_m = ping.accuracy_m
        if accuracy_m is None or not 0.0 <= accuracy_m < math.inf:
            accuracy_m = self._rules.assumed_accuracy_m
        silence_s = at_s - self._newest_s
        self._newest_s, self._device_s = at_s, device_s
        fix = Fix(at_s, ping.lat, ping.lng, accuracy_m, ping.speed_mps, ping.heading_deg)
        if accuracy_m > self._rules.dispatchable_accuracy_m:
            return self._coarse(fix)
        settled = self._settle(fix, device_s, silence_s)
        return self._show(fix, settled)

    def admit_run(self, pings: Sequence[Ping], first: int, now_s: float, offset_s: float = 0.0) -> list[float]:
        """The short way of the usual fixes, in one pass: as many of `pings` from `first` on as are each newer than a
        trusted one that is shown, sharp, a move, and no jump. By the rules of admit() such a one is admitted,
        decidable, dispatchable and believed. Returns their times (unix seconds); the next is admit()'s to judge.
        """
        times: list[float] = []
        start = self.start()
        if start is None or start[0] is not start[1]:
            return times
        rules = self._rules
        sharp_m, gap_s, max_age_s, most_mps = (
            rules.decidable_accuracy_m, rules.gap_s, rules.max_age_s, rules.max_speed_mps
        )  # fmt: skip
        before_s, before_lat, before_lng, before_m, _, _ = start[0]
        first_lat = before_lat
        east_m = METRES_PER_DEGREE * math.cos(math.radians(first_lat))
        nearest_m, plane_deg = rules.duplicate_m, PLANE_DEG if abs(first_lat) < PLANE_MAX_LAT else 0.0
        nearest_square = nearest_m * nearest_m * (1.0 + PLANE_MARGIN)
        for t_ms, lat, lng, accuracy_m, _, _ in islice(pings, first, None):
            if accuracy_m is None or not 0.0 <= accuracy_m <= sharp_m:
                break
            at_s = t_ms / 1000.0 + offset_s
            if at_s > now_s:
                at_s = now_s
            interval_s = at_s - before_s
            if not 0.0 < interval_s <= gap_s or now_s - at_s > max_age_s:
                break
            noise_m = before_m + accuracy_m
            most_m = most_mps * (interval_s if interval_s > rules.min_interval_s else rules.min_interval_s)
            most_m += noise_m if noise_m < rules.max_noise_m else rules.max_noise_m
            north_m, way_east_m = (lat - before_lat) * METRES_PER_DEGREE, (lng - before_lng) * east_m
            square = north_m * north_m + way_east_m * way_east_m
            if (
                not (
                    -plane_deg < lat - first_lat < plane_deg
                    and nearest_square < square < most_m * most_m * (1.0 - PLANE_MARGIN)
                )
                and not nearest_m <= haversine_m(before_lat, before_lng, lat, lng) <= most_m
            ):
                break
            times.append(at_s)
            before_s, before_lat, before_lng, before_m = at_s, lat, lng, accuracy_m
        if times:
            last = pings[first + len(times) - 1]
            fix = Fix(before_s, *last[1:])  # type: ignore[arg-type]
            self.go_on(fix, last.t_ms / 1000.0, fix)
        return times

    def _coarse(self, fix: Fix) -> Verdict:
        """Too vague to move from or to: it is shown, and the next fix is compared with the one before it."""
        self._shown = fix
        trusted = self._trusted[0] if self._trusted else fix
        way_m = haversine_m(trusted.lat, trusted.lng, fix.lat, fix.lng) - fix.accuracy_m
        believed = way_m <= self._rules.max_speed_mps * max(fix.at_s - trusted.at_s, self._rules.min_interval_s)
        return Verdict(Kind.ADMITTED, fix, Step.ACCURACY, False, False, believed)

    def _settle(self, fix: Fix, device_s: float, silence_s: float) -> bool:
        """Whether the fix is believed: it can be reached from the last trusted one, or `settle_fixes` in a
        row agree with each other about a new place."""
        last, trusted, here = self._last, self._trusted, (fix, device_s)
        self._last = here
        if trusted is None or last is None or silence_s > self._rules.gap_s or self._reachable(trusted, here):
            self._agreeing = self._rules.settle_fixes
        elif self._agreeing >= self._rules.settle_fixes or not self._reachable(last, here):
            self._agreeing = 1
        else:
            self._agreeing += 1
        if self._agreeing < self._rules.settle_fixes:
            return False
        self._trusted = here
        return True

    def _reachable(self, start: tuple[Fix, float], end: tuple[Fix, float]) -> bool:
        rules, (before, left_s), (after, came_s) = self._rules, start, end
        # Two fixes clamped to one instant are as far apart as the device says, within reason.
        interval_s = after.at_s - before.at_s or min(came_s - left_s, rules.gap_s)
        noise_m = min(before.accuracy_m + after.accuracy_m, rules.max_noise_m)
        way_m = haversine_m(before.lat, before.lng, after.lat, after.lng) - noise_m
        return way_m <= rules.max_speed_mps * max(interval_s, rules.min_interval_s)

    def _show(self, fix: Fix, settled: bool) -> Verdict:
        rules, shown = self._rules, self._shown
        sharp = fix.accuracy_m <= rules.decidable_accuracy_m
        decidable = sharp and settled
        if (
            shown is not None
            and haversine_m(shown.lat, shown.lng, fix.lat, fix.lng) < rules.duplicate_m
            and not (sharp and shown.accuracy_m > rules.decidable_accuracy_m)
        ):
            # Measured from the shown fix, so a slow walk still adds up to a move.
            return Verdict(Kind.REFRESHED, fix, Step.DUPLICATE, decidable, settled, settled)
        self._shown = fix
        step = None if decidable else Step.JUMP if not settled else Step.ACCURACY
        return Verdict(Kind.ADMITTED, fix, step, decidable, settled, settled)
