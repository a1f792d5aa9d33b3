"""Approach and arrival that noise cannot fool, and whether there is progress at all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from geo.filter import Fix
from geo.geodesy import Box, bounding_boxes, haversine_m, segment_distance_m


class Rung(StrEnum):
    """The ladder of an approach, lowest first."""

    ON_THE_WAY = "on_the_way"
    NEAR = "near"
    ARRIVING = "arriving"
    ARRIVED = "arrived"


LADDER = tuple(Rung)
_HEIGHTS = {rung: height for height, rung in enumerate(LADDER)}


@dataclass(frozen=True, slots=True)
class Lines:
    """The distances and counts of an approach; the ladder's are Nammayatri's (location tracking service)."""

    #: So much nearer than at the start, for sure, is being on the way.
    on_the_way_m: float = 50.0
    near_m: float = 500.0
    arriving_m: float = 100.0
    #: The line to raise "arrived"; a house and its kerb.
    arrived_m: float = 40.0
    #: The wider line to clear it, so that wandering fixes of one who stands at the door never toggle.
    left_m: float = 100.0
    #: So many fixes in a row confirm an arrival or a departure.
    confirming_fixes: int = 3
    #: The confirming fixes of an arrival have to span this long: at one fix a second a car drives past in
    #: less.
    confirming_s: float = 10.0
    #: And no faster than this between them: someone who parks and walks. A slow car past the door is faster.
    confirming_mps: float = 3.0
    #: Or inside for this long without a fix in between that surely was not.
    dwell_s: float = 30.0
    #: The way between two fixes farther apart in time is not known: no crossing is concluded from it.
    segment_s: float = 60.0


DEFAULT_LINES = Lines()


class Approach(NamedTuple):
    """What is remembered of one approach between two fixes. Start with `Approach()`."""

    rung: Rung | None = None
    #: Whether they are at the place now; unlike `rung` it can become False again.
    inside: bool = False
    start_m: float | None = None
    last: Fix | None = None
    #: The first fix of the present run inside, and how many of it confirm in a row.
    entered_at_s: float | None = None
    slow_since_s: float | None = None
    slow_fixes: int = 0
    outside_fixes: int = 0


class Advance(NamedTuple):
    """The new memory, the distance now, the highest rung newly reached (each at most once in an approach;
    lower ones that were skipped are passed in silence) and whether they have just gone away again."""

    approach: Approach
    distance_m: float
    reached: Rung | None = None
    left: bool = False


def likely_distance_m(distance_m: float, accuracy_m: float) -> float:
    """The root-mean-square distance of the true position, when the fix is `distance_m` away and its error has
    the size of its accuracy. A vague fix is never near."""
    return math.hypot(distance_m, accuracy_m)


def advance(approach: Approach, fix: Fix, lat: float, lng: float, lines: Lines = DEFAULT_LINES) -> Advance:
    """One decidable fix (refreshed ones too: standing still is what confirms) against the job's place. Fixes
    come in the order of their time; an older one changes nothing."""
    if approach.last is not None and fix.at_s < approach.last.at_s:
        return Advance(approach, haversine_m(fix.lat, fix.lng, lat, lng))
    distance_m = haversine_m(fix.lat, fix.lng, lat, lng)
    passed_m = _passed_m(approach.last, fix, distance_m, lat, lng, lines)
    start_m = distance_m if approach.start_m is None else approach.start_m
    left = False
    if approach.inside:
        # Gone is who is surely beyond the outer line, several times in a row.
        outside = approach.outside_fixes + 1 if distance_m - fix.accuracy_m > lines.left_m else 0
        left = outside >= lines.confirming_fixes
        inside, outside, entry = not left, 0 if left else outside, None
    else:
        entry = _enter(approach, fix, distance_m, passed_m, lines)
        inside = entry is None
        outside = 0 if inside else approach.outside_fixes
    rung = _rung(inside, start_m, fix, distance_m, passed_m, lines)
    reached = rung if rung is not None and _height(rung) > _height(approach.rung) else None
    after = Approach(reached or approach.rung, inside, start_m, fix, *(entry or _Entry()), outside)
    return Advance(after, distance_m, reached, left)


def far_box(lat: float, lng: float, lines: Lines = DEFAULT_LINES) -> Box | None:
    """The box around a place outside which nobody is near it, for skim(); None where that would be two boxes."""
    boxes = bounding_boxes(lat, lng, lines.near_m * 1.01)
    return boxes[0] if len(boxes) == 1 else None


def skim(
    approach: Approach, fix: Fix, far: Box, lat: float, lng: float, lines: Lines = DEFAULT_LINES
) -> Approach | None:  # fmt: skip
    """The short way of advance() for who passes by far off: both ends of the way since the last fix lie on the same
    side of the place's box, so no line of the ladder was met but that of being on the way. None: advance() has to look.
    """
    rung, inside, start_m, last, entered_at_s, slow_since_s, _, outside_fixes = approach
    if start_m is None or inside or last is None or entered_at_s is not None or slow_since_s is not None:
        return None
    south, west, north, east = far
    (left_s, from_lat, from_lng, _, _, _), (at_s, to_lat, to_lng, accuracy_m, _, _) = last, fix
    if at_s < left_s or not (
        (to_lat > north and from_lat > north) or (to_lat < south and from_lat < south)
        or (to_lng > east and from_lng > east) or (to_lng < west and from_lng < west)
    ):  # fmt: skip
        return None
    if rung is None and start_m - haversine_m(to_lat, to_lng, lat, lng) - accuracy_m >= lines.on_the_way_m:
        return None
    return Approach(rung, False, start_m, fix, None, None, 0, outside_fixes)


def _passed_m(last: Fix | None, fix: Fix, distance_m: float, lat: float, lng: float, lines: Lines) -> float:
    """The likely distance at the nearest point of the way since the last fix."""
    nearest_m = distance_m
    if last is not None and fix.at_s - last.at_s <= lines.segment_s:
        nearest_m, _ = segment_distance_m(lat, lng, last.lat, last.lng, fix.lat, fix.lng)
    return likely_distance_m(min(nearest_m, distance_m), fix.accuracy_m)


class _Entry(NamedTuple):
    """How far a coming in is confirmed: the first fix of the run inside, that of its slow ones, and how many these
    are."""

    entered_at_s: float | None = None
    slow_since_s: float | None = None
    slow_fixes: int = 0


def _enter(approach: Approach, fix: Fix, distance_m: float, passed_m: float, lines: Lines) -> _Entry | None:
    """Counts a fix towards being there: in a row, slowly and long enough, or by dwelling. None when that is sure."""
    surely_m = distance_m - fix.accuracy_m
    # At the far side of the place, but not yet beyond the outer line, a crossing is as good as a fix inside.
    if passed_m > lines.arrived_m or surely_m > lines.left_m:
        # A fix that may have been inside breaks the row, one that surely was not ends the dwell as well.
        return _Entry(None if surely_m > lines.arrived_m else approach.entered_at_s)
    entered_at_s = fix.at_s if approach.entered_at_s is None else approach.entered_at_s
    if approach.slow_since_s is not None and _speed_mps(approach.last, fix) <= lines.confirming_mps:
        slow_since_s, slow_fixes = approach.slow_since_s, approach.slow_fixes + 1
    else:
        slow_since_s, slow_fixes = fix.at_s, 1
    confirmed = slow_fixes >= lines.confirming_fixes and fix.at_s - slow_since_s >= lines.confirming_s
    dwelt = fix.at_s - entered_at_s >= lines.dwell_s
    return None if confirmed or dwelt else _Entry(entered_at_s, slow_since_s, slow_fixes)


def _rung(
    inside: bool, start_m: float, fix: Fix, distance_m: float, passed_m: float, lines: Lines
) -> Rung | None:  # fmt: skip
    if inside:
        return Rung.ARRIVED
    if passed_m <= lines.arriving_m:
        return Rung.ARRIVING
    if passed_m <= lines.near_m:
        return Rung.NEAR
    if start_m - distance_m - fix.accuracy_m >= lines.on_the_way_m:
        return Rung.ON_THE_WAY
    return None


def _height(rung: Rung | None) -> int:
    return -1 if rung is None else _HEIGHTS[rung]


def _speed_mps(last: Fix | None, fix: Fix) -> float:
    if last is None or fix.at_s <= last.at_s:
        return math.inf
    way_m = haversine_m(last.lat, last.lng, fix.lat, fix.lng)
    return way_m / (fix.at_s - last.at_s)


# ---------------------------------------------------------------- progress, for a watchdog


class Progress(StrEnum):
    PROGRESSING = "progressing"
    STALLED = "stalled"
    MOVING_AWAY = "moving_away"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Patience:
    """When a way to a job looks wrong. 50 m, 250 m are Nammayatri's pickup watchdog; the times are ours."""

    #: So much nearer than the best so far is progress.
    progress_m: float = 50.0
    #: So much farther than the best so far is moving away.
    away_m: float = 250.0
    #: No progress for so long is a stall: longer than any traffic light, shorter than a lunch.
    stalled_s: float = 600.0
    #: No decidable fix for so long is dark: three reports at the slowest rate.
    dark_s: float = 180.0
    #: At the place itself nobody needs to come nearer.
    there_m: float = 100.0


DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Best:
    """The nearest they have been, and when. `Best()` before the first look."""

    distance_m: float | None = None
    at_s: float | None = None


def look(
    best: Best,
    distance_m: float | None,
    fix_at_s: float | None,
    now_s: float,
    patience: Patience = DEFAULT_PATIENCE,
) -> tuple[Best, Progress]:
    """One look at a way to a job: the memory for the next look, and how it goes. A position that isn't known
    or is old is dark and changes the memory not at all: the dark time counts only if it brought no
    progress. Without a distance, because the place is not known, nothing speaks against progress."""
    if fix_at_s is None or now_s - fix_at_s > patience.dark_s:
        return best, Progress.DARK
    if distance_m is None:
        return best, Progress.PROGRESSING
    if best.distance_m is None or best.at_s is None or distance_m <= best.distance_m - patience.progress_m:
        return Best(distance_m, now_s), Progress.PROGRESSING
    if distance_m >= best.distance_m + patience.away_m:
        return best, Progress.MOVING_AWAY
    if distance_m <= patience.there_m or now_s - best.at_s <= patience.stalled_s:
        return best, Progress.PROGRESSING
    return best, Progress.STALLED
